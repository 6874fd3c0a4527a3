"""Hyperparameter searches that train candidates and folds together in one program."""

from __future__ import annotations

from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.model_selection._search_successive_halving import HalvingGridSearchCV

from ._batched_fits import BatchedSearch


class BatchedGridSearchCV(BatchedSearch, GridSearchCV):
    """Grid search that trains all candidates on all folds together.

    A drop-in replacement for :class:`sklearn.model_selection.GridSearchCV`, with the same parameters, attributes and
    results.

    Parameters
    ----------
    estimator : estimator
        One of skmtl's estimators, or a pipeline that ends in one. Any other is fitted one candidate at a time.
    param_grid : dict or list of dict
        Parameter names and the values to try.
    scoring : str, callable, list, tuple or dict, default=None
        As in scikit-learn's search; None means the estimator's ``score``.
    n_jobs : int, default=None
        Number of parallel jobs for fits that are made one at a time. Fits trained together use all processors.
    refit : bool, str or callable, default=True
        Whether to refit the best candidate on all rows. A string names the deciding metric, a callable selects the
        candidate.
    cv : int, splitter or iterable of (train, test), default=None
        Folds; None means 5.
    verbose : int, default=0
        From 1 on, a line counts the fits; from 2 on, scikit-learn also prints a line for each fit.
    pre_dispatch : int or str, default="2*n_jobs"
        Number of jobs to dispatch in advance, as in joblib; for fits that are made one at a time.
    error_score : "raise" or float, default=nan
        Score of a failed fit, or "raise" to raise its error.
    return_train_score : bool, default=False
        Whether to score the training rows as well.

    Warns
    -----
    UserWarning
        If fits were made one at a time, with their number and the reason.

    See Also
    --------
    BatchedRandomizedSearchCV : Tries randomly drawn candidates.
    BatchedHalvingGridSearchCV : Drops candidates round by round.

    Notes
    -----
    Candidates that differ only in numbers are trained side by side in one program: learning rate, weight decay,
    dropout, loss weights, epochs, tolerance, patience, seed, and numbers of the balancing method. Different layers,
    batch sizes, optimizers, losses or values of ``ensemble_size`` need separate programs. The earlier steps of a
    pipeline are fitted once per fold and setting.

    Each fit gives the same result as a single fit with the same seed, up to rounding. Rounding can decide which of two
    nearly equal epochs is the best, so single scores may differ in the fourth digit. Results are bitwise identical on
    all machines without a GPU.

    Some fits are made one at a time, with a warning that states the reason: those with a blend (the default of the
    estimators; set ``blend=None`` and ``ensemble_size`` to a number), ``callbacks``, ``model``, ``verbose`` or
    ``warm_start``, and those with custom losses, optimizers, schemes or balancing methods.

    A search makes one fit per candidate and fold, and one more with ``refit``.

    ``mean_fit_time`` is each fit's share of the total fit time, in seconds.

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

    A drop-in replacement for :class:`sklearn.model_selection.RandomizedSearchCV`, with the same parameters, attributes
    and results.

    Parameters
    ----------
    estimator : estimator
        One of skmtl's estimators, or a pipeline that ends in one. Any other is fitted one candidate at a time.
    param_distributions : dict or list of dict
        Parameter names and the values or distributions to sample from.
    n_iter : int, default=10
        Number of candidates.
    scoring : str, callable, list, tuple or dict, default=None
        As in scikit-learn's search; None means the estimator's ``score``.
    n_jobs : int, default=None
        Number of parallel jobs for fits that are made one at a time. Fits trained together use all processors.
    refit : bool, str or callable, default=True
        Whether to refit the best candidate on all rows. A string names the deciding metric, a callable selects the
        candidate.
    cv : int, splitter or iterable of (train, test), default=None
        Folds; None means 5.
    verbose : int, default=0
        From 1 on, a line counts the fits; from 2 on, scikit-learn also prints a line for each fit.
    pre_dispatch : int or str, default="2*n_jobs"
        Number of jobs to dispatch in advance, as in joblib; for fits that are made one at a time.
    random_state : int, RandomState instance or None, default=None
        Seed of the candidates.
    error_score : "raise" or float, default=nan
        Score of a failed fit, or "raise" to raise its error.
    return_train_score : bool, default=False
        Whether to score the training rows as well.

    Warns
    -----
    UserWarning
        If fits were made one at a time, with their number and the reason.

    See Also
    --------
    BatchedGridSearchCV : Tries all combinations of given values.
    BatchedHalvingGridSearchCV : Drops candidates round by round.

    Notes
    -----
    Candidates that differ only in numbers are trained side by side in one program: learning rate, weight decay,
    dropout, loss weights, epochs, tolerance, patience, seed, and numbers of the balancing method. Different layers,
    batch sizes, optimizers, losses or values of ``ensemble_size`` need separate programs. The earlier steps of a
    pipeline are fitted once per fold and setting.

    Each fit gives the same result as a single fit with the same seed, up to rounding. Rounding can decide which of two
    nearly equal epochs is the best, so single scores may differ in the fourth digit. Results are bitwise identical on
    all machines without a GPU.

    Some fits are made one at a time, with a warning that states the reason: those with a blend (the default of the
    estimators; set ``blend=None`` and ``ensemble_size`` to a number), ``callbacks``, ``model``, ``verbose`` or
    ``warm_start``, and those with custom losses, optimizers, schemes or balancing methods.

    A search makes one fit per candidate and fold, and one more with ``refit``.

    ``mean_fit_time`` is each fit's share of the total fit time, in seconds.

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

    A drop-in replacement for :class:`sklearn.model_selection.HalvingGridSearchCV`, with the same parameters, attributes
    and results.

    Parameters
    ----------
    estimator : estimator
        One of skmtl's estimators, or a pipeline that ends in one. Any other is fitted one candidate at a time.
    param_grid : dict or list of dict
        Parameter names and the values to try.
    factor : int or float, default=3
        Each round has ``1 / factor`` of the candidates and ``factor`` times the resource of the previous one.
    resource : str, default="n_samples"
        What grows from round to round: the number of rows, or a parameter such as "epochs".
    max_resources : int or "auto", default="auto"
        Maximum amount of the resource per candidate.
    min_resources : int, "exhaust" or "smallest", default="exhaust"
        Amount of the resource per candidate in the first round.
    aggressive_elimination : bool, default=False
        Whether to repeat the first round until few enough candidates remain, if the resource would not last otherwise.
    cv : int, splitter or iterable of (train, test), default=5
        Folds.
    scoring : str, callable or None, default=None
        As in scikit-learn's search; None means the estimator's ``score``.
    refit : bool or callable, default=True
        Whether to refit the best candidate on all rows.
    error_score : "raise" or float, default=nan
        Score of a failed fit, or "raise" to raise its error.
    return_train_score : bool, default=True
        Whether to score the training rows as well.
    random_state : int, RandomState instance or None, default=None
        Seed of the row sampling.
    n_jobs : int, default=None
        Number of parallel jobs for fits that are made one at a time. Fits trained together use all processors.
    verbose : int, default=0
        From 1 on, a line counts the fits of each round; from 2 on, scikit-learn also prints a line for each fit.

    Warns
    -----
    UserWarning
        If fits were made one at a time, with their number and the reason.

    See Also
    --------
    BatchedGridSearchCV : Tries all combinations of given values.
    BatchedRandomizedSearchCV : Tries randomly drawn candidates.

    Notes
    -----
    Candidates that differ only in numbers are trained side by side in one program: learning rate, weight decay,
    dropout, loss weights, epochs, tolerance, patience, seed, and numbers of the balancing method. Different layers,
    batch sizes, optimizers, losses or values of ``ensemble_size`` need separate programs. The earlier steps of a
    pipeline are fitted once per fold and setting.

    Each fit gives the same result as a single fit with the same seed, up to rounding. Rounding can decide which of two
    nearly equal epochs is the best, so single scores may differ in the fourth digit. Results are bitwise identical on
    all machines without a GPU.

    Some fits are made one at a time, with a warning that states the reason: those with a blend (the default of the
    estimators; set ``blend=None`` and ``ensemble_size`` to a number), ``callbacks``, ``model``, ``verbose`` or
    ``warm_start``, and those with custom losses, optimizers, schemes or balancing methods.

    Each round makes one fit per remaining candidate and fold; ``refit`` adds one.

    ``mean_fit_time`` is each fit's share of the total fit time, in seconds.

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
