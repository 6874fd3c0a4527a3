"""Record of a balancing method: the tasks' weights and the cosines of their gradients, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .._records import GradientCosines


class BalancingRecord:
    """Collects sums over steps, chunk by chunk, and averages them. It stays empty if a method reports nothing."""

    def __init__(self, task_names: Sequence[str]) -> None:
        self.task_names = tuple(task_names)
        self._chunks: list[dict[str, np.ndarray]] = []

    def extend(self, sums: Mapping[str, object], epochs: int) -> None:
        """Add ``epochs`` epochs of sums over their steps."""
        if sums:
            self._chunks.append({name: np.asarray(values)[:epochs] for name, values in sums.items()})

    def series(self, last: bool = False) -> dict[str, np.ndarray]:
        """Return mean task weights and the mean cosine of all pairs, (epochs, members), of all or the last chunk."""
        if not self._chunks:
            return {}
        chunks = self._chunks[-1:] if last else self._chunks
        weights = _mean(_joined(chunks, "weights"), _joined(chunks, "steps"))
        series = {f"{name}_weight": weights[:, :, task] for task, name in enumerate(self.task_names)}
        if "cosines" in chunks[0] and len(self.task_names) > 1:
            pairs = np.triu_indices(len(self.task_names), 1)
            total, count = (_joined(chunks, name)[:, :, *pairs].sum(axis=2) for name in ("cosines", "pairs"))
            series["gradient_cosine"] = _mean(total, count)
        return series

    def cosines(self) -> GradientCosines | None:
        """Return the cosines of every two tasks' gradients, or None if the method does not compute them."""
        if not self._chunks or "cosines" not in self._chunks[0]:
            return None
        sums = [_joined(self._chunks, name).sum(axis=1) for name in ("cosines", "conflicts", "pairs")]
        return GradientCosines(*sums)


def _joined(chunks: Sequence[dict[str, np.ndarray]], name: str) -> np.ndarray:
    return np.concatenate([chunk[name] for chunk in chunks]).astype(np.float64)


def _mean(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return means; NaN if there is nothing to average."""
    return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)
