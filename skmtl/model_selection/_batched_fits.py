"""Base of the batched searches: make the fits first, then run scikit-learn's search on them."""

from __future__ import annotations

import copy
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import indexable

from ._fits import warn_of_single_fits
from ._folds import Split, Table, fit_folds
from ._stand_in import PendingFit, StandIn


class FixedSplits:
    """A splitter that returns given splits."""

    def __init__(self, splits: Sequence[Split]) -> None:
        self.splits = list(splits)

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> list[Split]:  # noqa: ARG002
        """Return the splits, whatever the rows."""
        return self.splits

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002
        """Return the number of splits."""
        return len(self.splits)


class BatchedSearch(BaseSearchCV):
    """Search that makes the fits of all candidates before scikit-learn scores, ranks and refits.

    scikit-learn's search runs on a copy whose estimator is a stand-in that returns the finished fits.
    """

    def fit(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit all candidates on all folds, and refit the best one.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks), default=None
            Targets.
        **params : dict
            Passed to the estimator, the splitter and the scorers, as in scikit-learn's searches. This includes
            ``groups``.

        Returns
        -------
        self : object
            The fitted search.
        """
        if _has_callbacks(self):
            warnings.warn(
                "The search has callbacks, which follow one fit at a time, so no fits are trained together.",
                UserWarning,
                stacklevel=2,
            )
            return super().fit(X, y, **params)
        copied = copy.copy(self)
        copied.estimator = StandIn(self.estimator)
        copied.n_jobs = None
        # The line that counts fits replaces scikit-learn's first line.
        copied.verbose = 0 if self.verbose == 1 else self.verbose
        with ExitStack() as stack:
            batch = copied._batch = _Batch(self, X, y, params, stack)
            super(BatchedSearch, copied).fit(X, y, **params)
        del copied._batch
        parameters = self.get_params(deep=False)
        for name, value in vars(copied).items():
            if name not in parameters:
                setattr(self, name, value)
        scorers, _ = self._get_scorers()
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        warn_of_single_fits(batch.reasons, batch.total, stacklevel=2)
        return self

    @property
    def n_features_in_(self) -> int:
        """Number of features that the best estimator was fitted to; available with ``refit``."""
        return super().n_features_in_

    def _run_search(self, evaluate_candidates: Callable[..., Any], *, callback_ctx: Any = None) -> None:
        batch = getattr(self, "_batch", None)
        if batch is None:
            super()._run_search(evaluate_candidates, callback_ctx=callback_ctx)
            return

        def evaluate(candidates: Any, cv: Any = None, more_results: Any = None, callback_ctx: Any = None) -> Any:
            candidates = list(candidates)
            splits = batch.start(self, candidates, cv or self._checked_cv_orig)
            return evaluate_candidates(candidates, FixedSplits(splits), more_results, callback_ctx)

        super()._run_search(evaluate, callback_ctx=callback_ctx)

    def _format_results(self, candidate_params: Any, n_splits: int, out: Any, more_results: Any = None) -> Any:
        batch = getattr(self, "_batch", None)
        if batch is not None:
            out = [{**result, "fit_time": seconds} for result, seconds in zip(out, batch.seconds(), strict=True)]
        return super()._format_results(candidate_params, n_splits, out, more_results)


class _Batch:
    """The fits of one search, with their inputs and times."""

    def __init__(self, search: BatchedSearch, X: Any, y: Any, params: Mapping[str, Any], stack: ExitStack) -> None:
        self._search = search
        self._X, self._y = indexable(X, y)
        self._params = params
        self._stack = stack
        self._fits: list[PendingFit] = []
        self.reasons: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """Number of fits."""
        return len(self._fits)

    def seconds(self) -> list[float]:
        """Return the share of each fit in the total time, in seconds."""
        return [wait().seconds for _, wait in self._fits]

    def start(self, copied: BatchedSearch, candidates: Sequence[Mapping[str, Any]], cv: Any) -> list[Split]:
        """Start fitting all candidates on all splits, and queue the fits in the stand-in of the copy."""
        search = self._search
        routed = search._get_routed_params_for_fit(dict(self._params))
        splits = list(cv.split(self._X, self._y, **routed.splitter.split))
        fold_fits = fit_folds(
            search.estimator,
            candidates,
            splits,
            Table(self._X, self._y, routed.estimator.fit),
            self._stack,
            n_jobs=search.n_jobs,
            pre_dispatch=search.pre_dispatch,
            verbose=search.verbose,
        )
        self.reasons += fold_fits.reasons
        pending = fold_fits.pending()
        self._fits += pending
        copied.estimator.queue(pending)
        return splits


def _has_callbacks(search: Any) -> bool:
    """Return whether scikit-learn's callbacks follow each fit."""
    return bool(getattr(search, "_skl_callbacks", None)) or hasattr(search, "_parent_callback_ctx")
