"""Generate regression tasks of known relatedness, after the generator of the MMoE paper."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state


def make_related_tasks(
    n_samples: int = 1000,
    n_features: int = 30,
    n_tasks: int = 4,
    *,
    relatedness: float = 0.8,
    task_groups: Any = None,
    scale: float = 1.0,
    n_waves: int = 5,
    noise: float = 0.1,
    missing: float = 0.0,
    coef: bool = False,
    random_state: Any = None,
) -> Any:
    """Generate regression tasks with known relatedness.

    Each task projects X onto its own direction and applies a wavy function that all tasks of its group share. The
    relatedness of two tasks is the cosine of the angle between their directions.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of rows.
    n_features : int, default=30
        Number of columns of X, at least ``n_tasks``.
    n_tasks : int, default=4
        Number of tasks.
    relatedness : float, default=0.8
        Cosine between the directions of any two tasks of a group: 1 is the same task up to noise, 0 means nothing in
        common. At least -1 / (size of the largest group - 1), because not all directions can oppose each other.
    task_groups : array-like of shape (n_tasks,), default=None
        Group of each task. Tasks of different groups have orthogonal directions and different waves. None is a single
        group.
    scale : float, default=1.0
        Length of the direction vectors. The larger it is, the more waves a task passes through.
    n_waves : int, default=5
        Number of sines added to the linear part; 0 makes linear tasks.
    noise : float, default=0.1
        Standard deviation of the noise, independent between tasks. With the other defaults, the standard deviation of
        a task without noise is between 1 and 3.
    missing : float, default=0.0
        Fraction of each task's labels that are missing at random (NaN), in [0, 1).
    coef : bool, default=False
        Whether to return the directions too.
    random_state : int, RandomState instance or None, default=None
        Seed of directions, waves, features, noise and missing labels.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features), float64
        Features, independent and standard normal.
    y : ndarray of shape (n_samples, n_tasks), float64
        Labels; NaN where missing.
    coef : ndarray of shape (n_tasks, n_features), float64
        Directions; only if ``coef=True``.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Notes
    -----
    The generator is that of [1]_, section 3.2: y = w·x + Σ_j sin(α_j w·x + β_j) + ε. It differs as follows:

    - There are any number of tasks, in groups; the paper has two tasks. The directions are the rows of P^½ Q, where P
      is the matrix of the desired cosines and Q has random orthonormal rows, which makes the cosines exact.
    - The paper does not specify α and β; here both are standard normal, drawn once per group.

    References
    ----------
    .. [1] J. Ma, Z. Zhao, X. Yi, J. Chen, L. Hong, E. Chi (2018). Modeling task relationships in multi-task
       learning with multi-gate mixture-of-experts. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.datasets import make_related_tasks
    >>> X, y, w = make_related_tasks(n_tasks=3, relatedness=0.5, task_groups=[0, 0, 1], coef=True, random_state=0)
    >>> X.shape, y.shape
    ((1000, 30), (1000, 3))
    >>> bool(np.allclose(w @ w.T, [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]))
    True
    """
    _check_integers(n_samples=(n_samples, 1), n_tasks=(n_tasks, 1), n_waves=(n_waves, 0))
    _check_integers(n_features=(n_features, n_tasks))
    _check_finite(scale=scale, noise=noise)
    if not isinstance(missing, Real) or not 0 <= missing < 1:
        raise ValueError(f"missing should be a fraction in [0, 1), got {missing!r}.")
    groups = _groups(task_groups, n_tasks)
    cosines = _cosines(groups, relatedness)
    random = check_random_state(random_state)
    directions = scale * _directions(cosines, n_features, random)
    X = random.normal(size=(n_samples, n_features))
    along = X @ directions.T
    y = along + noise * random.normal(size=along.shape)
    for group in range(groups.max() + 1):
        frequency, phase = random.normal(size=(2, n_waves))
        tasks = groups == group
        y[:, tasks] += np.sin(along[:, tasks, None] * frequency + phase).sum(axis=2)
    for task in range(n_tasks):
        y[random.permutation(n_samples)[: round(missing * n_samples)], task] = np.nan
    return (X, y, directions) if coef else (X, y)


def _check_integers(**given: tuple[Any, int]) -> None:
    for name, (value, least) in given.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise ValueError(f"{name} should be an integer of at least {least}, got {value!r}.")


def _check_finite(**given: Any) -> None:
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < np.inf:
            raise ValueError(f"{name} should be a finite number of at least 0, got {value!r}.")


def _groups(task_groups: Any, n_tasks: int) -> np.ndarray:
    """Return the group of each task, numbered from 0."""
    if task_groups is None:
        return np.zeros(n_tasks, dtype=np.intp)
    labels = np.asarray(task_groups)
    if labels.shape != (n_tasks,):
        raise ValueError(
            f"task_groups should name the group of each of the {n_tasks} tasks, as in [0, 0, 1]; got {task_groups!r}."
        )
    return np.unique(labels, return_inverse=True)[1]


def _cosines(groups: np.ndarray, relatedness: Any) -> np.ndarray:
    largest = int(np.bincount(groups).max())
    least = -1.0 / (largest - 1) if largest > 1 else -1.0
    if isinstance(relatedness, bool) or not isinstance(relatedness, Real) or not least <= float(relatedness) <= 1:
        raise ValueError(
            f"relatedness should be a number from {least:.3g} (the minimum for a group of {largest} tasks) to 1, got "
            f"{relatedness!r}."
        )
    cosines = np.where(groups[:, None] == groups, float(relatedness), 0.0)
    np.fill_diagonal(cosines, 1.0)
    return cosines


def _directions(cosines: np.ndarray, n_features: int, random: np.random.RandomState) -> np.ndarray:
    """Return unit vectors with the given cosines, (n_tasks, n_features)."""
    values, vectors = np.linalg.eigh(cosines)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    orthonormal = np.linalg.qr(random.normal(size=(n_features, len(cosines))))[0].T
    return root @ orthonormal
