"""Weights of the loss-based methods (and of GradNorm), compared with the papers' formulas in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from skmtl import balancing
from skmtl.balancing import BalancingSignal

from ._cases import LOSS_METHODS, decide, make_signal, start, tensors, zoo_signal
from ._reference import Adam, softmax

LOSSES = np.array([0.9, 0.3, 0.1])


def signal_of(losses: np.ndarray = LOSSES, **kwargs: object) -> BalancingSignal:
    return make_signal(np.eye(len(losses))[None], losses=np.asarray(losses)[None], **kwargs)


def weights_of(name: str, losses: np.ndarray = LOSSES, **constants: float) -> np.ndarray:
    return decide(name, signal_of(losses), **constants)[0]


@pytest.mark.parametrize("n_tasks", [2, 3, 12])
def test_formulas(n_tasks: int) -> None:
    losses = np.random.default_rng(n_tasks).uniform(0.05, 1.5, size=n_tasks)
    expected = {
        "equal": np.ones(n_tasks),
        "log": n_tasks / losses / (1 / losses).sum(),
        "uw_so": n_tasks * softmax(1 / losses),
        "stch": n_tasks * softmax(losses),
        "uncertainty": np.ones(n_tasks),
        "dwa": np.ones(n_tasks),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(weights_of(name, losses), value, rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("name", [*LOSS_METHODS, "gradnorm"])
def test_weights_sum_to_the_number_of_present_tasks(name: str) -> None:
    method = balancing.get(name)
    signal = zoo_signal(method)
    np.testing.assert_allclose(decide(method, signal).sum(-1), signal.present.numpy().sum(-1), rtol=1e-5)


def test_pinned_weights() -> None:
    np.testing.assert_allclose(weights_of("log"), [3 / 13, 9 / 13, 27 / 13], rtol=1e-5)
    np.testing.assert_allclose(weights_of("uw_so", temperature=5.0), [0.353927, 0.551993, 2.094079], atol=1e-5)
    np.testing.assert_allclose(weights_of("stch", mu=0.5), [1.995893, 0.601148, 0.402959], atol=1e-5)


def test_log_does_not_depend_on_the_scale_of_a_loss() -> None:
    scales = np.array([3.0, 0.5, 2.0])
    plain, scaled = weights_of("log"), weights_of("log", LOSSES * scales) * scales
    np.testing.assert_allclose(plain / plain.sum(), scaled / scaled.sum(), rtol=1e-5)


@pytest.mark.parametrize("name", ["log", "uw_so", "famo"])
def test_a_loss_of_zero_counts_as_the_floor(name: str) -> None:
    np.testing.assert_array_equal(weights_of(name, [0.5, 0.0]), weights_of(name, [0.5, 1e-3]))


@pytest.mark.parametrize("name", ["stch", "uw_so", "dwa"])
def test_large_temperatures_make_weights_equal(name: str) -> None:
    key = "mu" if name == "stch" else "temperature"
    np.testing.assert_allclose(weights_of(name, **{key: 1e6}), 1.0, atol=1e-4)


def test_stch_with_little_smoothing_trains_only_the_worst_task() -> None:
    np.testing.assert_allclose(weights_of("stch", mu=1e-3), [3.0, 0.0, 0.0], atol=1e-6)


def test_static_keeps_the_loss_weights_when_tasks_are_absent() -> None:
    loss_weights = np.array([0.3, 1.2, 1.5])
    signal = signal_of(loss_weights=loss_weights, present=np.array([[True, False, True]]))
    np.testing.assert_allclose(decide("static", signal)[0], [0.3, 0.0, 1.5], rtol=1e-6)


def test_loss_weights_multiply_and_keep_the_sum() -> None:
    loss_weights = np.array([0.5, 1.0, 1.5])
    weights = decide("log", signal_of(loss_weights=loss_weights))[0]
    np.testing.assert_allclose(weights, 3 * loss_weights / LOSSES / (loss_weights / LOSSES).sum(), rtol=1e-5)


def test_stch_takes_loss_weights_as_preferences() -> None:
    preferences = np.array([0.5, 1.0, 1.5])
    raw = preferences * softmax(preferences * LOSSES)
    weights = decide("stch", signal_of(loss_weights=preferences))[0]
    np.testing.assert_allclose(weights, 3 * raw / raw.sum(), rtol=1e-5)


def test_random_weights_are_the_softmax_of_the_noise() -> None:
    noise = np.array([0.3, -1.0, 2.0])
    np.testing.assert_allclose(decide("random", signal_of(noise=noise[None]))[0], 3 * softmax(noise), rtol=1e-5)


def test_dwa_follows_the_ratio_of_the_last_two_epochs() -> None:
    method = balancing.get("dwa", temperature=0.7)
    state, constants = start(method, 1, 2), tensors(method)
    history = np.array([[1.0, 0.8], [0.5, 0.7], [0.4, 0.1]], np.float32)
    for epoch, expected in enumerate([None, None, history[1] / history[0], history[2] / history[1]]):
        weights, state = method.task_weights(signal_of([0.5, 0.5]), state, constants)
        wanted = np.ones(2) if expected is None else 2 * softmax(expected / 0.7)
        np.testing.assert_allclose(weights[0], wanted, rtol=1e-5)
        if epoch < 3:
            state = method.epoch_end(tf.constant(history[epoch][None]), tf.constant([[True, True]]), state, constants)


def test_dwa_keeps_the_last_losses_of_a_task_without_labels_in_an_epoch() -> None:
    method = balancing.get("dwa")
    state, constants = start(method, 1, 2), tensors(method)
    for losses, present in (([1.0, 1.0], True), ([0.5, 0.8], True), ([0.4, np.nan], False)):
        state = method.epoch_end(tf.constant([losses], tf.float32), tf.constant([[True, present]]), state, constants)
    weights, _ = method.task_weights(signal_of([0.5, 0.5]), state, constants)
    np.testing.assert_allclose(weights[0], 2 * softmax(np.array([0.4 / 0.5, 0.8]) / 2), rtol=1e-5)


def test_uncertainty_trains_log_variances_with_adam() -> None:
    method = balancing.get("uncertainty", learning_rate=0.1)
    state, constants = start(method, 1, 3), tensors(method)
    adam, s = Adam(3, 0.1), np.zeros(3)
    for _ in range(20):
        weights, state = method.task_weights(signal_of(), state, constants)
        precision = np.exp(-s)
        np.testing.assert_allclose(weights[0], 3 * precision / precision.sum(), rtol=1e-4)
        s = s + adam.step((1 - precision * LOSSES) / 2)


def test_uncertainty_converges_to_the_inverse_losses() -> None:
    method = balancing.get("uncertainty", learning_rate=0.05)
    state, constants = start(method, 1, 3), tensors(method)
    step = tf.function(method.task_weights)
    for _ in range(400):
        weights, state = step(signal_of(), state, constants)
    np.testing.assert_allclose(state["log_variance"][0], np.log(LOSSES), atol=0.02)
    np.testing.assert_allclose(weights[0], weights_of("log"), rtol=0.02)


def test_famo_follows_the_published_algorithm() -> None:
    method = balancing.get("famo", learning_rate=0.3, decay=0.01)
    state, constants = start(method, 1, 3), tensors(method)
    adam, xi, losses = Adam(3, 0.3), np.zeros(3), LOSSES
    for _ in range(15):
        signal = signal_of(losses)
        weights, state = method.task_weights(signal, state, constants)
        z = softmax(xi)
        np.testing.assert_allclose(weights[0], 3 * z / losses / (z / losses).sum(), rtol=1e-3)
        after = losses * np.array([0.9, 0.99, 0.95])
        state = method.after_step(signal, tf.constant(after[None], tf.float32), state, constants)
        d = np.log(losses) - np.log(after)
        jacobian = np.diag(z) - np.outer(z, z)
        xi = xi + adam.step(jacobian.T @ d + 0.01 * xi)
        losses = after
    assert xi[1] > xi[2] > xi[0]  # the task with the slowest decrease gains weight


def test_gradnorm_takes_an_adam_step_on_the_papers_objective() -> None:
    alpha, rate = 0.7, 0.05
    norms = np.array([2.0, 0.5, 1.0])
    method = balancing.get("gradnorm", alpha=alpha, learning_rate=rate)
    state, constants = start(method, 1, 3), tensors(method)
    adam, v = Adam(3, rate), np.zeros(3)
    for _ in range(10):
        signal = signal_of()._replace(gram=None, norms=tf.constant(norms[None], tf.float32))
        weights, state = method.task_weights(signal, state, constants)
        w = 3 * softmax(v)
        np.testing.assert_allclose(weights[0], w, rtol=1e-4)
        target = (w * norms).mean() * (LOSSES / LOSSES.mean()) ** alpha
        # Derivative of the sum of |w n - target| with respect to log w, divided by the mean norm.
        v = v + adam.step(np.sign(w * norms - target) * w * norms / (w * norms).mean())


def test_gradnorm_without_asymmetry_equalises_the_norms() -> None:
    norms = np.array([4.0, 1.0, 0.5])
    method = balancing.get("gradnorm", alpha=0.0)
    state, constants = start(method, 1, 3), tensors(method)
    step = tf.function(method.task_weights)
    signal = make_signal(np.diag(norms**2)[None], losses=LOSSES[None])  # norms from the diagonal
    for _ in range(300):
        weights, state = step(signal, state, constants)
    scaled = weights[0].numpy() * norms
    np.testing.assert_allclose(scaled, scaled.mean(), rtol=0.1)
