"""Translate a scikeras wrapper's parameters to skmtl's; parameters without a counterpart raise an error."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

# scikeras' default, which is not used if the builder compiles the model with another optimizer.
SCIKERAS_OPTIMIZER = "rmsprop"
# Keras' default, used if the wrapper has no batch size.
_KERAS_BATCH_SIZE = 32
# Larger than any number of rows or epochs, but still an int32.
_UNLIMITED = 2**31 - 1

_DESTINATIONS = ("model", "fit", "compile", "predict", "optimizer", "loss", "metrics", "callbacks", "score")

# Settings that do not affect the fitted model: (default, why they have no effect in skmtl).
_WITHOUT_EFFECT: dict[str, dict[str, tuple[Any, str]]] = {
    "fit": {
        "validation_batch_size": (None, "skmtl chooses the batches in which held-out rows are evaluated"),
        "validation_freq": (1, "held-out rows are evaluated after every epoch"),
    },
    "compile": {
        "metrics": (None, "skmtl records only losses; callbacks can monitor 'loss' and 'val_loss'"),
        "weighted_metrics": (None, "skmtl records only losses; callbacks can monitor 'loss' and 'val_loss'"),
        "run_eagerly": (False, "training is always compiled; to debug, call the builder and the model yourself"),
        "steps_per_execution": (1, "each execution runs at least a whole epoch"),
    },
    "predict": {
        "batch_size": (None, "skmtl chooses the batches for prediction"),
        "verbose": (None, "prediction prints nothing"),
    },
}

# Settings that affect the fitted model and have no counterpart: what to do instead.
_INSTEAD = {
    "fit__class_weight": "set class_weight=, by label, on the estimator",
    "fit__sample_weight": "pass sample_weight to fit",
    "fit__validation_data": "pass X_val and y_val to fit",
    "fit__initial_epoch": "every fit starts at its first epoch",
    "fit__steps_per_epoch": "an epoch is always one pass over all rows",
    "fit__validation_steps": "all held-out rows are evaluated",
    "predict__callbacks": "prediction runs no callbacks",
    "predict__steps": "all rows are predicted",
}


@dataclass(frozen=True)
class Translation:
    """Parameters of the estimator, and warnings for the caller."""

    parameters: dict[str, Any]
    warnings: tuple[str, ...]


def translate(wrapper: Any, own: Collection[str]) -> Translation:
    """Translate the wrapper's parameters to skmtl's; ``own`` names those of the builder.

    Raises
    ------
    ValueError
        If settings have no counterpart; the message names all of them.
    """
    routes = _Routes(wrapper)
    parameters = {
        "warm_start": bool(wrapper.warm_start),
        "random_state": wrapper.random_state,
        "scale_targets": False,
        **_fit_parameters(routes.fit),
        **_compile_parameters(routes, wrapper),
        **_callback_parameters(routes, wrapper),
        **{f"model__{name}": routes.given[name] for name in own},
        **{f"model__{name}": value for name, value in routes.model.items()},
    }
    if getattr(wrapper, "class_weight", None) is not None:
        parameters["class_weight"] = wrapper.class_weight
    routes.refuse_others()
    return Translation(parameters, (*_warnings(routes), *_loss_warnings(parameters.get("loss"))))


class _Routes:
    """The wrapper's parameters, grouped by where scikeras routes them."""

    def __init__(self, wrapper: Any) -> None:
        from scikeras._utils import route_params

        self.given = wrapper.get_params(deep=False)
        self.fit = route_params(self.given, "fit", wrapper._fit_kwargs)
        self.compile = route_params(self.given, "compile", wrapper._compile_kwargs)
        self.predict = route_params(self.given, "predict", ())
        self.model, self.optimizer, self.loss, self.metrics, self.callbacks = (
            route_params(self.given, name, ()) for name in ("model", "optimizer", "loss", "metrics", "callbacks")
        )

    def refuse_others(self) -> None:
        """Raise ValueError if settings have no counterpart."""
        known_fit = {"epochs", "batch_size", "verbose", "shuffle", "validation_split", "initial_epoch"}
        known_fit.update(_WITHOUT_EFFECT["fit"])
        known_compile = {"optimizer", "loss", "loss_weights", "jit_compile", *_WITHOUT_EFFECT["compile"]}
        others = [f"fit__{name}" for name in self.fit if name not in known_fit and name.split("__")[0] != "callbacks"]
        others += [f"compile__{name}" for name in self.compile if name not in known_compile]
        others += [f"predict__{name}" for name in self.predict if name not in _WITHOUT_EFFECT["predict"]]
        # scikeras does not pass nested names to builders and optimizers.
        others += [f"model__{name}" for name in self.model if "__" in name]
        others += [f"optimizer__{name}" for name in self.optimizer if "__" in name]
        others += [name for name in self.given if "__" in name and name.split("__")[0] not in _DESTINATIONS]
        others += [name for name in self.given if name.startswith("score__")]
        if self.fit.get("initial_epoch", 0) != 0:
            others.append("fit__initial_epoch")
        if others:
            hints = [f"{name} ({_INSTEAD[name]})" if name in _INSTEAD else name for name in others]
            raise ValueError(
                f"from_scikeras: no counterpart in skmtl for {', '.join(hints)}. Remove "
                f"{'it' if len(others) == 1 else 'them'} from the wrapper before converting it."
            )


