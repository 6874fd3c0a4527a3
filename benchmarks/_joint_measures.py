"""Measures of one fitted model on one fold: errors given known targets, joint regions and joint draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from _datasets import CLASSIFICATION, Record
from _tabular import one_hot

# Number of targets asked for (the first ones), of CatBoost's trees, and of draws per row.
MOST_ASKED, TREES, DRAWS = 3, 200, 100
# With more columns CatBoost takes minutes per fold.
MOST_COLUMNS = 100
COVERAGE = 0.9
Row = dict[str, Any]


def joint_scores(model: Any, train_set: Record, test_set: Record) -> list[Row]:
    """Return coverage and width of regions and intervals, and scores of joint and of independently permuted draws."""
    from skmtl.metrics import joint_coverage, mean_region_width

    regressions = [task for task, kind in test_set.kinds.items() if kind != CLASSIFICATION]
    regions = {"box": model.predict_region(test_set.X, COVERAGE)}
    if len(regressions) == len(test_set.kinds):
        regions["ellipsoid"] = model.predict_region(test_set.X, COVERAGE, shape="ellipsoid")
        regions["Bonferroni"] = _intervals(model, test_set, 1 - (1 - COVERAGE) / len(regressions))
        regions["independent"] = _intervals(model, test_set, COVERAGE)
    rows = []
    for who, region in regions.items():
        rows.append({"what": "covered", "who": who, "value": joint_coverage(test_set.Y, region)})
        if len(regressions) == len(test_set.kinds):
            rows.append({"what": "width", "who": who, "value": mean_region_width(region)})
    if "independent" in regions:
        ends, y = regions["independent"], test_set.Y.to_numpy(float)
        inside = np.where(np.isnan(y), np.nan, (ends[..., 0] <= y) & (y <= ends[..., 1]))
        rows.append({"what": "covered", "who": "each interval", "value": np.nanmean(inside)})
    return rows + (_draw_scores(model, train_set, test_set, regressions) if len(regressions) > 1 else [])


def _intervals(model: Any, test_set: Record, coverage: float) -> np.ndarray:
    return np.reshape(model.predict_interval(test_set.X, coverage), (len(test_set.X), -1, 2))


def _draw_scores(model: Any, train_set: Record, test_set: Record, regressions: list[str]) -> list[Row]:
    from skmtl.metrics import energy_score, variogram_score

    places = [list(test_set.kinds).index(task) for task in regressions]
    draws = model.sample_y(test_set.X, DRAWS, random_state=0)[:, places].astype(float)
    random = np.random.default_rng(0)
    apart = np.stack([random.permuted(draws[:, task], axis=1) for task in range(len(places))], axis=1)
    y, scale = test_set.Y[regressions].astype(float), train_set.Y[regressions].astype(float).std().to_numpy()
    scale = np.where(scale > 0, scale, 1.0)
    return [
        {"what": what, "who": who, "value": score(y, drawn, scale=scale)}
        for what, score in (("energy", energy_score), ("variogram", variogram_score))
        for who, drawn in (("joint", draws), ("apart", apart))
    ]


def conditional_errors(model: Any, train_set: Record, test_set: Record) -> list[Row]:
    """Return errors of skmtl and of tree ensembles given one, half or all of the other targets, or none."""
    encoder = one_hot(train_set.X)
    X, Z = (np.asarray(encoder.transform(part.X), dtype=np.float64) for part in (train_set, test_set))
    plain, rows = _quantities(model, test_set, None), []
    for asked in list(test_set.kinds)[:MOST_ASKED]:
        truth = _truth(test_set, train_set, asked)
        seen, train = test_set.Y[asked].notna().to_numpy(), train_set.Y[asked].notna().to_numpy()
        if seen.sum() < 5 or train.sum() < 10:
            continue
        without = _error(plain[asked][seen], truth[seen])
        rows.append({"what": "error", "known": "none", "task": asked, "who": "skmtl", "value": without})
        for pattern, known in _patterns([task for task in test_set.kinds if task != asked]).items():
            given = _quantities(model, test_set, test_set.Y[known])
            found = {"skmtl": _error(given[asked][seen], truth[seen])}
            more = [
                np.column_stack([part, _columns(record, known)]) for part, record in ((X, train_set), (Z, test_set))
            ]
            for who, peer in _peers(train_set.kinds[asked] == CLASSIFICATION, X.shape[1]).items():
                predicted = _of_peer(peer, more[0][train], train_set, asked, train, more[1][seen])
                found[who] = _error(predicted, truth[seen])
            rows += [
                {"what": "error", "known": pattern, "task": asked, "who": who, "value": value}
                for who, value in found.items()
            ]
    return rows


def _patterns(others: list[str]) -> dict[str, list[str]]:
    mixed = list(np.random.default_rng(0).permutation(others))
    found = {"all": others}
    if len(others) > 3:
        found["half"] = mixed[: len(others) // 2]
    if len(others) > 1:
        found["one"] = mixed[:1]
    return found


def _quantities(model: Any, test_set: Record, known: Any) -> dict[str, np.ndarray]:
    """Return the predicted numbers or class probabilities of each task."""
    predicted = pd.DataFrame(
        np.asarray(model.predict(test_set.X, known=known), dtype=object), columns=list(test_set.kinds)
    )
    found = {task: predicted[task].to_numpy() for task in test_set.kinds}
    if hasattr(model, "predict_proba"):
        proba = model.predict_proba(test_set.X, known=known)
        found.update({task: part for task, part in zip(test_set.kinds, proba, strict=True) if part is not None})
    return {task: np.asarray(part, dtype=np.float64) for task, part in found.items()}


def _truth(test_set: Record, train_set: Record, task: str) -> np.ndarray:
    """Return numbers, or indicators of the classes in the training rows."""
    if test_set.kinds[task] != CLASSIFICATION:
        return test_set.Y[task].to_numpy(float)
    classes = np.unique(train_set.Y[task].dropna().astype(str))
    return (test_set.Y[task].astype(str).to_numpy()[:, None] == classes).astype(float)


def _error(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Return the root mean squared error of numbers or of probabilities."""
    return float(np.sqrt(np.mean((predicted - truth) ** 2)))


def _columns(record: Record, known: list[str]) -> np.ndarray:
    """Return known targets as features: numbers and codes of classes."""
    parts = [
        record.Y[task].cat.codes.to_numpy(float) if record.kinds[task] == CLASSIFICATION else record.Y[task].to_numpy()
        for task in known
    ]
    return np.column_stack(parts).astype(float)


def _peers(classified: bool, n_columns: int) -> dict[str, Any]:
    from catboost import CatBoostClassifier, CatBoostRegressor
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        ExtraTreesRegressor,
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )

    found = {
        "ExtraTrees": (ExtraTreesClassifier if classified else ExtraTreesRegressor)(random_state=0),
        "HistGradientBoosting": (HistGradientBoostingClassifier if classified else HistGradientBoostingRegressor)(
            random_state=0
        ),
    }
    if n_columns <= MOST_COLUMNS:
        found["CatBoost"] = (CatBoostClassifier if classified else CatBoostRegressor)(
            iterations=TREES, thread_count=1, verbose=False, random_seed=0, allow_writing_files=False
        )
    return found


def _of_peer(peer: Any, X: np.ndarray, train_set: Record, asked: str, train: np.ndarray, Z: np.ndarray) -> np.ndarray:
    labels = train_set.Y[asked][train]
    if train_set.kinds[asked] == CLASSIFICATION:
        return peer.fit(X, labels.astype(str).to_numpy()).predict_proba(Z)
    return peer.fit(X, labels.to_numpy(float)).predict(Z)
