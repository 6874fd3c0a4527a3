"""Train on a table that does not fit into memory, chunk by chunk from disk.

``partial_fit`` takes one chunk of rows at a time. The first call fixes the scaling.
Each call is one pass over its chunk, and the state of the optimizer carries over. Here,
the table is a numpy memmap. Chunks of a parquet file
(``pyarrow.parquet.ParquetFile(path).iter_batches(rows)``) work in the same way.

    python examples/large_data.py [--rows 500000]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from skmtl import MultiTaskKerasRegressor

FEATURES, TASKS, CHUNK = 40, 3, 50_000


def write_table(folder: Path, rows: int) -> tuple[np.memmap, np.memmap]:
    """Write a generated table to disk, chunk by chunk; every fifth label of the last task is missing."""
    rng = np.random.default_rng(0)
    mix, out = (
        rng.normal(size=(FEATURES, 6)) / np.sqrt(FEATURES),
        rng.normal(size=(6, TASKS)),
    )
    X = np.memmap(folder / "X.npy", dtype=np.float32, mode="w+", shape=(rows, FEATURES))
    y = np.memmap(folder / "y.npy", dtype=np.float32, mode="w+", shape=(rows, TASKS))
    for start in range(0, rows, CHUNK):
        part = rng.normal(size=(min(CHUNK, rows - start), FEATURES))
        labels = np.tanh(2 * part @ mix) @ out + 0.1 * rng.normal(
            size=(len(part), TASKS)
        )
        labels[::5, -1] = np.nan
        X[start : start + len(part)], y[start : start + len(part)] = part, labels
    return X, y


def main() -> None:
    """Make two passes over all chunks but the last, and score on the last after each pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        X, y = write_table(Path(folder), rows)
        held_out = rows - CHUNK
        model = MultiTaskKerasRegressor(ensemble_size=1, batch_size=256, random_state=0)
        print(
            f"{rows:,} rows x {FEATURES} features on disk ({X.nbytes / 2**20:.0f} MiB), chunks of {CHUNK:,}"
        )
        for epoch in range(2):
            start = time.perf_counter()
            for first in range(0, held_out, CHUNK):
                model.partial_fit(X[first : first + CHUNK], y[first : first + CHUNK])
            scores = model.score_tasks(X[held_out:], y[held_out:])
            print(
                f"pass {epoch + 1}: {time.perf_counter() - start:.1f} s, R² on the last chunk "
                + scores.round(3).to_string().replace("\n", ", ")
            )
        del X, y


if __name__ == "__main__":
    main()