def _fit_parameters(fit: Mapping[str, Any]) -> dict[str, Any]:
    size = fit["batch_size"]
    verbose = fit["verbose"]
    return {
        "epochs": fit["epochs"],
        "batch_size": _KERAS_BATCH_SIZE if size is None else _UNLIMITED if size == -1 else size,
        "shuffle": bool(fit["shuffle"]),
        "verbose": 1 if verbose == "auto" else int(verbose),
        **_validation_parameters(fit["validation_split"]),
    }


def _validation_parameters(split: float) -> dict[str, Any]:
    """Parameters that hold rows out but never stop early: Keras only records the loss on these rows."""
    if not split:
        return {"early_stopping": False}
    return {"early_stopping": True, "validation_fraction": split, "n_iter_no_change": _UNLIMITED}


def _compile_parameters(routes: _Routes, wrapper: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    optimizer = routes.compile["optimizer"]
    if optimizer not in (SCIKERAS_OPTIMIZER, None) or routes.optimizer:
        settings["optimizer"] = optimizer
        settings.update({f"optimizer__{name}": value for name, value in routes.optimizer.items()})
    loss = routes.compile["loss"]
    if loss is not None:
        settings["loss"] = wrapper._get_compile_kwargs()["loss"] if routes.loss else loss
    for name in ("loss_weights", "jit_compile"):
        if routes.compile.get(name) is not None:
            settings[name] = routes.compile[name]
    return settings


def _callback_parameters(routes: _Routes, wrapper: Any) -> dict[str, Any]:
    in_fit = routes.fit.get("callbacks")
    everywhere = routes.given["callbacks"]
    if in_fit is None and everywhere is None:
        return {}
    if (in_fit is not None and everywhere is not None) or _is_nested(in_fit) or _is_nested(everywhere):
        return {"callbacks": _callback_instances(wrapper)}
    if in_fit is None:
        return {"callbacks": everywhere, **{f"callbacks__{name}": v for name, v in routes.callbacks.items()}}
    start = "callbacks__"
    return {"callbacks": in_fit, **{name: v for name, v in routes.fit.items() if name.startswith(start)}}


def _is_nested(callbacks: Any) -> bool:
    entries = callbacks.values() if isinstance(callbacks, Mapping) else callbacks
    return isinstance(entries, Collection) and any(isinstance(entry, list) for entry in entries)


def _callback_instances(wrapper: Any) -> list[Any]:
    """Flat list of the callbacks that scikeras makes of two sets of callbacks, or of nested lists."""
    copied = copy.copy(wrapper)
    copied._initialize_callbacks()
    instances: list[Any] = []
    for entry in copied._fit_callbacks:
        instances += entry if isinstance(entry, list) else [entry]
    return instances


def _warnings(routes: _Routes) -> list[str]:
    ignored = []
    for destination, names in _WITHOUT_EFFECT.items():
        given = getattr(routes, destination)
        for name, (default, reason) in names.items():
            value = given.get(name, default)
            if value is not default and value != default:
                routed = f"{destination}__{name}"
                ignored.append(f"{routed if routed in routes.given else name} ({reason})")
    messages = [f"these settings have no effect in skmtl: {', '.join(ignored)}."] if ignored else []
    if routes.fit["validation_split"]:
        messages.append(
            "validation_split becomes early_stopping=True and validation_fraction: random rows are held out, and the "
            "weights of the best epoch are kept, whereas Keras only records the loss. Set early_stopping=False to "
            "train on all rows."
        )
    return messages


def _loss_warnings(loss: Any) -> list[str]:
    """Warn of losses whose copies lose arguments, because scikeras copies them from incomplete configurations."""
    entries = loss.values() if isinstance(loss, Mapping) else loss if isinstance(loss, list | tuple) else [loss]
    return [
        f"once scikeras is imported, copies of the loss {type(one).__name__} (by clone or searches) lose its arguments "
        f"{one._fn_kwargs}: pass a function of (y_true, y_pred) instead."
        for one in entries
        if getattr(one, "_fn_kwargs", None) and copy.deepcopy(one)._fn_kwargs != one._fn_kwargs
    ]
