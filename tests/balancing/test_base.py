"""Contract for user-defined methods."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from skmtl import balancing
from skmtl.balancing import Balancing, BalancingSignal

from ._cases import decide, make_signal, start, tensors


class Decaying(Balancing):
    """Weight of the first task decays with the steps; a string parameter selects the curve."""

    requires = "losses"

    def __init__(self, *, rate: float = 0.5, curve: str = "linear", flag: bool = False) -> None:
        self.rate = rate
        self.curve = curve
        self.flag = flag

    def initial_state(self, n_tasks: int) -> dict[str, np.ndarray]:
        return {"step": np.zeros((), np.float32)}

    def decide(self, signal: BalancingSignal, state: dict, constants: dict) -> tuple[tf.Tensor, dict]:
        factor = 1.0 / (1.0 + constants["rate"] * state["step"])
        first = tf.one_hot(0, signal.losses.shape[1])
        weights = signal.loss_weights * (1.0 + first * (factor[:, None] - 1.0)) * signal.losses
        return weights, {"step": state["step"] + 1.0}


def test_a_user_defined_method_runs_with_a_scalar_state_per_member() -> None:
    method = balancing.get(Decaying(), rate=1.0)
    signal = make_signal(np.stack([np.eye(2)] * 3), losses=np.full((3, 2), 0.5))
    state = start(method, 3, 2)
    step = tf.function(method.task_weights, jit_compile=True)
    for expected in ([0.5, 0.5], [0.25, 0.5]):
        weights, state = step(signal, state, tensors(method))
        np.testing.assert_allclose(weights, [expected] * 3, rtol=1e-6)


def test_numbers_are_constants_and_the_rest_is_structure() -> None:
    method = Decaying(rate=np.float32(0.25))
    assert method.constants() == {"rate": 0.25}
    assert method.structure() == Decaying(rate=7).structure()
    assert method.structure() != Decaying(curve="square").structure()
    assert method.structure() != Decaying(flag=True).structure()
    assert isinstance(hash(method.structure()), int)


def test_absent_tasks_get_weight_zero_whatever_the_method_returns() -> None:
    signal = make_signal(np.eye(2)[None], losses=np.array([[np.nan, 0.5]]), present=np.array([[False, True]]))
    np.testing.assert_array_equal(decide(Decaying(), signal), [[0.0, 0.5]])


def test_hooks_default_to_keeping_the_state() -> None:
    method = Decaying()
    signal = make_signal(np.eye(2)[None])
    state = start(method, 1, 2)
    assert method.after_step(signal, signal.losses, state, {})["step"].numpy() == [0.0]
    assert method.epoch_end(signal.losses, signal.present, state, {})["step"].numpy() == [0.0]


def test_loss_weights_may_differ_between_members() -> None:
    signal = make_signal(np.stack([np.eye(2)] * 2), loss_weights=np.array([[0.5, 1.5], [1.0, 1.0]]))
    np.testing.assert_allclose(decide("static", signal), [[0.5, 1.5], [1.0, 1.0]])


@pytest.mark.parametrize(
    ("name", "missing", "message"),
    [
        ("mgda", {"gram": None}, "MGDA needs the Gram matrix"),
        ("gradnorm", {"gram": None}, "GradNorm needs the tasks' gradient norms"),
        ("pcgrad", {"noise": None}, "PCGrad draws random numbers"),
        ("random", {"noise": None}, "Random draws random numbers"),
    ],
)
def test_a_signal_without_a_required_input_raises_an_error(name: str, missing: dict, message: str) -> None:
    method = balancing.get(name)
    signal = make_signal(np.eye(2)[None], method=method)._replace(**missing)
    with pytest.raises(ValueError, match=message):
        method.task_weights(signal, start(method, 1, 2), tensors(method))


def test_methods_declare_the_inputs_they_need() -> None:
    gram = {name for name in balancing.names() if balancing.get(name).requires == "gram"}
    assert gram == {"aligned", "cagrad", "gradvac", "imtl_g", "mgda", "nash", "pcgrad", "upgrad"}
    assert balancing.get("gradnorm").requires == "norms"
    noisy = {name for name in balancing.names() if balancing.get(name).noise_shape(3) is not None}
    assert noisy == {"gradvac", "pcgrad", "random"}
    twice = {name for name in balancing.names() if balancing.get(name).needs_losses_after_step}
    assert twice == {"famo"}
    # Gradient methods project the shared parameters' gradients only.
    assert all(balancing.get(name).weighs_heads != (name in gram) for name in balancing.names())
