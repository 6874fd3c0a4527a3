"""A small table with columns of every kind, and folders of parquet files."""

import numpy as np
import pandas as pd

FEATURES = ["a", "b", "c", "kind"]
NUMBERS = ["a", "b", "c"]


def table(n_rows=240, seed=0):
    """Numeric features with gaps, a category, two regressions and a classification with gaps; some rows lack labels."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3))
    kind = rng.choice(["red", "green", "blue"], n_rows)
    frame = pd.DataFrame(X, columns=NUMBERS).assign(kind=kind)
    frame["y"] = X[:, 0] - X[:, 1] + (kind == "red")
    frame["z"] = 50.0 + 10.0 * X[:, 2] + rng.normal(size=n_rows)
    frame["label"] = np.where(X[:, 0] + X[:, 2] > 0, "warm", "cold")
    frame["weight"] = rng.uniform(0.5, 2.0, n_rows)
    frame.loc[rng.random(n_rows) < 0.1, "b"] = np.nan
    frame.loc[rng.random(n_rows) < 0.3, "z"] = np.nan
    frame.loc[rng.random(n_rows) < 0.2, "label"] = None
    return frame


def numbers(n_rows=240, seed=0):
    """Numeric features and two regressions, without gaps."""
    return table(n_rows, seed)[[*NUMBERS, "y"]].fillna(0.0).assign(z=lambda rows: rows.c * 3 + 1)


def folder_of(frame, path, n_files=3, row_group_size=25):
    """Write the rows to files of unequal size."""
    path.mkdir(parents=True, exist_ok=True)
    ends = np.linspace(0, len(frame), n_files + 1).round().astype(int)
    for number, (start, stop) in enumerate(zip(ends[:-1], ends[1:], strict=True)):
        frame[start:stop].to_parquet(path / f"part-{number}.parquet", row_group_size=row_group_size)
    return path


def interleaved(frame, n_workers):
    """Rows in the order in which the steps of several workers, each with its own shard, use them."""
    if len(frame) % n_workers:
        raise ValueError("Shards should have the same number of rows.")
    return frame.iloc[np.arange(len(frame)).reshape(n_workers, -1).T.ravel()]
