"""Cross-validation splitters that stratify over all tasks at once."""

from __future__ import annotations

import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length

from ._label_codes import LabelCodes, check_n_bins, encode_groups, encode_labels
from ._stratify import stratify_groups, stratify_rows


class _MultiTaskFolds(BaseCrossValidator, metaclass=ABCMeta):
    """Base of both splitters: parameters, and conversion of folds into indices."""

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = False,
        random_state: int | np.random.RandomState | None = None,
        n_bins: int = 10,
        task_types: Mapping[str, str] | None = None,
    ) -> None:
        if isinstance(n_splits, bool) or not isinstance(n_splits, int | np.integer) or n_splits < 2:
            raise ValueError(f"n_splits should be an integer of at least 2, got {n_splits!r}.")
        if not isinstance(shuffle, bool):
            raise TypeError(f"shuffle should be True or False, got {shuffle!r}.")
        if not shuffle and random_state is not None:
            raise ValueError("random_state has no effect without shuffling; leave it None, or set shuffle=True.")
        self.n_splits = int(n_splits)
        self.shuffle = shuffle
        self.random_state = random_state
        self.n_bins = check_n_bins(n_bins)
        self.task_types = task_types

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Generate the indices of training and test rows for every fold.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Only its number of rows is used.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Labels of any kind; NaN, None or pandas.NA for a missing label.
        groups : array-like of shape (n_samples,), default=None
            Group of each row. ``MultiTaskStratifiedGroupKFold`` requires it; ``MultiTaskStratifiedKFold`` refuses it.

        Yields
        ------
        train : ndarray of shape (n_train,), int64
            Sorted indices of the training rows.
        test : ndarray of shape (n_test,), int64
            Sorted indices of the test rows.

        Raises
        ------
        ValueError
            If y is missing, its length differs from that of X, or there are too few rows or groups.

        Warns
        -----
        UserWarning
            If a fold has no label of some task, whose score is then undefined on this fold.
        """
        caller = type(self).__name__
        labels = encode_labels(
            y, caller=caller, n_bins=self.n_bins, rows_per_bin=self.n_splits, task_types=self.task_types
        )
        if X is not None:
            check_consistent_length(X, labels.codes)
        folds = self._folds(labels, groups)
        _warn_of_empty(labels, folds, self.n_splits, caller)
        for fold in range(self.n_splits):
            yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object, default=None
            Ignored; accepted for compatibility with scikit-learn.

        Returns
        -------
        n_splits : int
            The number of folds.
        """
        return self.n_splits

    def _order(self, n: int) -> np.ndarray:
        """Return the order in which items are assigned: as given, or shuffled."""
        return check_random_state(self.random_state).permutation(n) if self.shuffle else np.arange(n)

    @abstractmethod
    def _folds(self, labels: LabelCodes, groups: Any) -> np.ndarray:
        """Return the fold number of every row, (n_samples,)."""


class MultiTaskStratifiedKFold(_MultiTaskFolds):
    """K-fold splitter stratified by the classes and the missing labels of all tasks.

    Each fold gets its share of every class of every task, and of the known labels of every task. Unlike
    scikit-learn's integer ``cv``, it supports classifiers whose y has missing labels or several columns.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=False
        Whether to assign rows in random order. Without it, the folds depend only on y and the order of its rows.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffling; the same int gives the same folds. Only with ``shuffle=True``.
    n_bins : int, default=10
        Number of quantile bins for stratifying a quantity; fewer if a bin would hold fewer labels than there are folds.
    task_types : mapping of str to {"regression", "classification"}, default=None
        Kinds of tasks, by name. By default, strings, categories, booleans and numbers with at most 20 distinct values
        are classes; other numbers are quantities.

    See Also
    --------
    MultiTaskStratifiedGroupKFold : Keeps groups of rows together.
    multitask_train_test_split : Makes a single stratified split.

    Notes
    -----
    The method is iterative stratification [1]_: it assigns the label with the fewest remaining rows first, each row to
    the fold that lacks its labels most. A task with missing labels has the additional label "known". The method
    differs from the paper as follows:

    - A row goes to the fold that lacks *all* its labels most, relative to the labels' frequency and the fold's share.
      The paper considers only the rarest label and breaks ties by the fold's size. With many tasks this leaves
      frequent labels uneven.
    - Fold sizes are exact (they differ by at most one row); in the paper they drift.
    - Rows that agree in all labels are distributed in proportion at once, which makes long tables fast.
    - At the end, rows are exchanged between folds while this brings the counts closer to their shares.

    Pairs of labels [2]_ are not stratified. A class with fewer rows than folds is missing from some folds, and a task
    with fewer labels than folds gets a warning. The folds ignore the order of rows: if adjacent rows are similar, as
    in time series, pass them as ``groups`` to ``MultiTaskStratifiedGroupKFold``, or split by time.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas, I. Vlahavas (2011). On the stratification of multi-label data.
       ECML PKDD 2011.
    .. [2] P. Szymański, T. Kajdanowicz (2017). A network perspective on stratification of multi-label data.
       LIDTA 2017, PMLR 74.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.model_selection import MultiTaskStratifiedKFold
    >>> y = np.array([[0, 1], [0, np.nan], [1, 1], [1, 0], [0, 0], [1, np.nan]])
    >>> cv = MultiTaskStratifiedKFold(n_splits=2)
    >>> for train, test in cv.split(np.zeros((6, 1)), y):
    ...     print(test, y[test].tolist())
    [0 4 5] [[0.0, 1.0], [0.0, 0.0], [1.0, nan]]
    [1 2 3] [[0.0, nan], [1.0, 1.0], [1.0, 0.0]]
    """

    def _folds(self, labels: LabelCodes, groups: Any) -> np.ndarray:
        if groups is not None:
            raise ValueError(
                "MultiTaskStratifiedKFold does not keep groups together; use MultiTaskStratifiedGroupKFold."
            )
        n_samples = len(labels.codes)
        if n_samples < self.n_splits:
            raise ValueError(f"n_splits={self.n_splits} is more than the number of rows, {n_samples}.")
        order = self._order(n_samples)
        sizes = n_samples // self.n_splits + (np.arange(self.n_splits) < n_samples % self.n_splits)
        folds = np.empty(n_samples, dtype=np.int64)
        folds[order] = stratify_rows(labels.codes[order], labels.indicators()[order], sizes)
        return folds


