"""Files that every later version has to read: one of each sort, with what it answers.

    python -m tests.persistence._golden

writes those of the present format that are not there yet. Existing ones are never written again: they are the promise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import skmtl
from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.grouping import TaskGroupingRegressor
from skmtl.persistence._archive import FORMAT

from ..estimators._builders import heads
from ..estimators._cases import features, labels, mixed, quantities
from ._cases import OWN, TINY, X, answers, in_time, table

FOLDER = Path(__file__).resolve().parents[1] / "data" / "persistence"
SMALLEST: dict[str, Any] = {**TINY, "hidden_layer_sizes": (3,), "random_state": 0}
BINS = {"numeric_embedding__n_bins": 4, "numeric_embedding__dim": 2}
ALONE = {**SMALLEST, "ensemble_size": 1}
SORTS = {
    "regressor": lambda: MultiTaskKerasRegressor(**SMALLEST, **BINS).fit(X, quantities(X)),
    "classifier": lambda: MultiTaskKerasClassifier(**SMALLEST, **BINS).fit(X, labels(X)),
    "mixed": lambda: MultiTaskKerasEstimator(**SMALLEST, **BINS).fit(table(), mixed(X)),
    "far_rows": lambda: MultiTaskKerasRegressor(**SMALLEST, **BINS).fit(*in_time()),
    "scheme": lambda: MultiTaskKerasEstimator(**ALONE, architecture="mmoe", architecture__n_experts=2).fit(X, mixed(X)),
    "periodic": lambda: MultiTaskKerasRegressor(**ALONE, numeric_embedding="periodic").fit(X, quantities(X)),
    "model": lambda: MultiTaskKerasEstimator(**OWN, model=heads).fit(X, mixed(X)),
    "incremental": lambda: MultiTaskKerasRegressor(**ALONE).partial_fit(X, quantities(X)),
    "grouping": lambda: TaskGroupingRegressor(
        MultiTaskKerasRegressor(**ALONE), affinity="label_correlation", random_state=0
    ).fit(X, quantities(X)),
}


def read_rows(path: Path) -> Any:
    """Rows that a file's answers are for: they lie beside it, as generators of random numbers change."""
    rows = pd.read_csv(path.with_suffix(".csv"))
    return rows.astype({"year": "category"}) if "year" in rows else rows.to_numpy()


def plain_answers(model: Any, rows: Any) -> dict[str, np.ndarray]:
    """Answers without objects: labels as strings."""
    found = {name.replace(" ", "_"): value for name, value in answers(model, rows).items()}
    return {name: value.astype(str) if value.dtype == object else value for name, value in found.items()}


def main() -> None:
    """Write what is missing."""
    folder = FOLDER / f"format_{FORMAT}"
    folder.mkdir(parents=True, exist_ok=True)
    for sort, make in SORTS.items():
        if not (folder / f"{sort}.skmtl").exists():
            model = make()
            skmtl.save(model, folder / f"{sort}.skmtl")
            rows = table()[:10] if sort == "mixed" else pd.DataFrame(features(10, seed=7))
            rows.to_csv(folder / f"{sort}.csv", index=False)
            np.savez_compressed(folder / f"{sort}.npz", **plain_answers(model, read_rows(folder / f"{sort}.skmtl")))


if __name__ == "__main__":
    main()
