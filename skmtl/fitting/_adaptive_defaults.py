"""What parameters left at "auto" become: by a written rule, from the size and shape of the data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from ..inference._fitted import FittedNetwork
from ._input import FitInput, Settings

# A lone network, as it comes; also what the others fall back to where the rule below does not hold.
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

# A second round of networks, on what the ridge regression leaves, doubles the time and gained nothing that lasts.
# "regression_network" is for mixed tasks: where classes are soon predicted too boldly, regressions have not learned
# half of what they could.
_BLEND = ("network", "regression_network", "ridge", "rbf", "laplacian")
# Below so many rows an eighth of them says too little.
FEWEST_ROWS = 20
# Rows up to which all epochs are taken; with more, their number falls with the square root.
_ROWS_FOR_ALL_EPOCHS, _MOST_EPOCHS, _FEWEST_EPOCHS = 5_000, 80, 15
# Rows from which on fewer networks are trained: each sees enough.
_FEWER_MEMBERS: tuple[tuple[int, int], ...] = ((60_000, 2), (30_000, 3), (20_000, 4), (10_000, 6), (0, 8))
# Columns up to which each becomes eight numbers, or four, before the first layer would be the whole cost.
_MOST_EMBEDDED: tuple[tuple[int, int], ...] = ((16, 8), (100, 4))


def resolved(settings: Settings, data: FitInput, previous: FittedNetwork | None = None) -> Settings:
    """The settings with a value wherever one was left to "auto" (but where each stage has a rule of its own).

    Where training goes on from a ``previous`` network, what shapes one is as it was.
    """
    values = _values(settings, data) if previous is None else {**PLAIN, **_shape_of(previous)}
    chosen = {name: value for name, value in values.items() if _left(settings[name])}
    return replace(settings, parameters={**settings.parameters, **chosen})


def _left(value: Any) -> bool:
    """Whether a parameter was left to the rule; an array is not to be compared with a word."""
    return isinstance(value, str) and value == "auto"


def how_to_hold_out(n_rows: int) -> str:
    """What to do for out-of-fold predictions where a fit on so many rows with labels made none, for messages."""
    if n_rows < FEWEST_ROWS:
        return f"fit had {n_rows} rows with labels, too few to hold any out; the defaults need {FEWEST_ROWS}."
    return "fit with oob_score=True, or with blend."


def most_epochs(epochs: int | str) -> int:
    """Epochs that a fit takes at most, before its data are known."""
    return int(PLAIN["epochs"]) if _left(epochs) else int(epochs)


def _values(settings: Settings, data: FitInput) -> Mapping[str, Any]:
    if not _left(settings["ensemble_size"]) or not _has_rule(settings, data):
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
        "n_iter_no_change": 1 + (epochs if _left(settings["epochs"]) else int(settings["epochs"])) // 4,
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


def _has_rule(settings: Settings, data: FitInput) -> bool:
    """Whether there are rows enough, and the network is not the caller's own and starts anew."""
    own = settings["model"] is not None
    return data.n_train >= FEWEST_ROWS and not own and not settings["warm_start"] and not settings.incremental


def _blend(settings: Settings, data: FitInput) -> Sequence[str] | None:
    """What takes a closed form, where there will be rows held out to weigh it by, in squared errors."""
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
