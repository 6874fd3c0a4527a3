"""One contestant on one fold; results are cached on disk, so an interrupted benchmark can be resumed."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import hashlib
import json
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from _accuracy_scores import score_fold
from _datasets import Record, apart
from _harness import RESULTS, machine
from _networks import fit_seed, fit_sharing_auto, fit_single_task, fit_skmtl, fit_splitter
from _peers import PEERS, Predict
from _tabular import targets_of

CACHE = RESULTS / "cache" / "accuracy"

CONTESTANTS: dict[str, Callable[[Record], Predict]] = {
    **{name: peer.fit for name, peer in PEERS.items()},
    "seed": fit_seed,
    "skmtl": fit_skmtl,
    "skmtl_splitter": fit_splitter,
    "skmtl_sharing_auto": fit_sharing_auto,
    "skmtl_single_task": fit_single_task,
}
ONLY_REGRESSION = ("chain",)
# One model per task would take days on sets with hundreds of tasks.
MOST_TASKS = {
    "catboost": 100,
    "hgb": 200,
    "lightgbm": 200,
    "mlp": 100,
    "realmlp": 16,
    "stack": 16,
    "tabm": 16,
    "skmtl_single_task": 200,
    "xrfm": 100,
}


@dataclass(frozen=True)
class Run:
    """A data set, a contestant and a fold."""

    data: str  # the name, followed by any non-default cap of rows and scheme of folds
    contestant: str
    fold: int

    @property
    def path(self) -> Path:
        """Path of the cached scores."""
        return CACHE / self.data / self.contestant / f"fold{self.fold}.json"


def takes(contestant: str, record: Record) -> bool:
    """Whether a contestant is run on a data set."""
    if contestant in ONLY_REGRESSION and record.problem != "regression":
        return False
    if contestant == "skmtl_splitter":
        return apart(record)
    n_models = len(record.kinds) if contestant == "skmtl_single_task" else len(targets_of(record))
    return n_models <= MOST_TASKS.get(contestant, n_models)


def read(run: Run) -> dict[str, Any] | None:
    """Return the cached scores of a run."""
    return json.loads(run.path.read_text()) if run.path.exists() else None


def is_kept(run: Run, test: np.ndarray, retry: bool = False) -> bool:
    """Whether a run on these test rows is cached; a failed run counts unless ``retry``."""
    kept = read(run)
    return kept is not None and kept["rows"] == digest(test) and not (retry and "error" in kept)


def digest(rows: np.ndarray) -> str:
    """Return a hash by which folds can be compared."""
    return hashlib.sha256(np.asarray(rows, dtype=np.int64).tobytes()).hexdigest()[:16]


def execute(run: Run, record: Record, train: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    """Fit, predict, score and cache the result."""
    kept: dict[str, Any] = {"data": run.data, "contestant": run.contestant, "fold": run.fold, "rows": digest(test)}
    train_set, test_set = record.take(train), record.take(test)
    try:
        with warnings.catch_warnings(), PeakMemory() as memory:
            warnings.simplefilter("ignore")
            start = time.perf_counter()
            predict = CONTESTANTS[run.contestant](train_set)
            fitted = time.perf_counter()
            predictions = predict(test_set)
            done = time.perf_counter()
        kept |= {"fit_time": fitted - start, "predict_time": done - fitted, "peak_memory_mb": memory.peak}
        kept["tasks"] = score_fold(train_set, test_set, predictions)
    except Exception as error:
        kept |= {"error": f"{type(error).__name__}: {error}"[:500], "traceback": traceback.format_exc()[-3000:]}
    kept["machine"] = machine()
    run.path.parent.mkdir(parents=True, exist_ok=True)
    scratch = run.path.with_suffix(".tmp")
    scratch.write_text(json.dumps(kept))
    scratch.replace(run.path)
    return kept


class PeakMemory:
    """Peak of this process's resident memory above its start, in MiB, sampled twenty times a second.

    Free memory is returned to the system first, if the C library can. Memory in use before (TensorFlow) does not count.
    """

    def __enter__(self) -> PeakMemory:
        """Start sampling."""
        gc.collect()
        with contextlib.suppress(OSError, AttributeError, TypeError):
            ctypes.CDLL(None).malloc_trim(0)
        self._process = psutil.Process()
        self._start = self._most = self._process.memory_info().rss
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def _sample(self) -> None:
        while not self._over.wait(0.05):
            self._most = max(self._most, self._process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        """Stop sampling."""
        self._over.set()
        self._thread.join()

    @property
    def peak(self) -> float:
        """Peak above the start, in MiB."""
        return (self._most - self._start) / 2**20
