"""Contract of all balancing methods."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import tensorflow as tf
from sklearn.base import clone

from skmtl import balancing
from skmtl.balancing import Balancing, BalancingSignal

from ._cases import (
    GRADIENT_METHODS,
    METHODS,
    decide,
    gram_of,
    jacobian,
    loop,
    make_signal,
    start,
    tensors,
    zoo_signal,
)

pytestmark = pytest.mark.parametrize("name", METHODS)

K = 4


def some_signal(method: Balancing, **kwargs: object) -> BalancingSignal:
    """Three ordinary members."""
    kinds = ["conflicting", "independent", "badly_scaled"]
    return make_signal(np.stack([gram_of(jacobian(kind, K, seed=7)) for kind in kinds]), method=method, **kwargs)


def take(signal: BalancingSignal, members: slice) -> BalancingSignal:
    parts = {
        name: value if value is None or name == "loss_weights" else value[members]
        for name, value in signal._asdict().items()
    }
    return BalancingSignal(**parts)


def test_weights_are_finite_and_zero_for_absent_tasks(name: str) -> None:
    method = balancing.get(name)
    signal = zoo_signal(method)
    weights = decide(method, signal)
    assert weights.shape == signal.losses.shape
    assert weights.dtype == np.float32
    assert np.isfinite(weights).all()
    assert (weights[~signal.present.numpy()] == 0.0).all()
    assert (np.abs(weights).sum(-1)[signal.present.numpy().any(-1)] > 0.0).all()


def test_state_keeps_its_names_shapes_and_types(name: str) -> None:
    method = balancing.get(name)
    signal = zoo_signal(method)
    m = signal.losses.shape[0]
    before = start(method, m, K)
    _, after = loop(method, 2, jit_compile=None)(signal, before, tensors(method))
    assert {key: (v.shape, v.dtype) for key, v in after.items()} == {
        key: (v.shape, v.dtype) for key, v in before.items()
    }
    assert all(np.isfinite(value).all() for value in after.values())


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["graph", "xla"])
def test_compiled_loop_equals_eager_execution(name: str, jit_compile: bool) -> None:
    method = balancing.get(name)
    signal = zoo_signal(method)
    state = start(method, signal.losses.shape[0], K)
    expected, expected_state = loop(method, 3, jit_compile=None)(signal, state, tensors(method))
    weights, new_state = loop(method, 3, jit_compile=jit_compile)(signal, state, tensors(method))
    np.testing.assert_allclose(weights, expected, rtol=2e-4, atol=1e-5)
    for key, value in expected_state.items():
        np.testing.assert_allclose(new_state[key], value, rtol=2e-4, atol=1e-5)


def test_members_do_not_influence_each_other(name: str) -> None:
    method = balancing.get(name)
    signal = some_signal(method)
    together = decide(method, signal)
    for i in range(3):
        alone = decide(method, take(signal, slice(i, i + 1)))[0]
        np.testing.assert_allclose(alone, together[i], rtol=1e-6, atol=1e-7)


def test_a_member_with_nan_does_not_affect_the_others(name: str) -> None:
    method = balancing.get(name)
    signal = some_signal(method)
    expected = decide(method, signal)
    spoilt = np.zeros((3, 1, 1), np.float32)
    spoilt[1] = np.nan
    weights = decide(method, signal._replace(losses=signal.losses + spoilt[:, 0], gram=signal.gram + spoilt))
    np.testing.assert_array_equal(weights[[0, 2]], expected[[0, 2]])
    if name in [*GRADIENT_METHODS, "log", "stch", "uw_so", "famo"]:
        assert np.isnan(weights[1]).all()  # not hidden behind usable numbers


def test_permuting_tasks_permutes_weights(name: str) -> None:
    method = balancing.get(name)
    signal = some_signal(method, loss_weights=np.array([0.5, 1.0, 2.0, 0.5]))
    order = np.array([2, 0, 3, 1])

    def shuffled(value: tf.Tensor, axes: list[int]) -> tf.Tensor:
        for axis in axes:
            value = tf.gather(value, order, axis=axis)
        return value

    noise = signal.noise
    permuted = BalancingSignal(
        losses=shuffled(signal.losses, [1]),
        present=shuffled(signal.present, [1]),
        loss_weights=shuffled(signal.loss_weights, [0]),
        gram=shuffled(signal.gram, [1, 2]),
        noise=None if noise is None else shuffled(noise, list(range(1, noise.ndim))),
    )
    np.testing.assert_allclose(decide(method, permuted), decide(method, signal)[:, order], rtol=1e-4, atol=1e-5)


def test_values_of_absent_tasks_have_no_influence(name: str) -> None:
    method = balancing.get(name)
    signal = some_signal(method)
    gram, losses, noise = signal.gram.numpy(), signal.losses.numpy(), signal.noise
    gram[:, 1], gram[:, :, 1], losses[:, 1] = np.nan, np.inf, np.nan
    present = np.array([[True, False, True, True]] * 3)
    masked = signal._replace(gram=tf.constant(gram), losses=tf.constant(losses), present=tf.constant(present))
    kept = [0, 2, 3]
    if noise is not None:
        for axis in range(1, noise.ndim):
            noise = tf.gather(noise, kept, axis=axis)
    smaller = BalancingSignal(
        losses=tf.gather(signal.losses, kept, axis=1),
        present=tf.constant(present[:, kept]),
        loss_weights=tf.ones(3),
        gram=tf.gather(tf.gather(signal.gram, kept, axis=1), kept, axis=2),
        noise=noise,
    )
    weights = decide(method, masked)
    assert (weights[:, 1] == 0.0).all()
    np.testing.assert_allclose(weights[:, kept], decide(method, smaller), rtol=1e-4, atol=1e-6)


def test_state_of_an_absent_task_is_kept(name: str) -> None:
    method = balancing.get(name)
    signal = some_signal(method)
    state = start(method, 3, K)
    _, state = loop(method, 2, jit_compile=None)(signal, state, tensors(method))
    present = tf.constant([[True, False, True, True]] * 3)
    _, after = loop(method, 2, jit_compile=None)(signal._replace(present=present), state, tensors(method))
    for key, value in after.items():
        np.testing.assert_array_equal(value[:, 1], state[key][:, 1], err_msg=key)


def test_a_task_of_zero_loss_weight_is_absent(name: str) -> None:
    method = balancing.get(name)
    loss_weights = np.array([4 / 3, 0.0, 4 / 3, 4 / 3])
    signal = some_signal(method, loss_weights=loss_weights)
    absent = signal._replace(present=tf.constant([[True, False, True, True]] * 3))
    np.testing.assert_array_equal(decide(method, signal), decide(method, absent))


def test_a_larger_loss_weight_is_a_larger_weight(name: str) -> None:
    method = balancing.get(name)
    signal = make_signal(
        np.eye(3)[None],
        losses=np.full((1, 3), 0.5),
        loss_weights=np.array([1.5, 1.0, 0.5]),
        noise=None if method.noise_shape(3) is None else np.zeros((1, *method.noise_shape(3))),
    )
    weights = decide(method, signal)[0]
    assert weights[0] > weights[1] * 1.05 > weights[2] * 1.1


def test_one_task_has_weight_one(name: str) -> None:
    method = balancing.get(name)
    signal = make_signal(np.array([[[3.0]], [[1e-8]], [[0.0]]]), method=method)
    np.testing.assert_allclose(decide(method, signal), 1.0, rtol=1e-6)


def test_equal_tasks_have_equal_weights(name: str) -> None:
    method = balancing.get(name)
    shape = method.noise_shape(3)
    for cosine in (0.0, 0.7, 1.0, -0.5):
        gram = np.full((1, 3, 3), cosine) + (1 - cosine) * np.eye(3)
        signal = make_signal(gram, losses=np.full((1, 3), 0.5), noise=None if shape is None else np.zeros((1, *shape)))
        weights = decide(method, signal)[0]
        # The random order favours some tasks, but only if gradients conflict.
        if not (name in ("pcgrad", "gradvac") and cosine < 0):
            np.testing.assert_allclose(weights, weights[0], rtol=1e-4, atol=1e-6)


def test_constants_are_inputs_of_the_program(name: str) -> None:
    method = balancing.get(name)
    signal = some_signal(method)
    run = loop(method, 1, jit_compile=False)
    constants, state = tensors(method), start(method, 3, K)
    run(signal, state, constants)
    run(signal, state, {key: value * 0.5 for key, value in constants.items()})
    assert run.experimental_get_tracing_count() == 1


def test_constants_matter(name: str) -> None:
    method = balancing.get(name)
    signal, state = some_signal(method), start(method, 3, K)
    for key in method.constants():
        other = clone(method).set_params(**{key: 0.6 * getattr(method, key)})
        outcomes = [loop(each, 4, jit_compile=None)(signal, state, tensors(each)) for each in (method, other)]
        assert not np.allclose(outcomes[0][0], outcomes[1][0], rtol=1e-6), key


def test_structure_ignores_only_numbers(name: str) -> None:
    method = balancing.get(name)
    numbers = {key: 0.5 * value for key, value in method.constants().items()}
    assert hash(method.structure()) == hash(clone(method).set_params(**numbers).structure())
    assert method.structure() == clone(method).set_params(**numbers).structure()
    assert method.structure() != balancing.get("log" if name != "log" else "equal").structure()


def test_instances_can_be_cloned_and_pickled(name: str) -> None:
    method = balancing.get(name)
    for copy in (clone(method), pickle.loads(pickle.dumps(method))):
        assert copy.structure() == method.structure()
        assert copy.constants() == method.constants()


def test_negative_parameters_raise_an_error(name: str) -> None:
    method = balancing.get(name)
    for key in method.constants():
        with pytest.raises(ValueError, match=f"'{key}' parameter of {type(method).__name__}"):
            balancing.get(name, **{key: -1.0})


def test_no_gradient_flows_through_the_weights(name: str) -> None:
    method = balancing.get(name)
    signal = some_signal(method)
    with tf.GradientTape() as tape:
        tape.watch([signal.losses, signal.gram])
        weights, _ = method.task_weights(signal, start(method, 3, K), tensors(method))
        total = tf.reduce_sum(weights)
    assert tape.gradient(total, [signal.losses, signal.gram]) == [None, None]
