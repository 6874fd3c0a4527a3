"""What the searches share whose candidates are trained together: fits first, then scikit-learn's own search."""

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
from ._stand_in import Awaited, StandIn


class Splits:
    """Splits that are known already."""

    def __init__(self, splits: Sequence[Split]) -> None:
        self.splits = list(splits)

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> list[Split]:  # noqa: ARG002
        """The same splits, whatever the rows."""
        return self.splits

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002
        """Number of splits."""
        return len(self.splits)


class BatchedSearch(BaseSearchCV):
    """Puts the fits of all candidates before scikit-learn's own search, which scores, ranks and refits as ever.

    The search runs on a copy, whose estimator is a stand-in that gives out the fits made before.
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
            Passed to the estimator, the splitter and the scorers, as in scikit-learn's searches; ``groups`` among
            them.

        Returns
        -------
        self : object
            The fitted search.
        """
        if _watched(self):
            warnings.warn(
                "The search's callbacks look at one fit at a time, so that none are trained together.",
                UserWarning,
                stacklevel=2,
            )
            return super().fit(X, y, **params)
        copied = copy.copy(self)
        copied.estimator = StandIn(self.estimator)
        copied.n_jobs = None
        # The line that counts fits says as much as scikit-learn's own first line.
        copied.verbose = 0 if self.verbose == 1 else self.verbose
        with ExitStack() as stack:
            batch = copied._batch = _Batch(self, X, y, params, stack)
            super(BatchedSearch, copied).fit(X, y, **params)
        del copied._batch
        own = self.get_params(deep=False)
        for name, value in vars(copied).items():
            if name not in own:
                setattr(self, name, value)
        scorers, _ = self._get_scorers()
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        warn_of_single_fits(batch.reasons, batch.total, stacklevel=2)
        return self

    @property
    def n_features_in_(self) -> int:
        """Number of features that the best estimator was fitted to; there with ``refit``."""
        return super().n_features_in_

    def _run_search(self, evaluate_candidates: Callable[..., Any], *, callback_ctx: Any = None) -> None:
        batch = getattr(self, "_batch", None)
        if batch is None:
            super()._run_search(evaluate_candidates, callback_ctx=callback_ctx)
            return

        def evaluate(candidates: Any, cv: Any = None, more_results: Any = None, callback_ctx: Any = None) -> Any:
            candidates = list(candidates)
            splits = batch.begin(self, candidates, cv or self._checked_cv_orig)
            return evaluate_candidates(candidates, Splits(splits), more_results, callback_ctx)

        super()._run_search(evaluate, callback_ctx=callback_ctx)

    def _format_results(self, candidate_params: Any, n_splits: int, out: Any, more_results: Any = None) -> Any:
        batch = getattr(self, "_batch", None)
        if batch is not None:
            out = [{**one, "fit_time": seconds} for one, seconds in zip(out, batch.seconds(), strict=True)]
        return super()._format_results(candidate_params, n_splits, out, more_results)


class _Batch:
    """The fits of one search: what they are made of, and what they took."""

    def __init__(self, search: BatchedSearch, X: Any, y: Any, params: Mapping[str, Any], stack: ExitStack) -> None:
        self._search = search
        self._X, self._y = indexable(X, y)
        self._params = params
        self._stack = stack
        self._awaited: list[Awaited] = []
        self.reasons: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """Number of fits."""
        return len(self._awaited)

    def seconds(self) -> list[float]:
        """What each fit took of all the time."""
        return [awaited().seconds for _, awaited in self._awaited]

    def begin(self, copied: BatchedSearch, candidates: Sequence[Mapping[str, Any]], cv: Any) -> list[Split]:
        """Begin to fit all candidates on all splits, and hand the fits to the copied's stand-in."""
        search = self._search
        routed = search._get_routed_params_for_fit(dict(self._params))
        splits = list(cv.split(self._X, self._y, **routed.splitter.split))
        made = fit_folds(
            search.estimator,
            candidates,
            splits,
            Table(self._X, self._y, routed.estimator.fit),
            self._stack,
            n_jobs=search.n_jobs,
            pre_dispatch=search.pre_dispatch,
            verbose=search.verbose,
        )
        self.reasons += made.reasons
        awaited = made.given_out()
        self._awaited += awaited
        copied.estimator.give(awaited)
        return splits


def _watched(search: Any) -> bool:
    """Whether scikit-learn's callbacks look at each fit."""
    return bool(getattr(search, "_skl_callbacks", None)) or hasattr(search, "_parent_callback_ctx")
