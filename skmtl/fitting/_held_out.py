"""Rows that each member holds out: a random share, the caller's validation rows, or the splits of a splitter."""

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
    """Return the rows to train on and to hold out, for each member."""
    members = int(settings["ensemble_size"])
    if settings["validation_split"] is not None:
        return _plan_of_splitter(settings, data, members)
    if data.groups is not None:
        raise ValueError(
            "groups tell a splitter which rows to keep together: set validation_split, for example to GroupKFold(8)."
        )
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
            f"early_stopping=True holds out {fraction:.0%} of the rows, but with n_samples={data.n_train} none can be "
            "spared without losing the last label of a task or class. Set early_stopping=False, or pass more samples."
        )
    return plan


def _plan_of_splitter(settings: Settings, data: FitInput, members: int) -> RowPlan:
    """Give each member one split of a splitter, starting over if there are more members than splits."""
    reason = _obstacle(settings, data)
    if reason:
        raise ValueError(f"validation_split={settings['validation_split']!r} says what to hold out, but {reason}.")
    splits = list(islice(_splits(settings["validation_split"], data), members))
    if not splits:
        raise ValueError(
            "validation_split has no splits. An iterator is used up by one fit: pass a list of splits instead."
        )
    for number, (train, held) in enumerate(splits):
        lost = ~data.targets.observed[train].any(axis=0)
        if lost.any() or len(held) == 0:
            name = data.encoder.tasks[int(lost.argmax())].name
            what = f"leaves task {name!r} no label to learn from" if lost.any() else "holds out no rows"
            raise ValueError(f"validation_split: split {number} {what}. Use fewer or other splits.")
    assigned = list(islice(cycle(splits), members))
    return RowPlan(tuple(np.sort(train) for train, _ in assigned), tuple(np.sort(held) for _, held in assigned))


def _splits(given: Any, data: FitInput) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield splits of the rows that remain when those without weight are dropped; a splitter sees only these."""
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
        return "early_stopping=False holds out none"
    return ""


def _labels(data: FitInput) -> Any:
    """Return the labels for a stratifying splitter: numbers and class codes, NaN for missing labels."""
    values = np.where(data.targets.observed, data.targets.values, np.nan)
    codes = [task.kind == "classification" for task in data.encoder.tasks]
    if values.shape[1] > 1 or np.isnan(values).any():
        return values
    return values[:, 0].astype(np.intp) if codes[0] else values[:, 0]
