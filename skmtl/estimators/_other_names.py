"""Names of our parameters in other libraries, for error messages that suggest the right one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# From scikit-learn, scikeras, Keras, skorch, PyTorch, LightGBM, XGBoost and CatBoost.
_OURS = {
    "epochs": (
        "max_iter",
        "max_epochs",
        "n_epochs",
        "num_epochs",
        "nb_epoch",
        "n_iter",
        "iterations",
        "num_iterations",
        "num_boost_round",
        "n_steps",
    ),
    "ensemble_size": ("n_estimators", "n_models", "n_members", "n_ens", "k"),
    "weight_decay": ("alpha", "l2", "reg_lambda", "lambda_l2", "l2_leaf_reg", "l2_regularization", "reg_alpha"),
    "optimizer": ("solver", "optim"),
    "learning_rate": ("lr", "learning_rate_init", "eta", "eta0", "step_size"),
    "learning_rate_schedule": ("lr_scheduler", "lr_schedule", "scheduler"),
    "n_iter_no_change": ("patience", "early_stopping_rounds", "early_stopping_round", "od_wait"),
    "random_state": ("random_seed", "seed"),
    "class_weight": ("class_weights", "auto_class_weights"),
    "loss_weights": ("task_weights", "target_weights", "loss_weight"),
    "hidden_layer_sizes": (
        "layers",
        "hidden_layers",
        "hidden_sizes",
        "hidden_units",
        "units",
        "n_units",
        "hidden_dims",
    ),
    "validation_fraction": ("validation_size", "val_size", "valid_size", "val_fraction"),
    "validation_split": ("train_split", "cv"),
    "dropout": ("dropout_rate", "p_dropout", "dropout_p"),
    "activation": ("activation_function", "nonlinearity"),
    "loss": ("criterion", "objective", "loss_function", "loss_fn"),
    "model": ("module", "build_fn", "model_fn", "network"),
    "categorical_features": ("cat_features", "categorical_feature", "categorical_columns", "cat_idxs"),
    "batch_size": ("minibatch_size", "batch"),
    "verbose": ("verbosity", "silent"),
    "optimizer__momentum": ("momentum",),
    "optimizer__nesterov": ("nesterovs_momentum", "nesterov"),
    "optimizer__beta_1": ("beta_1",),
    "optimizer__beta_2": ("beta_2",),
    "optimizer__clipnorm": ("clip_norm", "clipnorm", "gradient_clip_val", "max_grad_norm"),
}
_OF_PARAMETERS = {theirs: ours for ours, names in _OURS.items() for theirs in names}
_NOTES = {
    "n_jobs": "Members train on as many threads as there are processors, without a parameter.",
    "metrics": "Use score_tasks or skmtl.metrics for scores; history_ has the losses of every epoch.",
    "eval_metric": "Early stopping uses the validation loss. Use score_tasks or skmtl.metrics for scores.",
    "device": "TensorFlow uses the device that it finds.",
    "max_depth": "Networks have no depth limit; set their size with hidden_layer_sizes.",
}
_OF_FIT = {
    "X_val and y_val": ("validation_data", "eval_set", "X_valid", "X_eval", "val_data", "X_test"),
    "sample_weight_val": ("eval_sample_weight", "sample_weight_eval_set", "validation_sample_weight"),
    "sample_weight": ("sample_weights", "weight", "weights"),
    "groups": ("group", "group_id"),
}
_OF_ARGUMENTS = {theirs: ours for ours, names in _OF_FIT.items() for theirs in names}


def parameter_note(name: str) -> str:
    """Return a sentence that names our parameter for one of another library; empty if there is none."""
    if name in _OF_PARAMETERS:
        return f" Use {_OF_PARAMETERS[name]!r} instead."
    return f" {_NOTES[name]}" if name in _NOTES else ""


def explains_names(method: F) -> F:
    """Refuse unknown arguments with an error that suggests the right name or place."""
    known = frozenset(inspect.signature(method).parameters)

    @functools.wraps(method)
    def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        for name in kwargs.keys() - known:
            raise TypeError(f"{method.__name__}() got an unexpected argument {name!r}.{_argument_note(self, name)}")
        return method(self, *args, **kwargs)

    return checked  # type: ignore[return-value]


def _argument_note(estimator: Any, name: str) -> str:
    if name in _OF_ARGUMENTS:
        return f" Use {_OF_ARGUMENTS[name]} instead."
    if name in estimator._get_param_names():
        return f" It is a parameter of the estimator: {type(estimator).__name__}({name}=...)."
    if name in _OF_PARAMETERS:
        ours = _OF_PARAMETERS[name]
        return f" It is a parameter of the estimator, {type(estimator).__name__}({ours}=...)."
    return parameter_note(name)
