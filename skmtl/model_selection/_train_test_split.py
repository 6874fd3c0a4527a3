"""Make one stratified split into training and test rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.model_selection import ShuffleSplit
from sklearn.utils import _safe_indexing, check_random_state, indexable

from ._label_codes import check_n_bins, encode_groups, encode_labels
from ._stratify import stratify_groups, stratify_rows

_NAME = "multitask_train_test_split"


def multitask_train_test_split(
    X: Any,
    y: Any,
    *others: Any,
    test_size: float | int | None = None,
    train_size: float | int | None = None,
    random_state: int | np.random.RandomState | None = None,
    groups: Any = None,
    n_bins: int = 10,
    task_types: Mapping[str, str] | None = None,
) -> list[Any]:
    """Split X, y and other arrays at random into training and test rows, stratified over all tasks.

    Both parts get their share of every class of every task, and of the known labels of every task.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
        Features.
    y : array-like or DataFrame of shape (n_samples,) or (n_samples, n_tasks)
        Labels to stratify by; NaN, None or pandas.NA for a missing label.
    *others : array-like of shape (n_samples, ...)
        Other arrays to split in the same way, such as sample weights.
    test_size : float or int, default=None
        Fraction of the rows (between 0 and 1) or number of rows to use for testing. By default all rows outside the
        training part, or 0.25 if ``train_size`` is not given either.
    train_size : float or int, default=None
        Fraction or number of rows to use for training. By default all rows outside the test part.
    random_state : int, RandomState instance or None, default=None
        Seed of the split; the same int gives the same split.
    groups : array-like of shape (n_samples,), default=None
        Group of each row; groups are not split. The sizes are then only approximate.
    n_bins : int, default=10
        Number of quantile bins for stratifying a quantity.
    task_types : mapping of str to {"regression", "classification"}, default=None
        Kind of each task, as in `MultiTaskStratifiedKFold`.

    Returns
    -------
    splitting : list of length 2 * (2 + len(others))
        ``X_train, X_test, y_train, y_test, ...``, each of the type of its input; rows are in random order.

    Raises
    ------
    ValueError
        If lengths differ, a size cannot be met, or there are too few groups.

    See Also
    --------
    MultiTaskStratifiedKFold : Cross-validation splitter that describes the stratification.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.model_selection import multitask_train_test_split
    >>> X = np.arange(16).reshape(8, 2)
    >>> y = np.array([[0, 1], [1, 1], [0, np.nan], [1, 1], [0, 1], [1, np.nan], [0, 1], [1, 1]])
    >>> X_train, X_test, y_train, y_test = multitask_train_test_split(X, y, test_size=0.5, random_state=0)
    >>> print(y_train[:, 0].mean(), y_test[:, 0].mean(), np.isnan(y_train).sum(), np.isnan(y_test).sum())
    0.5 0.5 1 1
    """
    arrays = indexable(X, y, *others)
    rng = check_random_state(random_state)
    sizes = _part_sizes(_n_rows(y), test_size, train_size)
    labels = encode_labels(
        y,
        caller=_NAME,
        n_bins=check_n_bins(n_bins),
        rows_per_bin=-(-int(sizes.sum()) // int(sizes.min())),
        task_types=task_types,
    )
    n_samples = len(labels.codes)
    if groups is None:
        order = rng.permutation(n_samples)
        parts = np.empty(n_samples, dtype=np.int64)
        parts[order] = stratify_rows(labels.codes[order], labels.indicators()[order], sizes)
    else:
        group = encode_groups(groups, n_samples, caller=_NAME)
        n_groups = int(group.max()) + 1
        if n_groups < len(sizes):
            raise ValueError(f"{_NAME} cannot split {n_groups} group(s) into {len(sizes)} parts.")
        position = rng.permutation(n_groups)[group]
        parts = stratify_groups(labels.indicators(), position, sizes / n_samples, len(labels.names))[position]
    train, test = (rng.permutation(np.flatnonzero(parts == part)) for part in (0, 1))
    return [_safe_indexing(array, rows) for array in arrays for rows in (train, test)]


def _n_rows(y: Any) -> int:
    return int(y.shape[0]) if hasattr(y, "shape") else len(y)


def _part_sizes(n_samples: int, test_size: float | int | None, train_size: float | int | None) -> np.ndarray:
    """Return the sizes of the training part, the test part and, if rows are left over, the unused part."""
    # scikit-learn's splitter interprets the two sizes and refuses impossible ones.
    splitter = ShuffleSplit(n_splits=1, test_size=test_size, train_size=train_size, random_state=0)
    if test_size is None and train_size is None:
        splitter = ShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
    train, test = next(splitter.split(np.empty((n_samples, 1))))
    sizes = np.array([len(train), len(test), n_samples - len(train) - len(test)])
    return sizes[sizes > 0]
