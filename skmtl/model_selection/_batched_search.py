"""Searches whose candidates are trained together, folds and candidates side by side in one program."""

from __future__ import annotations

from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.model_selection._search_successive_halving import HalvingGridSearchCV

from ._batched_fits import BatchedSearch


class BatchedGridSearchCV(BatchedSearch, GridSearchCV):
    """Grid search that trains all candidates on all folds together.

    A drop-in for :class:`sklearn.model_selection.GridSearchCV`, with the same parameters, attributes and results.

    Parameters
    ----------
    estimator : estimator
        One of skmtl's, or a pipeline that ends in one. Any other is fitted one candidate at a time.
    param_grid : dict or list of dict
        Names of parameters and the values to try.
    scoring : str, callable, list, tuple or dict, default=None
        As in scikit-learn's search; None is the estimator's ``score``.
    n_jobs : int, default=None
        Number of fits at a time of those that are fitted one at a time. Those trained together use all processors.
    refit : bool, str or callable, default=True
        Whether, or by which metric, to fit the best candidate to all rows.
    cv : int, splitter or iterable of (train, test), default=None
        Folds; None is 5.
    verbose : int, default=0
        From 1 on, a line counts the fits; from 2 on, scikit-learn prints a line for each as well.
    pre_dispatch : int or str, default="2*n_jobs"
        How many of the fits one at a time to hand out beforehand.
    error_score : "raise" or float, default=nan
        Score of a fit that fails.
    return_train_score : bool, default=False
        Whether to score the training rows, too.

    Warns
    -----
    UserWarning
        Where fits were made one at a time, with their number and the reason.

    See Also
    --------
    BatchedRandomizedSearchCV : Candidates drawn at random.
    BatchedHalvingGridSearchCV : Candidates that drop out round by round.

    Notes
    -----
    Candidates that differ in numbers train side by side in one program: learning rate, weight decay, dropout, loss
    weights, epochs, tolerance, patience, seed, and numbers of the balancing method. Candidates that differ in layers,
    batch size, optimizer, loss or ``ensemble_size`` are further programs. The earlier steps of a pipeline are fitted
    once for every fold and setting.

    Every fit has the numbers of a fit alone with the same seed, but for rounding. Rounding can decide which of two
    nearly equal epochs is the best one, so that single scores may differ in the fourth digit. The bits are the same
    on every machine without a GPU.

    Fitted one at a time, with a warning that says why: a blend (the default of the estimators; set ``blend=None`` and
    ``ensemble_size`` to a number), ``callbacks``, ``model``, ``verbose``, ``warm_start``, and losses, optimizers,
    schemes and balancing methods of your own.

    ``mean_fit_time`` is each fit's share of the time that all fits took, in seconds.

    Examples
    --------
    >>> from skmtl import MultiTaskKerasRegressor
    >>> from skmtl.datasets import make_related_tasks
    >>> from skmtl.model_selection import BatchedGridSearchCV
    >>> X, y = make_related_tasks(200, 10, 3, random_state=0)
    >>> model = MultiTaskKerasRegressor(ensemble_size=1, epochs=20, random_state=0)
    >>> search = BatchedGridSearchCV(model, {"learning_rate": [1e-3, 1e-2], "weight_decay": [0.0, 0.1]})
    >>> len(search.fit(X, y).cv_results_["params"])
    4
    """


class BatchedRandomizedSearchCV(BatchedSearch, RandomizedSearchCV):
    """Randomized search that trains all candidates on all folds together.

    A drop-in for :class:`sklearn.model_selection.RandomizedSearchCV`, with the same parameters, attributes and results.

    Parameters
    ----------
    estimator : estimator
        One of skmtl's, or a pipeline that ends in one. Any other is fitted one candidate at a time.
    param_distributions : dict or list of dict
        Names of parameters and the values or distributions to draw from.
    n_iter : int, default=10
        Number of candidates.
    scoring : str, callable, list, tuple or dict, default=None
        As in scikit-learn's search; None is the estimator's ``score``.
    n_jobs : int, default=None
        Number of fits at a time of those that are fitted one at a time. Those trained together use all processors.
    refit : bool, str or callable, default=True
        Whether, or by which metric, to fit the best candidate to all rows.
    cv : int, splitter or iterable of (train, test), default=None
        Folds; None is 5.
    verbose : int, default=0
        From 1 on, a line counts the fits; from 2 on, scikit-learn prints a line for each as well.
    pre_dispatch : int or str, default="2*n_jobs"
        How many of the fits one at a time to hand out beforehand.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.
    error_score : "raise" or float, default=nan
        Score of a fit that fails.
    return_train_score : bool, default=False
        Whether to score the training rows, too.

    Warns
    -----
    UserWarning
        Where fits were made one at a time, with their number and the reason.

    See Also
    --------
    BatchedGridSearchCV : All combinations of given values.
    BatchedHalvingGridSearchCV : Candidates that drop out round by round.

    Notes
    -----
    Candidates that differ in numbers train side by side in one program: learning rate, weight decay, dropout, loss
    weights, epochs, tolerance, patience, seed, and numbers of the balancing method. Candidates that differ in layers,
    batch size, optimizer, loss or ``ensemble_size`` are further programs. The earlier steps of a pipeline are fitted
    once for every fold and setting.

    Every fit has the numbers of a fit alone with the same seed, but for rounding. Rounding can decide which of two
    nearly equal epochs is the best one, so that single scores may differ in the fourth digit. The bits are the same
    on every machine without a GPU.

    Fitted one at a time, with a warning that says why: a blend (the default of the estimators; set ``blend=None`` and
    ``ensemble_size`` to a number), ``callbacks``, ``model``, ``verbose``, ``warm_start``, and losses, optimizers,
    schemes and balancing methods of your own.

    ``mean_fit_time`` is each fit's share of the time that all fits took, in seconds.

    Examples
    --------
    >>> from skmtl import MultiTaskKerasRegressor
    >>> from skmtl.datasets import make_related_tasks
    >>> from skmtl.model_selection import BatchedRandomizedSearchCV
    >>> X, y = make_related_tasks(200, 10, 3, random_state=0)
    >>> model = MultiTaskKerasRegressor(ensemble_size=1, epochs=20, random_state=0)
    >>> from scipy.stats import loguniform
    >>> search = BatchedRandomizedSearchCV(model, {"learning_rate": loguniform(1e-4, 1e-1)}, n_iter=6, random_state=0)
    >>> len(search.fit(X, y).cv_results_["params"])
    6
    """


