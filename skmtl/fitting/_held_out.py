"""Which rows each member holds out: a share drawn at random, the caller's rows, or the parts of a splitter."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import PredefinedSplit

from .._records import TrainingNumbers
from .._splits import read_split, splits_of
from ..training._rows import RowPlan, plan_rows
from ._input import FitInput, Settings


def held_out_plan(settings: Settings, data: FitInput, numbers: TrainingNumbers, seed: int) -> RowPlan:
    """Rows to train on and to hold out, for each member."""
    members = int(settings["ensemble_size"])
    if settings["validation_split"] is not None:
        return _plan_of_splitter(settings, data, members)
    if data.groups is not None:
        raise ValueError("groups say which rows a splitter keeps together: set validation_split, as to GroupKFold(8).")
    if data.validation is not None:
        train_rows, held = np.arange(data.n_train), np.arange(data.n_train, data.n_train + data.validation.n_train)
        return RowPlan((train_rows,) * members, (held,) * members)
    fraction = float(settings["validation_fraction"]) if numbers.early_stopping else 0.0
    classified = [task.kind == "classification" for task in data.encoder.tasks]
    plan = plan_rows(data.targets, classified, members, fraction, seed)
    if numbers.early_stopping and any(len(rows) == 0 for rows in plan.evaluate):
        if settings["early_stopping"] == "auto":
            return plan_rows(data.targets, classified, members, 0.0, seed)
        raise ValueError(
            f"early_stopping=True holds {fraction:.0%} of the rows out, but with n_samples={data.n_train} none can be "
            "spared without losing the last label of a task or class. Set early_stopping=False, or give more samples."
        )
    return plan


def _plan_of_splitter(settings: Settings, data: FitInput, members: int) -> RowPlan:
    """Member by member, the splits of a splitter; from the first again where there are more members."""
    reason = _obstacle(settings, data)
    if reason:
        raise ValueError(f"validation_split={settings['validation_split']!r} says what to hold out, but {reason}.")
    splits = list(islice(_splits(settings["validation_split"], data), members))
    if not splits:
        raise ValueError(
            "validation_split has no split: an iterator gives its splits to one fit alone, so pass them as a list."
        )
    for number, (train, held) in enumerate(splits):
        lost = ~data.targets.observed[train].any(axis=0)
        if lost.any() or len(held) == 0:
            name = data.encoder.tasks[int(lost.argmax())].name
            what = f"leaves task {name!r} no label to learn from" if lost.any() else "holds no rows out"
            raise ValueError(f"validation_split: split {number} {what}. Use fewer splits, or other ones.")
    turns = list(islice(cycle(splits), members))
    return RowPlan(tuple(np.sort(train) for train, _ in turns), tuple(np.sort(held) for _, held in turns))


def _splits(given: Any, data: FitInput) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Splits of the rows that are left of the caller's; a splitter sees these alone."""
    fixed = isinstance(given, PredefinedSplit) or not (isinstance(given, Integral) or hasattr(given, "split"))
    n_rows = data.n_given if fixed else data.n_train
    splits = splits_of(given, np.zeros((data.n_train, 1)), _labels(data), data.groups)
    place = np.full(n_rows, -1)
    place[data.kept if fixed else slice(None)] = np.arange(data.n_train)
    for number, split in enumerate(splits):
        parts = [place[rows] for rows in read_split(split, n_rows, name="validation_split", number=number)]
        train, held = (part[part >= 0] for part in parts)
        yield train, held


def _obstacle(settings: Settings, data: FitInput) -> str:
    if data.validation is not None:
        return "X_val and y_val were passed to fit; give one of them"
    if settings["early_stopping"] is False:
        return "early_stopping=False holds none out"
    return ""


def _labels(data: FitInput) -> Any:
    """What a stratifying splitter looks at: numbers and codes of classes, NaN where there is no label."""
    values = np.where(data.targets.observed, data.targets.values, np.nan)
    codes = [task.kind == "classification" for task in data.encoder.tasks]
    if values.shape[1] > 1 or np.isnan(values).any():
        return values
    return values[:, 0].astype(np.intp) if codes[0] else values[:, 0]
