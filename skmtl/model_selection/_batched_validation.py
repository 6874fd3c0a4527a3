"""Cross-validation whose folds are trained together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import GridSearchCV, check_cv, cross_val_predict, cross_validate
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import indexable

from ._fits import warn_of_single_fits
from ._folds import FoldFits, Split, Table, fit_folds
from ._stand_in import StandIn

# Methods for which scikit-learn encodes y, so that all folds have the same columns.
_CODED = ("decision_function", "predict_proba", "predict_log_proba")


def batched_cross_validate(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    scoring: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    params: Mapping[str, Any] | None = None,
    pre_dispatch: Any = "2*n_jobs",
    return_train_score: bool = False,
    return_estimator: bool = False,
    return_indices: bool = False,
    error_score: Any = np.nan,
) -> dict[str, Any]:
    """Cross-validate an estimator, training the folds together.

    A drop-in replacement for :func:`sklearn.model_selection.cross_validate`, with the same scores up to rounding.

    Parameters
    ----------
    estimator : estimator
        One of skmtl's estimators, or a pipeline that ends in one. Any other is fitted fold by fold, as in scikit-learn.
    X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
        Features.
    y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks), default=None
        Targets.
    groups : array-like of shape (n_samples,), default=None
        Group of each row, for the splitter.
    scoring : str, callable, list, tuple or dict, default=None
        Metrics; None means the estimator's ``score``.
    cv : int, splitter or iterable of (train, test), default=None
        Folds; None means 5.
    n_jobs : int, default=None
        Number of parallel jobs for fits that are made one at a time. Fits trained together use all processors.
    verbose : int, default=0
        From 1 on, a line counts the fits.
    params : dict, default=None
        Arguments to pass to ``fit``, the scorers and the splitter.
    pre_dispatch : int or str, default="2*n_jobs"
        Number of jobs to dispatch in advance, as in joblib; for fits that are made one at a time.
    return_train_score : bool, default=False
        Whether to score the training rows as well.
    return_estimator : bool, default=False
        Whether to return the fitted estimators.
    return_indices : bool, default=False
        Whether to return the rows of each fold.
    error_score : "raise" or float, default=nan
        Score of a failed fit, or "raise" to raise its error.

    Returns
    -------
    scores : dict of str to ndarray of shape (n_splits,)
        As in scikit-learn's function; ``fit_time`` is each fold's share of the total fit time, in seconds.

    Warns
    -----
    UserWarning
        If folds were fitted one at a time (see `BatchedGridSearchCV`), with the reason.

    Examples
    --------
    >>> from skmtl import MultiTaskKerasRegressor
    >>> from skmtl.datasets import make_related_tasks
    >>> from skmtl.model_selection import batched_cross_validate
    >>> X, y = make_related_tasks(200, 10, 3, random_state=0)
    >>> model = MultiTaskKerasRegressor(ensemble_size=1, epochs=20, random_state=0)
    >>> batched_cross_validate(model, X, y)["test_score"].shape
    (5,)
    """
    params = {} if params is None else params
    splits, arguments = _routed(estimator, X, y, groups, cv, scoring, params)
    with ExitStack() as stack:
        fold_fits = _fit(estimator, splits, _table(X, y, arguments), stack, n_jobs, pre_dispatch, verbose)
        scores = cross_validate(
            _stand_in(estimator, fold_fits),
            X,
            y,
            scoring=scoring,
            cv=splits,
            params=_for_fits(params),
            return_train_score=return_train_score,
            return_estimator=return_estimator,
            return_indices=return_indices,
            error_score=error_score,
        )
        scores["fit_time"] = np.array([fold_fits.result(0, fold).seconds for fold in range(len(splits))])
    warn_of_single_fits(fold_fits.reasons, len(splits), stacklevel=2)
    return scores


def batched_cross_val_predict(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    params: Mapping[str, Any] | None = None,
    pre_dispatch: Any = "2*n_jobs",
    method: str = "predict",
) -> Any:
    """Predict each row with the estimator of the fold that holds it out, training the folds together.

    A drop-in replacement for :func:`sklearn.model_selection.cross_val_predict`, with the same predictions up to
    rounding.

    Parameters
    ----------
    estimator : estimator
        One of skmtl's estimators, or a pipeline that ends in one. Any other is fitted fold by fold, as in scikit-learn.
    X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
        Features.
    y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks), default=None
        Targets.
    groups : array-like of shape (n_samples,), default=None
        Group of each row, for the splitter.
    cv : int, splitter or iterable of (train, test), default=None
        Folds, which hold out every row exactly once; None means 5.
    n_jobs : int, default=None
        Number of parallel jobs for fits that are made one at a time. Fits trained together use all processors.
    verbose : int, default=0
        From 1 on, a line counts the fits.
    params : dict, default=None
        Arguments to pass to ``fit`` and the splitter.
    pre_dispatch : int or str, default="2*n_jobs"
        Number of jobs to dispatch in advance, as in joblib; for fits that are made one at a time.
    method : {"predict", "predict_proba", "predict_log_proba"}, default="predict"
        The method of the estimator to call.

    Returns
    -------
    predictions : ndarray or list of ndarray
        As in scikit-learn's function, in the order of the rows.

    Warns
    -----
    UserWarning
        If folds were fitted one at a time (see `BatchedGridSearchCV`), with the reason.

    Examples
    --------
    >>> from skmtl import MultiTaskKerasRegressor
    >>> from skmtl.datasets import make_related_tasks
    >>> from skmtl.model_selection import batched_cross_val_predict
    >>> X, y = make_related_tasks(200, 10, 3, random_state=0)
    >>> model = MultiTaskKerasRegressor(ensemble_size=1, epochs=20, random_state=0)
    >>> batched_cross_val_predict(model, X, y).shape
    (200, 3)
    """
    params = {} if params is None else params
    splits, arguments = _routed(estimator, X, y, groups, cv, None, params)
    labels = _coded(y) if method in _CODED and y is not None else y
    with ExitStack() as stack:
        fold_fits = _fit(estimator, splits, _table(X, labels, arguments), stack, n_jobs, pre_dispatch, verbose)
        warn_of_single_fits(fold_fits.reasons, len(splits), stacklevel=2)
        stand_in = _stand_in(estimator, fold_fits)
        return cross_val_predict(stand_in, X, y, cv=splits, params=_for_fits(params), method=method)


def _routed(
    estimator: Any, X: Any, y: Any, groups: Any, cv: Any, scoring: Any, params: Mapping[str, Any]
) -> tuple[list[Split], Mapping[str, Any]]:
    """Return the splits and the part of ``params`` for ``fit``, routed as in a search."""
    search = GridSearchCV(estimator, {}, scoring=scoring, cv=cv)
    routed = search._get_routed_params_for_fit({**params, **({} if groups is None else {"groups": groups})})
    splitter = check_cv(cv, y, classifier=is_classifier(estimator))
    X, y = indexable(X, y)
    return list(splitter.split(X, y, **routed.splitter.split)), routed.estimator.fit


def _table(X: Any, y: Any, arguments: Mapping[str, Any]) -> Table:
    X, y = indexable(X, y)
    return Table(X, y, arguments)


def _for_fits(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params that scikit-learn still has to route: all but the groups, since the splits are known."""
    return {name: value for name, value in params.items() if name != "groups"}


def _fit(
    estimator: Any,
    splits: list[Split],
    table: Table,
    stack: ExitStack,
    n_jobs: int | None,
    pre_dispatch: int | str,
    verbose: int,
) -> FoldFits:
    settings: dict[str, Any] = {"n_jobs": n_jobs, "pre_dispatch": pre_dispatch, "verbose": verbose}
    return fit_folds(estimator, [None], splits, table, stack, **settings)


def _stand_in(estimator: Any, fold_fits: FoldFits) -> StandIn:
    stand_in = StandIn(estimator, by_clone=True)
    stand_in.queue(fold_fits.pending())
    return stand_in


def _coded(y: Any) -> np.ndarray:
    """Encode the sorted labels of each column as 0, 1, …, as scikit-learn does for probabilities."""
    labels = np.asarray(y)
    if labels.ndim == 1:
        return LabelEncoder().fit_transform(labels)
    columns: Iterator[np.ndarray] = (LabelEncoder().fit_transform(column) for column in labels.T)
    return np.column_stack(list(columns))