class BatchedHalvingGridSearchCV(BatchedSearch, HalvingGridSearchCV):
    """Grid search by successive halving that trains the candidates of each round together.

    A drop-in for :class:`sklearn.model_selection.HalvingGridSearchCV`, with the same parameters, attributes and
    results.

    Parameters
    ----------
    estimator : estimator
        One of skmtl's, or a pipeline that ends in one. Any other is fitted one candidate at a time.
    param_grid : dict or list of dict
        Names of parameters and the values to try.
    factor : int or float, default=3
        How many times fewer candidates each round has, with as many times more of the resource.
    resource : str, default="n_samples"
        What grows from round to round: rows, or a parameter such as "epochs".
    max_resources : int or "auto", default="auto"
        Most of the resource that a candidate gets.
    min_resources : int, "exhaust" or "smallest", default="exhaust"
        What each candidate gets in the first round.
    aggressive_elimination : bool, default=False
        Whether to repeat the first round where resources do not last for all rounds.
    cv : int, splitter or iterable of (train, test), default=5
        Folds.
    scoring : str, callable or None, default=None
        As in scikit-learn's search; None is the estimator's ``score``.
    refit : bool or callable, default=True
        Whether to fit the best candidate to all rows.
    error_score : "raise" or float, default=nan
        Score of a fit that fails.
    return_train_score : bool, default=True
        Whether to score the training rows, too.
    random_state : int, RandomState instance or None, default=None
        Seed of the rows that are drawn.
    n_jobs : int, default=None
        Number of fits at a time of those that are fitted one at a time. Those trained together use all processors.
    verbose : int, default=0
        From 1 on, a line counts the fits; from 2 on, scikit-learn prints a line for each as well.

    Warns
    -----
    UserWarning
        Where fits were made one at a time, with their number and the reason.

    See Also
    --------
    BatchedGridSearchCV : All combinations of given values.
    BatchedRandomizedSearchCV : Candidates drawn at random.

    Notes
    -----
    Candidates that differ in numbers train side by side in one program: learning rate, weight decay, dropout, loss
    weights, epochs, tolerance, patience, seed, and numbers of the balancing method. Candidates that differ in layers,
    batch size, optimizer, loss or ``ensemble_size`` are further programs. The earlier steps of a pipeline are fitted
    once for every fold and setting.

    Every fit has the numbers of a fit alone with the same seed, but for rounding. Rounding can decide which of two
    nearly equal epochs is the best one, so that single scores may differ in the fourth digit. The bits are the same
    on every machine without a GPU.

    Fitted one at a time, with a warning that says why: a blend (the default of the estimators; set ``blend=None`` and
    ``ensemble_size`` to a number), ``callbacks``, ``model``, ``verbose``, ``warm_start``, and losses, optimizers,
    schemes and balancing methods of your own.

    ``mean_fit_time`` is each fit's share of the time that all fits took, in seconds.

    Examples
    --------
    >>> from skmtl import MultiTaskKerasRegressor
    >>> from skmtl.datasets import make_related_tasks
    >>> from skmtl.model_selection import BatchedHalvingGridSearchCV
    >>> X, y = make_related_tasks(200, 10, 3, random_state=0)
    >>> model = MultiTaskKerasRegressor(ensemble_size=1, epochs=20, random_state=0)
    >>> search = BatchedHalvingGridSearchCV(model, {"learning_rate": [1e-4, 1e-3, 1e-2]}, cv=3, random_state=0)
    >>> search.fit(X, y).n_candidates_
    [3, 1]
    """
