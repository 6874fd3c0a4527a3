"""The update of balanced tasks combines the tasks' gradients, computed here by separate backward passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from skmtl import MultiTaskKerasRegressor
from skmtl._records import Head
from skmtl.balancing import get
from skmtl.losses import default_rule, group_losses
from skmtl.networks import StackedNetwork
from skmtl.training._gradient import BalancedGradient, Batch, Losses
from skmtl.training._task_gradients import CombinedGradient
from skmtl.training._tensors import Numbers

from ..networks._schemes import MIXED, SCHEMES, random_parameters, rows_for, spec_of

# More tasks than are unrolled in the program; some have two columns.
MANY = tuple(Head(f"y{i}", 1, "identity") for i in range(18))
MANY_AND_WIDE = (*MANY, Head("kind", 3, "softmax"))
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "shared bottom": ("shared_bottom", {}),
    "shared bottom, members": ("shared_bottom", {"members": 2}),
    "shared bottom, towers": ("shared_bottom", {"head_layer_sizes": (3,)}),
    "shared bottom, many tasks": ("shared_bottom", {"heads": MANY}),
    "shared bottom, many tasks of several widths": ("shared_bottom", {"heads": MANY_AND_WIDE}),
    "bypass": ("bypass", {}),
    "mmoe, many tasks": ("mmoe", {"heads": MANY}),
    "ple, members": ("ple", {"members": 2}),
    "cross-stitch": ("cross_stitch", {}),
    "independent": ("independent", {}),
    "task-conditioned": ("task_conditioned", {}),
}


class Problem:
    """A network, a batch with missing labels, and the engine's numbers."""

    def __init__(self, scheme: str, heads: tuple[Head, ...] = MIXED, **changes: Any) -> None:
        self.network = StackedNetwork(spec_of(SCHEMES[scheme], heads=heads, dtype="float64", **changes))
        kinds = ["regression" if head.units == 1 else "classification" for head in heads]
        rules = [default_rule(k, probabilities=False, units=h.units) for k, h in zip(kinds, heads, strict=True)]
        self.n_tasks = len(heads)
        self.losses = Losses(self.network, group_losses(rules, [h.units for h in heads]), self.n_tasks)
        self.flat = tf.constant(random_parameters(self.network))
        self.frozen = [tf.constant(value) for value in self.network.initial_frozen(0, 0.0)]
        rng = np.random.default_rng(2)
        shape = (self.network.members, 7, self.n_tasks)
        labels = np.where([k == "regression" for k in kinds], rng.normal(size=shape), rng.integers(0, 3, shape))
        weights = rng.uniform(0.1, 0.3, shape) * (rng.random(shape) < 0.7)
        # The first member's second task has no label at all.
        weights[0, :, 1:2] = 0.0
        self.batch = Batch(*map(tf.constant, (rows_for(self.network), labels, weights)))
        shares = rng.uniform(0.5, 1.5, self.n_tasks)
        ones = tf.ones(self.n_tasks, tf.float64)
        numbers = dict.fromkeys(Numbers._fields)
        numbers |= {"task_weights": tf.constant(shares / shares.sum()), "scale": ones, "units": ones}
        self.numbers = Numbers(**numbers)

    def with_constants(self, method: Any) -> Numbers:
        constants = {name: tf.constant(value, tf.float32) for name, value in method.constants().items()}
        return self.numbers._replace(balancing=constants)

    def gradients(self) -> np.ndarray:
        """Return every task's gradient over all parameters, (members, tasks, n_parameters)."""
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(self.flat)
            raw, *_ = self.network.forward(self.flat, self.frozen, self.batch.inputs, training=True)
            losses = self.losses.of(self.batch.labels, self.batch.weights, raw, self.numbers)
            each = [tf.reduce_sum(losses[:, task]) for task in range(self.n_tasks)]
        return np.stack([tape.gradient(loss, self.flat).numpy() for loss in each], axis=1)

    def shared(self) -> np.ndarray:
        """Return a mask of the shared parameters."""
        mask = np.zeros(self.flat.shape[1], dtype=bool)
        for parameter, shared in zip(self.network.parameters, self.network.sharing(), strict=True):
            mask[parameter.start : parameter.stop] = shared
        return mask


