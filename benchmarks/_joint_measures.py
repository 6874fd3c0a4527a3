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


def joint_scores(model: Any, learn: Record, judge: Record) -> list[Row]:
    """Return coverage and width of regions and intervals, and scores of joint and of independently permuted draws."""
    from skmtl.metrics import joint_coverage, mean_region_width

    regressions = [task for task, kind in judge.kinds.items() if kind != CLASSIFICATION]
    regions = {"box": model.predict_region(judge.X, COVERAGE)}
    if len(regressions) == len(judge.kinds):
        regions["ellipsoid"] = model.predict_region(judge.X, COVERAGE, shape="ellipsoid")
        regions["Bonferroni"] = _intervals(model, judge, 1 - (1 - COVERAGE) / len(regressions))
        regions["independent"] = _intervals(model, judge, COVERAGE)
    rows = []
    for who, region in regions.items():
        rows.append({"what": "covered", "who": who, "value": joint_coverage(judge.Y, region)})
        if len(regressions) == len(judge.kinds):
            rows.append({"what": "width", "who": who, "value": mean_region_width(region)})
    if "independent" in regions:
        ends, y = regions["independent"], judge.Y.to_numpy(float)
        inside = np.where(np.isnan(y), np.nan, (ends[..., 0] <= y) & (y <= ends[..., 1]))
        rows.append({"what": "covered", "who": "each interval", "value": np.nanmean(inside)})
    return rows + (_draw_scores(model, learn, judge, regressions) if len(regressions) > 1 else [])


def _intervals(model: Any, judge: Record, coverage: float) -> np.ndarray:
    return np.reshape(model.predict_interval(judge.X, coverage), (len(judge.X), -1, 2))


def _draw_scores(model: Any, learn: Record, judge: Record, regressions: list[str]) -> list[Row]:
    from skmtl.metrics import energy_score, variogram_score

    places = [list(judge.kinds).index(task) for task in regressions]
    draws = model.sample_y(judge.X, DRAWS, random_state=0)[:, places].astype(float)
    random = np.random.default_rng(0)
    apart = np.stack([random.permuted(draws[:, task], axis=1) for task in range(len(places))], axis=1)
    y, scale = judge.Y[regressions].astype(float), learn.Y[regressions].astype(float).std().to_numpy()
    scale = np.where(scale > 0, scale, 1.0)
    return [
        {"what": what, "who": who, "value": score(y, drawn, scale=scale)}
        for what, score in (("energy", energy_score), ("variogram", variogram_score))
        for who, drawn in (("joint", draws), ("apart", apart))
    ]


def conditional_errors(model: Any, learn: Record, judge: Record) -> list[Row]:
    """Return errors of skmtl and of tree ensembles given one, half or all of the other targets, or none."""
    encoder = one_hot(learn.X)
    X, Z = (np.asarray(encoder.transform(part.X), dtype=np.float64) for part in (learn, judge))
    plain, rows = _quantities(model, judge, None), []
    for asked in list(judge.kinds)[:MOST_ASKED]:
        truth = _truth(judge, learn, asked)
        seen, train = judge.Y[asked].notna().to_numpy(), learn.Y[asked].notna().to_numpy()
        if seen.sum() < 5 or train.sum() < 10:
            continue
        without = _error(plain[asked][seen], truth[seen])
        rows.append({"what": "error", "known": "none", "task": asked, "who": "skmtl", "value": without})
        for pattern, known in _patterns([task for task in judge.kinds if task != asked]).items():
            given = _quantities(model, judge, judge.Y[known])
            found = {"skmtl": _error(given[asked][seen], truth[seen])}
            more = [np.column_stack([part, _columns(record, known)]) for part, record in ((X, learn), (Z, judge))]
            for who, peer in _peers(learn.kinds[asked] == CLASSIFICATION, X.shape[1]).items():
                predicted = _of_peer(peer, more[0][train], learn, asked, train, more[1][seen])
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


def _quantities(model: Any, judge: Record, known: Any) -> dict[str, np.ndarray]:
    """Return the predicted numbers or class probabilities of each task."""
    predicted = pd.DataFrame(np.asarray(model.predict(judge.X, known=known), dtype=object), columns=list(judge.kinds))
    found = {task: predicted[task].to_numpy() for task in judge.kinds}
    if hasattr(model, "predict_proba"):
        proba = model.predict_proba(judge.X, known=known)
        found.update({task: part for task, part in zip(judge.kinds, proba, strict=True) if part is not None})
    return {task: np.asarray(part, dtype=np.float64) for task, part in found.items()}


def _truth(judge: Record, learn: Record, task: str) -> np.ndarray:
    """Return numbers, or indicators of the classes in the training rows."""
    if judge.kinds[task] != CLASSIFICATION:
        return judge.Y[task].to_numpy(float)
    classes = np.unique(learn.Y[task].dropna().astype(str))
    return (judge.Y[task].astype(str).to_numpy()[:, None] == classes).astype(float)


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


def _of_peer(peer: Any, X: np.ndarray, learn: Record, asked: str, train: np.ndarray, Z: np.ndarray) -> np.ndarray:
    labels = learn.Y[asked][train]
    if learn.kinds[asked] == CLASSIFICATION:
        return peer.fit(X, labels.astype(str).to_numpy()).predict_proba(Z)
    return peer.fit(X, labels.to_numpy(float)).predict(Z)
