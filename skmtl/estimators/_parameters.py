"""Parameters that the three estimators share, and their valid values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from ._routing import RoutedParameters

_SIZES = ["array-like", Interval(Integral, 1, None, closed="left")]
_AUTO = StrOptions({"auto"})
_PER_TASK = [str, type, Mapping, "array-like", callable, None, HasMethods(["call"])]


class SharedParameters(RoutedParameters):
    """Constructor parameters of all three estimators, stored unchanged."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "architecture": [str, HasMethods(["connect"])],
        "hidden_layer_sizes": _SIZES,
        "head_layer_sizes": _SIZES,
        "activation": [str],
        "dropout": [Interval(Real, 0, 1, closed="left"), _AUTO],
        "model": [callable, None],
        "ensemble_size": [Interval(Integral, 1, None, closed="left"), _AUTO],
        "blend": [str, "array-like", None],
        "sharing": [StrOptions({"shared", "auto"})],
        "covariate_shift": [StrOptions({"auto", "ignore"})],
        "oob_score": ["boolean"],
        "optimizer": [str, type, HasMethods(["get_config", "update_step"])],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), _AUTO, None],
        "learning_rate_schedule": [StrOptions({"constant", "cosine", "auto"})],
        "weight_decay": [Interval(Real, 0, None, closed="left"), _AUTO, None],
        "loss": _PER_TASK,
        "loss_weights": ["array-like", Mapping, None],
        "balancing": [str, HasMethods(["task_weights", "initial_state"])],
        "epochs": [Interval(Integral, 1, None, closed="left"), _AUTO],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "task_sampling": [Interval(Real, 0, 1, closed="both"), None],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), _AUTO],
        "validation_split": [Interval(Integral, 2, None, closed="left"), HasMethods(["split"]), Iterable, None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), _AUTO],
        "tol": [Interval(Real, 0, None, closed="left")],
        "callbacks": [type, list, tuple, dict, HasMethods(["set_model", "on_epoch_end"]), None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "jit_compile": ["boolean", StrOptions({"auto"})],
        "scale_inputs": ["boolean", StrOptions({"auto", "standard", "robust"})],
        "scale_targets": ["boolean", StrOptions({"auto"})],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "one_hot_max_size": [Interval(Integral, 0, None, closed="left")],
        "numeric_embedding": [str, HasMethods(["with_options"]), None],
        "dtype": [StrOptions({"float32", "float64"})],
    }

    def __init__(
        self,
        architecture: Any,
        hidden_layer_sizes: Any,
        head_layer_sizes: Any,
        activation: str,
        dropout: float | str,
        model: Any,
        ensemble_size: int | str,
        blend: Any,
        sharing: str,
        covariate_shift: str,
        oob_score: bool,
        optimizer: Any,
        learning_rate: float | str | None,
        learning_rate_schedule: str,
        weight_decay: float | str | None,
        loss: Any,
        loss_weights: Any,
        balancing: Any,
        epochs: int | str,
        batch_size: int | str,
        shuffle: bool,
        task_sampling: float | None,
        early_stopping: bool | str,
        validation_fraction: float | str,
        validation_split: Any,
        n_iter_no_change: int | str,
        tol: float,
        callbacks: Any,
        warm_start: bool,
        random_state: Any,
        verbose: int,
        jit_compile: bool | str,
        scale_inputs: bool | str,
        scale_targets: bool | str,
        categorical_features: Any,
        one_hot_max_size: int,
        numeric_embedding: Any,
        dtype: str,
        routed: dict[str, Any],
    ) -> None:
        self.architecture = architecture
        self.hidden_layer_sizes = hidden_layer_sizes
        self.head_layer_sizes = head_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.model = model
        self.ensemble_size = ensemble_size
        self.blend = blend
        self.sharing = sharing
        self.covariate_shift = covariate_shift
        self.oob_score = oob_score
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.weight_decay = weight_decay
        self.loss = loss
        self.loss_weights = loss_weights
        self.balancing = balancing
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.task_sampling = task_sampling
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.validation_split = validation_split
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.jit_compile = jit_compile
        self.scale_inputs = scale_inputs
        self.scale_targets = scale_targets
        self.categorical_features = categorical_features
        self.one_hot_max_size = one_hot_max_size
        self.numeric_embedding = numeric_embedding
        self.dtype = dtype
        self._set_routed(routed)
