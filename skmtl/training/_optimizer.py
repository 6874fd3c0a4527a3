"""Keras optimizers as pure functions that update flat parameters, independently for each member."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .._names import proposal
from .._origin import is_library_code
from ..networks import Network, Parameter
from ._optimizer_checks import check_optimizer, checked_numbers, create, has_own_code, own_schedule

# Optimizers with an elementwise update: they can treat the flat array as one variable.
_ELEMENTWISE = (
    keras.optimizers.SGD,
    keras.optimizers.Adam,
    keras.optimizers.AdamW,
    keras.optimizers.RMSprop,
    keras.optimizers.Adagrad,
    keras.optimizers.Adadelta,
    keras.optimizers.Adamax,
    keras.optimizers.Nadam,
    keras.optimizers.Ftrl,
    keras.optimizers.Lion,
)


@dataclass(frozen=True)
class OptimizerRule:
    """A Keras optimizer without its numbers: learning rate and weight decay are inputs of the program.

    With ``decay_everything`` all variables decay, as in Keras, because the weight decay is the optimizer's own; the
    estimator's ``weight_decay`` does not apply to biases.
    """

    kind: type[Any]
    settings: str
    decay_everything: bool
    learning_rate: float = field(compare=False)
    weight_decay: float = field(compare=False)
    has_schedule: bool = False
    own_schedule: type[Any] | None = None
    own: bool = field(compare=False, default=False)  # whether the caller's code is part of it

    def create(self, *, stateless: bool = False) -> Any:
        """Return a new Keras optimizer with these settings; ``stateless`` is for use inside a StatelessScope."""
        kind: Any = type(self.kind.__name__, (_StatelessMixin, self.kind), {}) if stateless else self.kind
        return create(kind, json.loads(self.settings), self.own_schedule)


class _StatelessMixin:
    """Restores the backend-neutral assignments, which respect StatelessScope, where variables are plain tensors.

    Keras' TensorFlow optimizers assign to tf.Variables instead.
    """

    def assign(self, variable: Any, value: Any) -> None:
        variable.assign(value)

    def assign_add(self, variable: Any, value: Any) -> None:
        variable.assign_add(value)

    def assign_sub(self, variable: Any, value: Any) -> None:
        variable.assign_sub(value)

    def _var_key(self, variable: Any) -> int:
        return id(variable)


def resolve_optimizer(optimizer: Any, routed: Mapping[str, Any], weight_decay: float | None) -> OptimizerRule:
    """Return the rule of an optimizer given as a string, class or instance, with its ``optimizer__*`` parameters."""
    if isinstance(optimizer, str):
        optimizer = _kind_named(optimizer)
    plain = all(isinstance(value, int | float | str | None) for value in routed.values())
    if isinstance(optimizer, type) and is_library_code(optimizer) and plain:
        return _known_rule(optimizer, tuple(sorted(routed.items())), weight_decay)
    return _rule(_instantiate(optimizer, routed), weight_decay)


@functools.lru_cache(maxsize=256)
def _known_rule(optimizer: Any, routed: tuple[tuple[str, Any], ...], weight_decay: float | None) -> OptimizerRule:
    """Cache rules: making a Keras optimizer creates variables, which takes longer than a short fit."""
    return _rule(_instantiate(optimizer, dict(routed)), weight_decay)


def _rule(instance: Any, weight_decay: float | None) -> OptimizerRule:
    check_optimizer(instance)
    config = dict(instance.get_config())
    own_decay = config.get("weight_decay")
    rate = config["learning_rate"]
    has_schedule = isinstance(rate, dict)
    for name in ("weight_decay", "name"):
        config.pop(name, None)
    if "weight_decay" in inspect.signature(type(instance)).parameters:
        # AdamW requires a decay; it is set to 0 since the decay is applied outside of it.
        config["weight_decay"] = 0.0 if isinstance(instance, keras.optimizers.AdamW) else None
    if not has_schedule:
        config["learning_rate"] = 0.001
    try:
        settings = json.dumps(config, sort_keys=True)
    except TypeError as error:
        raise ValueError(
            f"optimizer: the settings of {type(instance).__name__} cannot be written as JSON: {error}."
        ) from error
    decay = weight_decay if weight_decay is not None else float(own_decay or 0.0)
    return OptimizerRule(
        kind=type(instance),
        settings=settings,
        decay_everything=weight_decay is None and bool(own_decay),
        learning_rate=0.0 if has_schedule else float(rate),
        weight_decay=decay,
        has_schedule=has_schedule,
        own_schedule=own_schedule(instance),
        own=has_own_code(instance, config),
    )


@functools.lru_cache(maxsize=64)
def _kind_named(name: str) -> type:
    """Return Keras' optimizer with that name; ``keras.optimizers.get`` does not know all of them."""
    others = {kind.__name__.lower(): kind for kind in (keras.optimizers.Lamb, keras.optimizers.Muon)}
    if name.lower() in others:
        return others[name.lower()]
    try:
        return type(keras.optimizers.get(name))
    except ValueError as error:
        names = [kind.__name__.lower() for kind in (*_ELEMENTWISE, keras.optimizers.Adafactor)] + [*others]
        raise ValueError(f"optimizer: Keras has no optimizer named {name!r}.{proposal(name, names)}") from error


