"""Files that every later version must read, one of each kind, with their predictions.

    python -m tests.persistence._golden

writes those that are missing in the current format. Existing files are never rewritten: they test compatibility.
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
from ._cases import OWN, TINY, X, answers, grouped_rows, table

FOLDER = Path(__file__).resolve().parents[1] / "data" / "persistence"
SMALLEST: dict[str, Any] = {**TINY, "hidden_layer_sizes": (3,), "random_state": 0}
BINS = {"numeric_embedding__n_bins": 4, "numeric_embedding__dim": 2}
ALONE = {**SMALLEST, "ensemble_size": 1}
# By name of the file.
MODELS = {
    "regressor": lambda: MultiTaskKerasRegressor(**SMALLEST, **BINS).fit(X, quantities(X)),
    "classifier": lambda: MultiTaskKerasClassifier(**SMALLEST, **BINS).fit(X, labels(X)),
    "mixed": lambda: MultiTaskKerasEstimator(**SMALLEST, **BINS).fit(table(), mixed(X)),
    "far_rows": lambda: MultiTaskKerasRegressor(**SMALLEST, **BINS).fit(*grouped_rows()),
    "scheme": lambda: MultiTaskKerasEstimator(**ALONE, architecture="mmoe", architecture__n_experts=2).fit(X, mixed(X)),
    "periodic": lambda: MultiTaskKerasRegressor(**ALONE, numeric_embedding="periodic").fit(X, quantities(X)),
    "model": lambda: MultiTaskKerasEstimator(**OWN, model=heads).fit(X, mixed(X)),
    "incremental": lambda: MultiTaskKerasRegressor(**ALONE).partial_fit(X, quantities(X)),
    "grouping": lambda: TaskGroupingRegressor(
        MultiTaskKerasRegressor(**ALONE), affinity="label_correlation", random_state=0
    ).fit(X, quantities(X)),
}


def read_rows(path: Path) -> Any:
    """Read the rows of a file's predictions; they are stored because random generators change."""
    rows = pd.read_csv(path.with_suffix(".csv"))
    return rows.astype({"year": "category"}) if "year" in rows else rows.to_numpy()


def plain_answers(model: Any, rows: Any) -> dict[str, np.ndarray]:
    """Predictions without Python objects: labels as strings."""
    predictions = {name.replace(" ", "_"): value for name, value in answers(model, rows).items()}
    return {name: value.astype(str) if value.dtype == object else value for name, value in predictions.items()}


def main() -> None:
    """Write the missing files."""
    folder = FOLDER / f"format_{FORMAT}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in MODELS.items():
        if not (folder / f"{name}.skmtl").exists():
            model = make()
            skmtl.save(model, folder / f"{name}.skmtl")
            rows = table()[:10] if name == "mixed" else pd.DataFrame(features(10, seed=7))
            rows.to_csv(folder / f"{name}.csv", index=False)
            np.savez_compressed(folder / f"{name}.npz", **plain_answers(model, read_rows(folder / f"{name}.skmtl")))


if __name__ == "__main__":
    main()
