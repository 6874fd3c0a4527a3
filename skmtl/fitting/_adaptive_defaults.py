"""Values for parameters left at "auto", chosen from the size and shape of the data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from ..inference._fitted import FittedNetwork
from ._input import FitInput, Settings

# A single network. Also the fallback when the adaptive defaults do not apply.
PLAIN: Mapping[str, Any] = {
    "ensemble_size": 1,
    "blend": None,
    "activation": "relu",
    "dropout": 0.0,
    "learning_rate": None,
    "learning_rate_schedule": "constant",
    "weight_decay": None,
    "epochs": 100,
    "validation_fraction": 0.1,
    "n_iter_no_change": 10,
    "numeric_embedding": None,
}

# A second round of networks, on the residuals of the ridge regression, doubles the time without a lasting gain.
# "regression_network" is for mixed tasks: classifications start to overfit long before regressions are learned.
_BLEND = ("network", "regression_network", "ridge", "rbf", "laplacian")
# With fewer rows, an eighth of them is too little to validate on.
FEWEST_ROWS = 20
# Up to this many rows a fit takes all epochs; with more, the number of epochs falls with the square root.
_ROWS_FOR_ALL_EPOCHS, _MOST_EPOCHS, _FEWEST_EPOCHS = 5_000, 80, 15
# (rows, members): with more rows, fewer networks are enough.
_FEWER_MEMBERS: tuple[tuple[int, int], ...] = ((60_000, 2), (30_000, 3), (20_000, 4), (10_000, 6), (0, 8))
# (columns, numbers per column): larger embeddings of wide tables would make the first layer dominate the cost.
_MOST_EMBEDDED: tuple[tuple[int, int], ...] = ((16, 8), (100, 4))


def resolved(settings: Settings, data: FitInput, previous: FittedNetwork | None = None) -> Settings:
    """Return the settings with every "auto" replaced by a value, except those that a later stage resolves.

    When training continues from a ``previous`` network, the parameters that shape a network keep its values.
    """
    values = _values(settings, data) if previous is None else {**PLAIN, **_shape_of(previous)}
    chosen = {name: value for name, value in values.items() if _is_auto(settings[name])}
    return replace(settings, parameters={**settings.parameters, **chosen})


def _is_auto(value: Any) -> bool:
    """Whether a parameter was left at "auto"; comparing an array with a string would fail."""
    return isinstance(value, str) and value == "auto"


def how_to_hold_out(n_rows: int) -> str:
    """Return a hint for messages: how to get the out-of-fold predictions that a fit on ``n_rows`` rows did not make."""
    if n_rows < FEWEST_ROWS:
        return f"fit had {n_rows} rows with labels, too few to hold any out; the defaults need {FEWEST_ROWS}."
    return "fit with oob_score=True, or with blend."


def most_epochs(epochs: int | str) -> int:
    """Return the largest number of epochs that a fit can take, before its data are known."""
    return int(PLAIN["epochs"]) if _is_auto(epochs) else int(epochs)


def _values(settings: Settings, data: FitInput) -> Mapping[str, Any]:
    if not _is_auto(settings["ensemble_size"]) or not _adaptive_defaults_apply(settings, data):
        embedding = "piecewise_linear" if settings.routed["numeric_embedding"] else None
        return {**PLAIN, "numeric_embedding": embedding}
    epochs = _epochs(data.n_train)
    given = _optimizer_given(settings)
    return {
        "ensemble_size": next(members for rows, members in _FEWER_MEMBERS if data.n_train >= rows),
        "blend": _blend(settings, data),
        "activation": "mish",
        "dropout": 0.1,
        "learning_rate": None if given else 3e-3,
        "learning_rate_schedule": "constant" if given or settings["callbacks"] is not None else "cosine",
        "weight_decay": None if given else 0.03,
        "epochs": epochs,
        "validation_fraction": 0.125,
        "n_iter_no_change": 1 + (epochs if _is_auto(settings["epochs"]) else int(settings["epochs"])) // 4,
        "numeric_embedding": _embedding(settings, data),
        "scale_inputs": "robust",
    }


def _shape_of(network: FittedNetwork) -> Mapping[str, Any]:
    shape: dict[str, Any] = {"ensemble_size": network.members, "dropout": network.dropout}
    if network.spec is not None:
        inputs = network.spec.inputs
        shape["activation"] = network.spec.activation
        shape["numeric_embedding"] = None if inputs is None else inputs.numeric_embedding
    return shape


def _adaptive_defaults_apply(settings: Settings, data: FitInput) -> bool:
    """Whether the adaptive defaults apply: enough rows, a built-in network, and no training to continue."""
    own = settings["model"] is not None
    return data.n_train >= FEWEST_ROWS and not own and not settings["warm_start"] and not settings.incremental


def _blend(settings: Settings, data: FitInput) -> Sequence[str] | None:
    """Return the parts of the blend, if rows are held out to weigh them by and the loss is the default."""
    holds_out = settings["early_stopping"] is not False and data.validation is None
    return _BLEND if holds_out and settings["loss"] is None else None


def _epochs(n_rows: int) -> int:
    fewer = _MOST_EPOCHS * np.sqrt(_ROWS_FOR_ALL_EPOCHS / n_rows)
    return int(np.clip(np.round(fewer), _FEWEST_EPOCHS, _MOST_EPOCHS))


def _optimizer_given(settings: Settings) -> bool:
    return "optimizer" in settings.changed or bool(
        {"learning_rate", "weight_decay"} & set(settings.routed["optimizer"])
    )


def _embedding(settings: Settings, data: FitInput) -> Any:
    if settings.routed["numeric_embedding"]:
        return "piecewise_linear"
    numeric = data.X.shape[1] - len(data.levels.columns)
    if numeric == 0 or sparse.issparse(data.X):
        return None
    from ..networks import PiecewiseLinear

    dims = [dim for most, dim in _MOST_EMBEDDED if numeric <= most]
    return PiecewiseLinear(dim=dims[0]) if dims else None
