"""Cosines and lookahead at the end of an epoch, compared with a plain gradient computation for each task."""

import numpy as np
import pytest
import tensorflow as tf

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor
from skmtl.training._task_probe import TaskProbe, _batches

SMALL = {"hidden_layer_sizes": (5,), "epochs": 2, "ensemble_size": 2, "jit_compile": False, "random_state": 0}
MOMENTUM = 0.9


def table(n_tasks=3, missing=0.0, n=90):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    y = X @ rng.normal(size=(4, n_tasks)) + 0.3 * rng.normal(size=(n, n_tasks))
    y[rng.random(y.shape) < missing] = np.nan
    return X, y


def probed(model, X, y, n_batches=2):
    """Return the state at the end of the last epoch, and the probe's measurements of it."""
    seen = []
    model._fit_observed(X, y, seen.append)
    return seen[-1], TaskProbe(seen[-1].program, True)(seen[-1], n_batches)


def losses_at(epoch_state, flat, rows):
    """Return each task's mean loss per member, in units of the constant prediction's loss, without the engine."""
    data, numbers = epoch_state.data, epoch_state.numbers
    raw, _, _ = epoch_state.program.network.forward(
        flat, epoch_state.state.frozen, tf.gather(data.inputs, rows), training=True
    )
    weights = tf.gather(data.weights, rows)
    return epoch_state.program.losses.of(tf.gather(data.labels, rows), weights, raw, numbers)


def by_hand(epoch_state, rows):
    """Return gradients of all tasks over the shared parameters, and losses after an SGD step along each."""
    network, state = epoch_state.program.network, epoch_state.state
    shared = np.concatenate([np.full(p.stop - p.start, p.shared) for p in network.parameters])
    gradients = []
    for task in range(epoch_state.program.n_tasks):
        with tf.GradientTape() as tape:
            tape.watch(state.flat)
            loss = tf.reduce_sum(losses_at(epoch_state, state.flat, rows)[:, task])
        gradients.append(tape.gradient(loss, state.flat).numpy() * shared)
    velocity = next(v.numpy() for v in state.optimizer if v.shape == state.flat.shape)
    rate = epoch_state.numbers.rate.numpy()[:, None]

    def losses_after(gradient):
        step = (MOMENTUM * velocity - rate * gradient) * shared
        return losses_at(epoch_state, state.flat + step, rows).numpy()

    before = losses_at(epoch_state, state.flat, rows).numpy()
    drift = losses_after(np.zeros_like(gradients[0]))
    falls = [(drift - losses_after(gradient)) / before for gradient in gradients]
    return np.stack(gradients, axis=1), np.stack(falls, axis=1)


@pytest.mark.parametrize("tasks", [3, 18])
def test_cosines_and_lookahead_are_those_of_plain_gradients(tasks):
    X, y = table(tasks)
    model = MultiTaskKerasRegressor(**SMALL, optimizer="sgd", optimizer__momentum=MOMENTUM, learning_rate=0.05)
    epoch_state, found = probed(model, X, y)
    for batch, rows in enumerate(_batches(epoch_state, 2)):
        # A full batch of labels gives the mean.
        scale = 1.0 / rows.shape[1]
        data = epoch_state.data._replace(weights=epoch_state.data.weights * scale)
        gradients, falls = by_hand(epoch_state._replace(data=data), rows)
        unit = gradients / np.linalg.norm(gradients, axis=2, keepdims=True)
        np.testing.assert_allclose(found.cosines[batch], unit @ unit.transpose(0, 2, 1), atol=2e-5)
        np.testing.assert_allclose(found.lookahead[batch], falls, atol=2e-6, rtol=2e-3)


def test_tasks_that_are_never_in_the_same_batch_have_no_affinity():
    X, y = table(3)
    y[:, 2] = np.nan
    y[:5, 2] = 1.0, 2.0, 3.0, 4.0, 5.0
    epoch_state, _ = probed(MultiTaskKerasRegressor(**SMALL, early_stopping=False), X, y)
    with_labels = epoch_state._replace(train=(np.arange(5),) * 2, batch_size=1, epoch=1)
    without = epoch_state._replace(train=(np.arange(10, 40),) * 2)
    probe = TaskProbe(epoch_state.program, True)
    assert np.isfinite(probe(with_labels, 1).lookahead).all()
    alone = probe(without, 1)
    for values in (alone.cosines, alone.lookahead):
        assert np.isnan(values[..., 2]).all() and np.isnan(values[..., 2, :]).all()
        assert np.isfinite(values[..., :2, :2]).all()


@pytest.mark.parametrize("kind", [MultiTaskKerasRegressor, MultiTaskKerasClassifier])
def test_being_observed_changes_nothing(kind):
    X, y = table()
    y = y if kind is MultiTaskKerasRegressor else np.digitize(y, [-0.5, 0.5])
    plain = kind(**SMALL).fit(X, y)
    seen = kind(**SMALL)
    probes = {}

    def look(epoch_state):
        probes.setdefault(epoch_state.program, TaskProbe(epoch_state.program, True))(epoch_state, 1)

    seen._fit_observed(X, y, look)
    np.testing.assert_array_equal(seen.network_.parameters, plain.network_.parameters)
    assert seen.history_ == plain.history_


def test_every_epoch_of_every_member_is_shown_once():
    X, y = table()
    seen = []
    MultiTaskKerasRegressor(**{**SMALL, "ensemble_size": 6, "epochs": 3})._fit_observed(X, y, seen.append)
    shown = [(epoch_state.first + i, epoch_state.epoch) for epoch_state in seen for i in range(len(epoch_state.train))]
    assert sorted(shown) == [(member, epoch) for member in range(6) for epoch in (1, 2, 3)]


def test_a_network_that_shares_nothing_is_refused():
    X, y = table()
    with pytest.raises(ValueError, match="share no parameter"):
        probed(MultiTaskKerasRegressor(**SMALL, architecture="independent"), X, y)