class MultiTaskStratifiedGroupKFold(_MultiTaskFolds):
    """K-fold splitter with non-overlapping groups, stratified by the labels of all tasks as well as groups allow.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2 and at most the number of groups.
    shuffle : bool, default=False
        Whether to assign groups of equal size in random order. Without it, the folds depend only on y, the groups and
        the order of the rows.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffling; the same int gives the same folds. Only with ``shuffle=True``.
    n_bins : int, default=10
        Number of quantile bins for stratifying a quantity; fewer if a bin would hold fewer labels than there are folds.
    task_types : mapping of str to {"regression", "classification"}, default=None
        Kinds of tasks, by name. By default, strings, categories, booleans and numbers with at most 20 distinct values
        are classes; other numbers are quantities.

    See Also
    --------
    MultiTaskStratifiedKFold : Stratifies rows without groups.

    Notes
    -----
    Iterative stratification [1]_ of groups instead of rows: a group counts with the number of its rows of each label,
    and the number of rows is balanced as well. Among the groups with the rarest label, large ones are assigned first.
    Then groups move between folds or are exchanged while this brings the counts closer to their shares. No fold is
    empty. See ``MultiTaskStratifiedKFold`` for the rest.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas, I. Vlahavas (2011). On the stratification of multi-label data.
       ECML PKDD 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.model_selection import MultiTaskStratifiedGroupKFold
    >>> y = np.array([["a", "x"], ["b", None], ["a", "x"], ["b", "x"], ["a", "y"], ["b", "y"]], dtype=object)
    >>> groups = ["ann", "ann", "bob", "bob", "cat", "dan"]
    >>> cv = MultiTaskStratifiedGroupKFold(n_splits=2)
    >>> for train, test in cv.split(np.zeros((6, 1)), y, groups):
    ...     print([groups[i] for i in test])
    ['ann', 'ann', 'cat']
    ['bob', 'bob', 'dan']
    """

    # With metadata routing, `groups` is requested by default, as in scikit-learn's own group splitters.
    __metadata_request__split = {"groups": True}

    def _folds(self, labels: LabelCodes, groups: Any) -> np.ndarray:
        group = encode_groups(groups, len(labels.codes), caller="MultiTaskStratifiedGroupKFold")
        n_groups = int(group.max()) + 1
        if n_groups < self.n_splits:
            raise ValueError(f"n_splits={self.n_splits} is more than the number of groups, {n_groups}.")
        position = np.argsort(self._order(n_groups))
        shares = np.full(self.n_splits, 1.0 / self.n_splits)
        folds = stratify_groups(labels.indicators(), position[group], shares, len(labels.names))
        return folds[position[group]]


def _warn_of_empty(labels: LabelCodes, folds: np.ndarray, n_splits: int, caller: str) -> None:
    observed = labels.codes >= 0
    counts = np.stack([observed[folds == fold].sum(axis=0) for fold in range(n_splits)])
    empty = [name for name, lacks in zip(labels.names, (counts == 0).any(axis=0), strict=True) if lacks]
    if empty:
        shown = ", ".join(repr(name) for name in empty[:10])
        more = f" and {len(empty) - 10} more" if len(empty) > 10 else ""
        warnings.warn(
            f"{caller}: a fold has no label of the task(s) {shown}{more}, whose score is undefined there. "
            f"Use fewer than {n_splits} splits, or leave out tasks with few labels.",
            UserWarning,
            stacklevel=3,
        )
