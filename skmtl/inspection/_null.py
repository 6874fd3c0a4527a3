"""Null distributions of affinities, from permuted labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Null:
    """Null distribution of each pair (tasks, tasks): mean and standard deviation, p-value, and bounds of chance.

    If all affinities are due to chance, any pair lies outside ``low`` and ``high`` with probability ``level`` at most.
    """

    mean: np.ndarray
    std: np.ndarray
    p_value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def no_null(n_tasks: int) -> Null:
    """Return an unknown null distribution, for no permutations."""
    unknown = np.full((n_tasks, n_tasks), np.nan)
    return Null(unknown, unknown, unknown, unknown, unknown)


def pooled_null(values: np.ndarray, draws: np.ndarray, symmetric: bool, level: float) -> Null:
    """Fit one normal distribution to the draws (permutations, tasks, tasks) of all pairs, for few permutations."""
    n_tasks = len(values)
    pairs = np.triu(np.ones((n_tasks, n_tasks), bool), 1) if symmetric else ~np.eye(n_tasks, dtype=bool)
    chance = draws[:, pairs]
    chance = chance[~np.isnan(chance)]
    if len(chance) < 2:
        return no_null(n_tasks)
    mean, std, freedom = float(chance.mean()), float(chance.std(ddof=1)), len(chance) - 1
    spread = np.full_like(values, max(std * np.sqrt(1 + 1 / len(chance)), 1e-300))
    margin = stats.t(freedom).isf(level / 2 / pairs.sum()) * spread
    p_value = 2 * stats.t(freedom).sf(np.abs(values - mean) / spread)
    full = np.full_like(values, mean), np.full_like(values, std)
    return Null(*full, p_value=p_value, low=mean - margin, high=mean + margin)


def ranked_null(values: np.ndarray, draws: np.ndarray, level: float) -> Null:
    """Rank each pair among its own draws, and bound the maximum over all pairs; for many draws, none negative."""
    n_tasks = len(values)
    mean, std = draws.mean(axis=0), np.maximum(draws.std(axis=0, ddof=1), 1e-12)
    p_value = (1 + (draws >= values).sum(axis=0)) / (1 + len(draws))
    upper = np.triu_indices(n_tasks, 1)
    largest = np.nan_to_num(((draws - mean) / std)[:, *upper], nan=0.0).max(axis=1)
    high = mean + np.quantile(largest, 1 - level) * std
    return Null(mean, std, np.where(np.isnan(values), np.nan, p_value), np.full_like(values, -np.inf), high)