@pytest.mark.parametrize("name", CASES)
def test_the_update_is_the_weighted_sum_of_the_tasks_gradients(name: str) -> None:
    scheme, changes = CASES[name]
    problem, method = Problem(scheme, **changes), get("cagrad")
    gradient = CombinedGradient(problem.losses, method)
    numbers = problem.with_constants(method)
    carry = gradient.start(seed=0, first=0)
    step = gradient.step(problem.flat, problem.frozen, problem.batch, numbers, carry)
    each, shared = problem.gradients(), problem.shared()
    gram = np.einsum("mip,mjp->mij", each[:, :, shared], each[:, :, shared])
    np.testing.assert_allclose(step.signal.gram, gram, rtol=1e-5, atol=1e-6)
    weights, _ = method.task_weights(step.signal._replace(gram=tf.constant(gram, tf.float32)), {}, numbers.balancing)
    assert weights.numpy()[0, 1] == 0.0
    together = np.einsum("mk,mkp->mp", weights.numpy() / problem.n_tasks, each)
    # The heads use the caller's weights: a task's own parameters have no conflicts to resolve.
    apart = np.einsum("k,mkp->mp", problem.numbers.task_weights, each)
    np.testing.assert_allclose(step.gradient, np.where(shared, together, apart), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["uncertainty", "stch"])
def test_the_update_of_a_method_on_losses_weighs_all_parameters(name: str) -> None:
    problem, method = Problem("shared_bottom"), get(name)
    gradient = BalancedGradient(problem.losses, method)
    numbers = problem.with_constants(method)
    carry = gradient.start(seed=0, first=0)
    carry = carry._replace(method={key: tf.constant(value) for key, value in carry.method.items()})
    step = gradient.step(problem.flat, problem.frozen, problem.batch, numbers, carry)
    weights = step.record["weights"].numpy() / problem.n_tasks
    np.testing.assert_allclose(step.gradient, np.einsum("mk,mkp->mp", weights, problem.gradients()), rtol=1e-4)
    assert weights[0, 1] == 0.0
    assert np.ptp(weights[0, [0, 2]]) > 0


def two_similar_tasks_and_an_unrelated_one() -> tuple[np.ndarray, np.ndarray]:
    """Return features and three tasks: two that are nearly equal, and an unrelated one."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    return X, np.column_stack([X[:, 0], X[:, 0] + 0.1 * X[:, 1], X[:, 2]])


def test_weights_and_cosines_are_recorded_by_epoch() -> None:
    X, y = two_similar_tasks_and_an_unrelated_one()
    settings = {"hidden_layer_sizes": (8,), "epochs": 4, "jit_compile": False, "random_state": 0, "ensemble_size": 1}
    model = MultiTaskKerasRegressor(balancing="mgda", **settings).fit(X, y)
    weights = np.array([model.history_[f"y{task}_weight"] for task in range(3)])
    assert weights.shape == (3, model.n_iter_)
    assert (weights >= 0).all()
    cosines = model.gradient_cosines_
    assert cosines.shape == (model.n_iter_, 3, 3)
    np.testing.assert_allclose(np.diagonal(cosines, axis1=1, axis2=2), 1.0, rtol=1e-5)
    np.testing.assert_allclose(cosines, cosines.transpose(0, 2, 1), rtol=1e-6)
    pairs = np.triu_indices(3, 1)
    np.testing.assert_allclose(model.history_["gradient_cosine"], cosines[:, *pairs].mean(axis=1), rtol=1e-6)
    assert ((model.gradient_conflicts_ >= 0) & (model.gradient_conflicts_ <= 1)).all()
    on_losses = MultiTaskKerasRegressor(balancing="dwa", **settings).fit(X, y)
    assert "y0_weight" in on_losses.history_
    assert not hasattr(on_losses, "gradient_cosines_")
