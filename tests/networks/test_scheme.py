"""Schemes as objects: options, equality, errors, and user-defined schemes."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Any, ClassVar

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.base import clone

from skmtl import MultiTaskKerasRegressor, networks
from skmtl.networks import (
    CGC,
    PLE,
    Bypass,
    CrossStitch,
    LowRank,
    MemberDense,
    MMoE,
    OMoE,
    Scheme,
    SharedBottom,
    StackedNetwork,
    TaskConditioned,
    architecture_names,
)
from skmtl.networks._build import _SCHEMES, resolve_architecture

from ._schemes import SCHEMES, by_name, spec_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4))
Y = np.column_stack([X[:, 0], X[:, 0] + X[:, 1], X[:, 2]])


def fit(architecture: Any, **parameters: Any) -> MultiTaskKerasRegressor:
    settings = {
        "ensemble_size": 1,
        "hidden_layer_sizes": (6,),
        "epochs": 2,
        "jit_compile": False,
        "random_state": 0,
        **parameters,
    }
    return MultiTaskKerasRegressor(architecture=architecture, **settings).fit(X, Y)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))
def test_schemes_with_the_same_class_and_options_are_equal_and_immutable(scheme: Scheme) -> None:
    twin = type(scheme)(**scheme.get_params())
    assert twin == scheme and hash(twin) == hash(scheme)
    assert eval(repr(scheme), vars(networks).copy()) == scheme
    assert pickle.loads(pickle.dumps(scheme)) == scheme == copy.deepcopy(scheme)
    assert clone(scheme) is scheme
    for option in scheme.get_params():
        with pytest.raises(FrozenInstanceError):
            setattr(scheme, option, 1)
    assert [other for other in SCHEMES.values() if other == scheme] == [scheme]


@pytest.mark.parametrize("name", _SCHEMES)
def test_a_name_with_options_and_an_instance_give_the_same_spec(name: str) -> None:
    scheme = _SCHEMES[name]()
    assert resolve_architecture(name, {}) == resolve_architecture(scheme, {})
    for option, value in scheme.get_params().items():
        other = 0.5 if isinstance(value, float) else (7,) if isinstance(value, tuple) else 3
        changed = type(scheme)(**{option: other})
        assert resolve_architecture(name, {option: other}) == resolve_architecture(changed, {})
        assert resolve_architecture(scheme, {option: other}) == resolve_architecture(changed, {})
        assert resolve_architecture(changed, {}) != resolve_architecture(scheme, {})


def test_options_are_stored_as_plain_python_values() -> None:
    assert repr(MMoE(np.int64(3), np.float32(0.5))) == "MMoE(n_experts=3, gate_dropout=0.5)"
    assert Bypass([5, np.int32(3)]) == Bypass((5, 3)) and Bypass(5) == Bypass((5,))
    assert repr(CrossStitch(1)) == "CrossStitch(own_weight=1.0)"


def test_the_names_are_those_of_the_literature() -> None:
    assert architecture_names() == (
        "shared_bottom",
        "bypass",
        "mmoe",
        "omoe",
        "cgc",
        "ple",
        "cross_stitch",
        "independent",
        "low_rank",
        "task_conditioned",
    )


COUNTED = [
    (MMoE, "n_experts", 1),
    (OMoE, "n_experts", 1),
    (CGC, "n_shared_experts", 1),
    (CGC, "n_task_experts", 0),
    (PLE, "n_shared_experts", 1),
    (PLE, "n_task_experts", 0),
    (LowRank, "rank", 1),
    (TaskConditioned, "embedding_dim", 1),
]


@pytest.mark.parametrize(("kind", "option", "least"), COUNTED)
def test_counts_are_integers_with_a_lower_bound(kind: type[Scheme], option: str, least: int) -> None:
    assert kind(**{option: least}).get_params()[option] == least
    for wrong in (least - 1, 2.0, True, "3", None, [2]):
        with pytest.raises(ValueError, match=f"{kind.name}: {option} should be an integer of at least {least}, got"):
            kind(**{option: wrong})


@pytest.mark.parametrize("kind", [MMoE, OMoE, CGC, PLE])
@pytest.mark.parametrize("wrong", [-0.1, 1.0, float("nan"), True, "0.5", None])
def test_gate_dropout_is_a_rate_below_one(kind: type[Scheme], wrong: Any) -> None:
    with pytest.raises(ValueError, match=rf"{kind.name}: gate_dropout should be in \[0, 1\), got"):
        kind(gate_dropout=wrong)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan"), False, None])
def test_the_own_weight_is_between_zero_and_one(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"cross_stitch: own_weight should be in \[0, 1\], got"):
        CrossStitch(own_weight=wrong)


@pytest.mark.parametrize("wrong", [0, (), (5, 0), (5, 2.5), "5", None, (True,)])
def test_bypass_widths_are_positive_integers(wrong: Any) -> None:
    with pytest.raises(ValueError, match="bypass: bypass_layer_sizes should be positive integers, one per layer, got"):
        Bypass(wrong)


@pytest.mark.parametrize("architecture", ["mmoe", MMoE(2)])
def test_an_unknown_option_gets_a_suggestion(architecture: Any) -> None:
    with pytest.raises(
        ValueError, match=r"'mmoe' has no option 'n_expert' \(architecture__n_expert\)\. Did you mean 'n_experts'"
    ):
        fit(architecture, architecture__n_expert=3)


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(ValueError, match=r"Unknown architecture 'cross_stich'\. Did you mean 'cross_stitch'"):
        fit("cross_stich")


def test_an_invalid_option_raises_an_error_before_fitting() -> None:
    model = MultiTaskKerasRegressor(architecture="ple", architecture__n_shared_experts=0, ensemble_size=1)
    with pytest.raises(ValueError, match="ple: n_shared_experts should be an integer of at least 1, got 0"):
        model.fit(X, Y)
    assert not hasattr(model, "network_")


def test_passing_a_class_raises_an_error() -> None:
    with pytest.raises(TypeError, match=r"should be the name of a scheme or an instance .* Pass MMoE\(\)\."):
        fit(MMoE)


def test_an_object_that_is_not_a_scheme_raises_an_error() -> None:
    class Impostor:
        def connect(self, inputs: Any, spec: Any) -> Any:
            return inputs

    with pytest.raises(TypeError, match=r"should be the name of a scheme or an instance of skmtl\.networks\.Scheme"):
        fit(Impostor())


@dataclass(frozen=True)
class Linear(Scheme):
    """Linear heads on scaled inputs, built in two ways."""

    scale: float = 1.0
    heads: bool = True

    def connect(self, inputs: Any, spec: Any) -> Any:
        units = sum(head.units for head in spec.heads)
        layer: Any = keras.layers.Dense(units, dtype=spec.dtype, name="heads" if self.heads else "columns")
        if spec.stacked:
            layer = MemberDense(units, spec.members, dtype=spec.dtype, name=layer.name)
        layer.shared = False
        return layer(self.scale * inputs)


@pytest.mark.parametrize("members", [1, 3])
def test_a_user_defined_scheme_trains_predicts_and_can_be_cloned_and_pickled(members: int) -> None:
    model = fit(Linear(2.0), ensemble_size=members, epochs=60, learning_rate=0.1)
    assert model.score(X, Y) > 0.9
    again = clone(model).fit(X, Y)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    np.testing.assert_allclose(
        np.column_stack(model.model_(X.astype("float32"))), model.predict(X), rtol=1e-3, atol=1e-5
    )
    assert not any(parameter.shared for parameter in StackedNetwork(model.network_.spec).parameters)


def test_options_of_a_user_defined_scheme_are_routed_too() -> None:
    model = fit(Linear(), architecture__scale=2.0)
    assert model.network_.spec.architecture == Linear(2.0)
    np.testing.assert_array_equal(model.predict(X), fit(Linear(2.0)).predict(X))
    assert MultiTaskKerasRegressor(architecture=Linear(3.0), ensemble_size=1).get_params()["architecture__scale"] == 3.0
    with pytest.raises(ValueError, match="'Linear' has no option 'scales'"):
        fit(Linear(), architecture__scales=2.0)


class Bare(Linear):
    """Not a dataclass itself, so all instances are equal."""


@dataclass(frozen=True)
class Unhashable(Linear):
    widths: Any = field(default_factory=list)


@dataclass(frozen=True)
class Named(Linear):
    """Has the name of a built-in scheme, but is another class."""

    name: ClassVar[str] = "shared_bottom"


def test_user_defined_schemes_without_proper_equality_raise_an_error() -> None:
    with pytest.raises(TypeError, match=r"decorate the class Bare with @dataclass\(frozen=True\)"):
        fit(Bare())
    with pytest.raises(TypeError, match=r"options of Unhashable.* should be hashable"):
        fit(Unhashable())
    assert fit(Named()).network_.spec.architecture == Named()


@dataclass(frozen=True)
class Faulty(Scheme):
    """Connects networks that the engine cannot use."""

    fault: str = ""

    def connect(self, inputs: Any, spec: Any) -> Any:
        heads = MemberDense(3, spec.members, dtype=spec.dtype) if spec.stacked else keras.layers.Dense(3)
        if self.fault == "width":
            return ops.concatenate([heads(inputs), inputs], axis=-1)
        if self.fault == "several":
            return [heads(inputs)] * 2
        if self.fault == "moving average":
            return heads(keras.layers.BatchNormalization()(inputs))
        if self.fault == "no members":
            return heads(keras.layers.Dense(4, dtype=spec.dtype, name="trunk")(inputs))
        if self.fault == "no start":
            return heads(keras.layers.LayerNormalization()(inputs))
        heads.shared = (True,)
        return heads(inputs)


FAULTS = [
    ("width", 1, ValueError, r"Faulty.connect should return one output of shape \(None, 3\), got \(None, 7\)"),
    ("several", 1, ValueError, "should return one output of shape .*, got list"),
    ("moving average", 1, ValueError, "has a non-trainable variable .*moving_mean.* model= instead"),
    ("no members", 2, ValueError, r"'trunk/kernel' has shape \(4, 4\).* first axis .* the 2 members"),
    (
        "no start",
        1,
        TypeError,
        r"LayerNormalization\) does not define the initial values of its variables: .* initial_values\(rng\)",
    ),
    ("flags", 1, ValueError, "has 1 entries, but the layer has 2 trainable variables"),
]


@pytest.mark.parametrize(("fault", "members", "kind", "message"), FAULTS)
def test_networks_the_engine_cannot_use_raise_an_error(fault: str, members: int, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        fit(Faulty(fault), ensemble_size=members)


def test_layers_without_the_attribute_count_as_shared() -> None:
    @dataclass(frozen=True)
    class Plain(Scheme):
        def connect(self, inputs: Any, spec: Any) -> Any:
            return keras.layers.Dense(5)(inputs)

    network = StackedNetwork(spec_of(Plain()))
    assert all(parameter.shared for parameter in network.parameters)
    limit = np.sqrt(6 / 9)
    (kernel, bias) = by_name(network, network.initial_parameters(0)).values()
    assert np.abs(kernel).max() <= limit and not bias.any()


def test_a_shared_bottom_instance_equals_the_default() -> None:
    np.testing.assert_array_equal(fit(SharedBottom()).predict(X), fit("shared_bottom").predict(X))
