"""Losses of the members over consecutive fits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def append_epochs(before: Mapping[str, np.ndarray], added: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Concatenate series of (n_epochs, n_members); NaN for epochs in which a series has no values."""
    joined = {}
    for name in [*before, *(name for name in added if name not in before)]:
        earlier = before[name] if name in before else _blank(before, added[name].shape[1])
        later = added[name] if name in added else _blank(added, before[name].shape[1])
        joined[name] = np.concatenate([earlier, later])
    return joined


def _blank(series: Mapping[str, np.ndarray], members: int) -> np.ndarray:
    return np.full((max((len(values) for values in series.values()), default=0), members), np.nan)