def _instantiate(optimizer: Any, routed: Mapping[str, Any]) -> Any:
    if isinstance(optimizer, type) and issubclass(optimizer, keras.optimizers.Optimizer):
        return _call(optimizer, routed)
    if isinstance(optimizer, keras.optimizers.Optimizer):
        if not routed:
            return optimizer
        _check_names(type(optimizer), routed)
        routed = checked_numbers(type(optimizer), routed)
        return create(type(optimizer), {**optimizer.get_config(), **routed}, own_schedule(optimizer))
    raise TypeError(f"optimizer should be a Keras optimizer (string, class or instance), got {optimizer!r}.")


def _call(kind: Any, routed: Mapping[str, Any]) -> Any:
    _check_names(kind, routed)
    return kind(**checked_numbers(kind, routed))


def _check_names(kind: Any, routed: Mapping[str, Any]) -> None:
    names = [name for name in inspect.signature(kind.__init__).parameters if name not in ("self", "kwargs")]
    names += ["clipnorm", "clipvalue", "global_clipnorm", "weight_decay", "learning_rate"]
    for name in routed:
        if name not in names:
            raise ValueError(
                f"{kind.__name__} has no parameter {name!r} (optimizer__{name}).{proposal(name, set(names))}"
            )


class FlatUpdate:
    """One optimizer step on flat parameters (members, n_parameters); members are independent."""

    def __init__(self, rule: OptimizerRule, network: Network) -> None:
        self.rule = rule
        self.members = network.members
        self.parameters = network.parameters
        self.optimizer = rule.create(stateless=True)
        self.clipping = {name: getattr(self.optimizer, name) for name in ("clipvalue", "clipnorm", "global_clipnorm")}
        self.flat = rule.kind in _ELEMENTWISE
        size = network.parameters[-1].stop if network.parameters else 0
        self.decayed = _decay_mask(network.parameters, rule.decay_everything)
        if self.flat:
            self._variables = [keras.Variable(np.zeros((self.members, size)), dtype=network.dtype, name="flat")]
        else:
            self._variables = [_named(p, np.zeros(p.shape), network.dtype) for p in self.parameters]
        self.optimizer.build(self._variables)
        self._has_step_state = rule.kind._backend_update_step is not keras.optimizers.Optimizer._backend_update_step
        self._constraints = dict(network.constraints)
        variables = self.optimizer.variables
        self.iterations = _position(variables, self.optimizer.iterations)
        self._initial = [variable.numpy() for variable in variables]
        self._starts_from_weights = not self.flat and self._depends_on_weights()

    def initial_state(self, parameters: np.ndarray | None = None) -> list[np.ndarray]:
        """Return the optimizer's state before the first step from ``parameters`` (members, n_parameters)."""
        if self._starts_from_weights:
            if parameters is None:
                raise ValueError(f"optimizer: {self.rule.kind.__name__} starts from the network's weights; pass them.")
            return [value for row in parameters for value in self._state_from(row)]
        return [value.copy() for value in self._initial] * (1 if self.flat else self.members)

    def _depends_on_weights(self) -> bool:
        """Whether the optimizer's state starts from the weights (ScheduleFreeAdamW's averages do)."""
        ones = self._state_from(np.ones(self.decayed.shape[1]))
        return any(not np.array_equal(a, b) for a, b in zip(ones, self._initial, strict=True))

    def _state_from(self, row: np.ndarray) -> list[np.ndarray]:
        optimizer = self.rule.create()
        dtype = self._variables[0].dtype
        optimizer.build([_named(p, row[p.start : p.stop].reshape(p.shape), dtype) for p in self.parameters])
        return [variable.numpy() for variable in optimizer.variables]

    def apply(
        self,
        flat: tf.Tensor,
        gradient: tf.Tensor,
        state: Sequence[tf.Tensor],
        rate: tf.Tensor,
        decay: tf.Tensor,
        present: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Return new parameters and a new state; ``rate`` and ``decay`` are (members,).

        Members that are not ``present`` (members,) do not change. An optimizer that updates all members at once has
        one step counter for all of them.
        """
        before, earlier = flat, list(state)
        gradient = self._clip(gradient)
        schedule = self.optimizer._learning_rate if self.rule.has_schedule else None
        if schedule is not None:
            rate = tf.broadcast_to(tf.cast(schedule(state[self.iterations]), flat.dtype), rate.shape)
        flat = flat - flat * (tf.cast(self.decayed, flat.dtype) * (rate * decay)[:, None])
        if self.flat:
            (flat,), values = self._step([flat], [gradient], list(state), rate[:, None])
        else:
            flat, values = self._apply_each(flat, gradient, state, rate)
        flat = self._constrain(flat)
        if present is None:
            return flat, values
        own = [self._present_for(i, value, present) for i, value in enumerate(values)]
        kept = [new if p is None else tf.where(p, new, old) for p, new, old in zip(own, values, earlier, strict=True)]
        return tf.where(present[:, None], flat, before), kept

    def _present_for(self, position: int, value: tf.Tensor, present: tf.Tensor) -> tf.Tensor | None:
        """Return whether the members that a part of the state belongs to are present; None if it belongs to all."""
        if not self.flat:
            return present[position // len(self._initial)]
        return present[:, None] if value.shape.rank == 2 else None

    def _step(
        self, variables: list[tf.Tensor], gradients: list[tf.Tensor], state: list[tf.Tensor], rate: tf.Tensor
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Apply Keras' own update rule to plain tensors."""
        slots = self.optimizer.variables
        mapping = [*zip(self._variables, variables, strict=True), *zip(slots, state, strict=True)]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            if self._has_step_state:
                # What the optimizer does once per step, before it updates variables (Nadam's product).
                self.optimizer._backend_update_step([], [], rate)
            for gradient, variable in zip(gradients, self._variables, strict=True):
                self.optimizer.update_step(gradient, variable, rate)
            self.optimizer.iterations.assign_add(1)
        return [scope.get_current_value(v) for v in self._variables], [scope.get_current_value(v) for v in slots]

    def _constrain(self, flat: tf.Tensor) -> tf.Tensor:
        """Apply the constraints of the caller's own layers (kernel_constraint=…)."""
        if not self._constraints:
            return flat
        rows = []
        for member in range(self.members):
            pieces = [tf.reshape(flat[member, p.start : p.stop], p.shape) for p in self.parameters]
            pieces = [self._constraints[i](v) if i in self._constraints else v for i, v in enumerate(pieces)]
            rows.append(tf.concat([tf.reshape(piece, (-1,)) for piece in pieces], axis=0))
        return tf.stack(rows)

    def _apply_each(
        self, flat: tf.Tensor, gradient: tf.Tensor, state: Sequence[tf.Tensor], rate: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Update variable by variable and member by member, for optimizers that are not elementwise."""
        count, rows, after = len(self._initial), [], []
        for member in range(self.members):
            values = list(state[member * count : (member + 1) * count])
            slopes, pieces = (
                [tf.reshape(source[member, p.start : p.stop], p.shape) for p in self.parameters]
                for source in (gradient, flat)
            )
            new, values = self._step(pieces, slopes, values, rate[member])
            rows.append(tf.concat([tf.reshape(piece, (-1,)) for piece in new], axis=0))
            after += list(values)
        return tf.stack(rows), after

    def _clip(self, gradient: tf.Tensor) -> tf.Tensor:
        # As in Keras, a bound of 0 means none.
        if self.clipping["clipvalue"]:
            return tf.clip_by_value(gradient, -self.clipping["clipvalue"], self.clipping["clipvalue"])
        if self.clipping["global_clipnorm"]:
            return _clip_rows(gradient, self.clipping["global_clipnorm"])
        if self.clipping["clipnorm"]:
            parts = [gradient[:, p.start : p.stop] for p in self.parameters]
            return tf.concat([_clip_rows(part, self.clipping["clipnorm"]) for part in parts], axis=1)
        return gradient


def _clip_rows(gradient: tf.Tensor, most: float) -> tf.Tensor:
    norm = tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=1, keepdims=True))
    return gradient * (most / tf.maximum(norm, most))


def _decay_mask(parameters: Sequence[Parameter], everything: bool) -> np.ndarray:
    mask = np.zeros((1, parameters[-1].stop if parameters else 0), dtype=np.float32)
    for parameter in parameters:
        bias = parameter.name.rsplit("/", 1)[-1] == "bias" or len(parameter.shape) < 2
        mask[0, parameter.start : parameter.stop] = everything or not bias
    return mask


def _named(parameter: Parameter, value: np.ndarray, dtype: str) -> Any:
    variable = keras.Variable(value, dtype=dtype, name=parameter.name.rsplit("/", 1)[-1])
    variable._path = parameter.name
    return variable


def _position(variables: Sequence[Any], wanted: Any) -> int:
    return next(i for i, variable in enumerate(variables) if variable is wanted)
