"""Signals for the balancing tests, and ways to run a method on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from skmtl import balancing
from skmtl.balancing import Balancing, BalancingSignal

LOSS_METHODS = ["dwa", "equal", "famo", "log", "random", "static", "stch", "uncertainty", "uw_so"]
GRADIENT_METHODS = ["aligned", "cagrad", "gradvac", "imtl_g", "mgda", "nash", "pcgrad", "upgrad"]
METHODS = sorted([*LOSS_METHODS, *GRADIENT_METHODS, "gradnorm"])

KINDS = ["independent", "conflicting", "dependent", "duplicate", "opposite", "badly_scaled"]


def jacobian(kind: str, n_tasks: int, seed: int) -> np.ndarray:
    """Gradients of the tasks in rows, double precision."""
    rng = np.random.default_rng([n_tasks, seed, KINDS.index(kind)])
    gradients = rng.normal(size=(n_tasks, 60)) * rng.uniform(0.5, 2.0, size=(n_tasks, 1))
    if kind == "conflicting":
        common = rng.normal(size=60) * np.where(np.arange(n_tasks) % 2, -1.0, 1.0)[:, None]
        gradients = common + 0.5 * gradients
    elif kind == "dependent":
        gradients = rng.normal(size=(n_tasks, max(n_tasks // 2, 1)))
    elif kind == "duplicate":
        gradients[-1] = gradients[0]
    elif kind == "opposite":
        gradients[-1] = -gradients[0]
    elif kind == "badly_scaled":
        gradients *= 10.0 ** rng.permutation(np.linspace(-4.0, 4.0, n_tasks))[:, None]
    return gradients


def gram_of(gradients: np.ndarray) -> np.ndarray:
    """Gram matrix (or a stack of them) as the engine measures it, single precision."""
    return (gradients @ gradients.swapaxes(-1, -2)).astype(np.float32)


def make_signal(
    gram: np.ndarray,
    *,
    losses: np.ndarray | None = None,
    present: np.ndarray | None = None,
    loss_weights: np.ndarray | None = None,
    noise: np.ndarray | None = None,
    method: Balancing | None = None,
    seed: int = 0,
) -> BalancingSignal:
    """Signal of M members with this Gram matrix (M, K, K); missing arguments are random or all ones."""
    m, k = gram.shape[:2]
    rng = np.random.default_rng([seed, k])
    if losses is None:
        losses = np.stack([rng.uniform(0.05, 1.2, size=k) for _ in range(m)])
    if noise is None and method is not None and (shape := method.noise_shape(k)) is not None:
        noise = np.stack([rng.normal(size=shape) for _ in range(m)])
    return BalancingSignal(
        losses=tf.constant(losses, tf.float32),
        present=tf.constant(np.ones((m, k), bool) if present is None else present),
        loss_weights=tf.constant(np.ones(k) if loss_weights is None else loss_weights, tf.float32),
        gram=tf.constant(gram, tf.float32),
        noise=None if noise is None else tf.constant(noise, tf.float32),
    )


def zoo_signal(method: Balancing, n_tasks: int = 4) -> BalancingSignal:
    """One member for each kind of Gram matrix, then zero gradients in one task and in all, and absent tasks."""
    grams = [gram_of(jacobian(kind, n_tasks, seed=0)) for kind in KINDS]
    vanishing = jacobian("independent", n_tasks, seed=1)
    vanishing[2] = 0.0
    grams += [gram_of(vanishing), np.zeros((n_tasks, n_tasks)), gram_of(jacobian("conflicting", n_tasks, seed=2))]
    grams += [np.ones((n_tasks, n_tasks)), gram_of(jacobian("independent", n_tasks, seed=3))]
    present = np.ones((len(grams), n_tasks), bool)
    present[-3, [0, 2]] = False
    present[-1] = False
    losses = np.random.default_rng(0).uniform(0.05, 1.2, size=present.shape)
    losses[0, 0], losses[1, 1], losses[2] = 0.0, 1e6, 0.5
    return make_signal(np.stack(grams), losses=losses, present=present, method=method)


def tensors(method: Balancing) -> dict[str, tf.Tensor]:
    """The method's constants as the engine passes them."""
    return {name: tf.constant(value, tf.float32) for name, value in method.constants().items()}


def start(method: Balancing, n_members: int, n_tasks: int) -> dict[str, tf.Tensor]:
    """The method's state before the first step, with its member axis."""
    state = method.initial_state(n_tasks)
    return {name: tf.constant(np.stack([value] * n_members)) for name, value in state.items()}


def decide(method: str | Balancing, signal: BalancingSignal, **constants: float) -> np.ndarray:
    """Weights of the first step, eagerly."""
    method = balancing.get(method, **constants)
    m, k = signal.losses.shape
    return method.task_weights(signal, start(method, m, k), tensors(method))[0].numpy()


def gram_weights(name: str, gram: np.ndarray, **kwargs: object) -> np.ndarray:
    """Weights for one Gram matrix (K, K), one member."""
    constants = kwargs.pop("constants", {})
    method = balancing.get(name, **constants)
    return decide(method, make_signal(gram[None], method=method, **kwargs))[0]


def loop(method: Balancing, n_steps: int, *, jit_compile: bool | None) -> Callable[..., tuple]:
    """A few steps inside a compiled loop, as the engine runs them; jit_compile None runs eagerly.

    The losses shrink, each at its own rate and with its weight, so that later steps depend on the earlier ones.
    """

    def step(signal: BalancingSignal, state: dict, constants: dict) -> tuple:
        weights, state = method.task_weights(signal, state, constants)
        rates = tf.linspace(0.02, 0.1, signal.losses.shape[1]) * tf.clip_by_value(weights, -1.0, 1.0)
        after = signal.losses * tf.exp(-rates)
        if method.needs_losses_after_step:
            state = method.after_step(signal, after, state, constants)
        state = method.epoch_end(after, signal.present, state, constants)
        noise = None if signal.noise is None else tf.roll(signal.noise, 1, -1)
        return weights, signal._replace(losses=after, noise=noise), state

    def run(signal: BalancingSignal, state: dict, constants: dict) -> tuple:
        weights = tf.zeros_like(signal.losses)
        if jit_compile is None:
            for _ in range(n_steps):
                weights, signal, state = step(signal, state, constants)
            return weights, state
        loss, noise = signal.losses, tf.zeros([]) if signal.noise is None else signal.noise

        def body(index: tf.Tensor, weights: tf.Tensor, loss: tf.Tensor, noise: tf.Tensor, state: dict) -> tuple:
            now = signal._replace(losses=loss, noise=None if signal.noise is None else noise)
            weights, now, state = step(now, state, constants)
            return index + 1, weights, now.losses, noise if now.noise is None else now.noise, state

        out = tf.while_loop(lambda index, *_: index < n_steps, body, (tf.constant(0), weights, loss, noise, state))
        return out[1], out[4]

    return run if jit_compile is None else tf.function(run, jit_compile=jit_compile)
