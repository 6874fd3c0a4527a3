"""What the three estimators share: the scikit-learn contract around encode, train and predict."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import _fit_context
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils.validation import check_is_fitted

from .._backend import check_backend
from .._snapshot import atomic_update, on_snapshot
from ..blending._fit_outcome import fit_outcome
from ..fitting._adaptive_defaults import most_epochs, resolved
from ..fitting._checks import (
    check_rows,
    check_validation_arguments,
    check_weights,
    read_inputs,
)
from ..fitting._fit import fit_network
from ..fitting._fit_task import FitTask
from ..fitting._input import Settings
from ..fitting._per_task import check_incremental_class_weight
from ..targets import read_columns, stacked
from ._fitted_attributes import FittedAttributes
from ._joint import JointPredictions
from ._known import with_known
from ._other_names import explains_names
from ._parameters import SharedParameters
from ._reading import ReadsData
from ._routing import PREFIXES
from ._single_precision import check_single_precision


class _NoLabels(Exception):
    """No row has a label that counts."""


class BaseMultiTask(FittedAttributes, ReadsData, JointPredictions, CallbackSupportMixin, SharedParameters):
    """Fit, predict and score of one network for several tasks; subclasses say what kinds the tasks have."""

    @explains_names
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> Any:
        """Fit the network.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features: numbers and, in a DataFrame or an array of objects, categories (see
            ``categorical_features``). NaN, None or pandas.NA marks a missing value: a number is replaced by the
            column's mean or median, and columns that have any get an indicator; a category gets a level of its own.
        y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks)
            Targets, one column a task. NaN, None or pandas.NA marks a label that is not known: it counts
            neither in the loss nor in its gradient.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the rows, or of the single labels.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, default=None
            Rows to validate on, instead of rows held out of X.
        groups : array-like of shape (n_samples,), default=None
            What rows belong together, for a ``validation_split`` that keeps them so.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ValueError
            Where the data or a parameter cannot be used; the estimator is then as it was before.
        TrainingDivergedError
            Where the loss became infinite or NaN (a ValueError too).
        """
        check_backend()
        check_validation_arguments(X_val, y_val, sample_weight_val)
        keep = self.warm_start and hasattr(self, "network_")
        task = FitTask.begin(self, X, y, sample_weight, epochs=most_epochs(self.epochs), append=keep)
        with atomic_update(self) as fitted:
            previous = fitted.network_ if keep else None
            validation = None if X_val is None else (X_val, y_val, sample_weight_val)
            data = fitted._read_all(X, y, sample_weight, validation, groups, previous)
            outcome = fit_outcome(
                resolved(self._settings(), data, previous), data, previous, FitTask.fitting(task, fitted)
            )
            fitted._warn_of_what_goes(outcome, append=keep, stacklevel=4)
            fitted._adopt(outcome, append=keep)
        FitTask.end(task)
        return self

    @on_snapshot
    def predict(self, X: Any, *, known: Any = None) -> Any:
        """Predict all tasks.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        known : {array-like, DataFrame} of shape (n_samples, n_tasks), default=None
            Labels that are known already, as y in ``fit``; NaN, None or pandas.NA for what is asked. A table by names
            may leave columns out. Known labels are given back as they are.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_tasks)
            Predictions, one column a task; 1-D where y was 1-D in ``fit``.

        Raises
        ------
        AttributeError
            With ``known``, where ``fit`` made no out-of-fold predictions.

        Notes
        -----
        With ``known`` the out-of-fold errors of all tasks count as one Gaussian: a prediction moves by what the
        errors of the known labels let expect, a classification by Bayes' rule. Correlations are shrunk, as far as
        rows left out say for each task (after Ledoit and Wolf, 2004), down to none at all where they do not clearly
        gain. Rows with nothing known get the same bits as without.
        """
        check_is_fitted(self)
        return self._predictions(self._quantities(X, known))

    @on_snapshot
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Mean of the tasks' scores: R2 of a regression, accuracy of a classification.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks)
            True values; missing labels are left out.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights.

        Returns
        -------
        score : float
            Mean over the tasks that have a label here.

        Raises
        ------
        ValueError
            Where no task has one.
        """
        scores = self.score_tasks(X, y, sample_weight)
        observed = read_columns(y, estimator=type(self).__name__).observed if scores.isna().all() else ()
        if observed and not any(mask.any() for mask in observed):
            raise ValueError("y has no label at all: there is nothing to score.")
        return float(scores.mean())

    @on_snapshot
    def score_tasks(self, X: Any, y: Any, sample_weight: Any = None) -> pd.Series:
        """Score of every task: R2 of a regression, accuracy of a classification.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks)
            True values; missing labels are left out.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights.

        Returns
        -------
        scores : Series
            Task name to score; NaN for a task without a label here.
        """
        from ..targets._scores import score_columns

        check_is_fitted(self)
        columns = read_columns(y, estimator=type(self).__name__)
        self.network_.targets.check_columns(columns)
        predicted = self._columns(self._quantities(X))
        check_rows(predicted[0], columns)
        weights = check_weights(sample_weight, predicted[0], columns, self.network_.targets.table_names)
        return score_columns(self.network_.tasks, columns, predicted, weights)

    def set_callbacks(self, *callbacks: Any) -> Any:
        """Set scikit-learn's callbacks: a progress bar, a monitor of scores.

        Each epoch is a task of theirs; one that returns True at its end ends training. They stay with clones of
        the estimator, and are no parameter: Keras' callbacks are, under the name ``callbacks``.

        Parameters
        ----------
        *callbacks : instances of callbacks
            As ``sklearn.callback.ProgressBar()`` and ``sklearn.callback.ScoringMonitor(scoring=...)``; without
            any, those set before are taken away.

        Returns
        -------
        self : estimator
            This estimator.

        Raises
        ------
        TypeError
            Where one is no callback of scikit-learn's kind.

        Notes
        -----
        What a callback gets as ``fitted_estimator`` after an epoch is what ``fit`` gives if it ends there: with
        rows held out, each member has the weights of its best epoch so far. Training then returns to Python
        after every epoch; the result is the same, to the last bit, as without callbacks.

        The monitor of scikit-learn 1.9 wants names or a dict, or a function that returns a dict. With missing labels:
        ``scoring={"r2": make_task_scorer("r2")}``, and task by task ``make_multimetric_task_scorer("r2")``, both
        of ``skmtl.metrics``. It scores the rows that ``fit`` got, those held out among them.
        """
        for callback in callbacks:
            if hasattr(callback, "set_model"):
                raise TypeError(
                    f"{type(callback).__name__} is a callback of Keras: pass it as the parameter callbacks=. "
                    "set_callbacks takes those of scikit-learn (sklearn.callback)."
                )
        return super().set_callbacks(*callbacks)

    @property
    @on_snapshot
    def model_(self) -> Any:
        """The network as a ``keras.Model``: from the columns of X to predictions, one output a task.

        A Keras model takes numbers: where X has categorical columns, give it :meth:`model_input` of X.
        """
        check_is_fitted(self)
        fitted = self.network_ if self.blend_ is None else self.blend_
        check_single_precision(fitted.encoders(), getattr(self, "feature_names_in_", None))
        return fitted.keras_model()

    @on_snapshot
    def shift_probability(self, X: Any) -> np.ndarray:
        """How probable it is that rows are from another time or group than those of ``fit``.

        By the distance to the nearest of these (of ten thousand, or fewer wide ones, drawn from them where there are
        more), in the columns that matter: 1 is as far as rows of a block left out are from the others, 0 as near as
        rows left out at random are. Before its distance is looked at, it is a fifth.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        probability : ndarray of shape (n_samples,)
            Zeros where ``fit`` found that distances do not tell, or did not look (see ``covariate_shift``).
        """
        check_is_fitted(self)
        return self._rows_and_shift(X)[1]

    @on_snapshot
    def model_input(self, X: Any) -> np.ndarray:
        """X as the numbers that ``model_`` takes.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Features, as ``predict`` takes them.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The same columns in the same order: numbers as they are (missing ones NaN), and a category as its
            position in ``categories_``, NaN where it is missing and -1 for a level that is not there.
        """
        check_is_fitted(self)
        encoded, _ = read_inputs(self, X, levels=self.network_.features.levels)
        return encoded.toarray() if sparse.issparse(encoded) else encoded

    def __sklearn_tags__(self) -> Any:
        """Tags: several outputs, sparse and missing X.

        Not those of categorical X: all they do is have scikit-learn's checks round their data.
        """
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a network."""
        return hasattr(self, "network_")

    @with_callbacks
    def _partial_fit(self, X: Any, y: Any, classes: Any, sample_weight: Any) -> Any:
        """One epoch more over the given rows; the first call fixes tasks, classes and scalings."""
        check_backend()
        check_incremental_class_weight(getattr(self, "class_weight", None))
        known = hasattr(self, "network_")
        task = FitTask.begin(self, X, y, sample_weight, epochs=1, append=known)
        # A stream may well bring a chunk without labels: then nothing changes.
        with suppress(_NoLabels), atomic_update(self) as fitted:
            previous = fitted.network_ if known else None
            encoder = None if previous is None else previous.targets
            data = fitted._read(
                X, y, sample_weight, encoder=encoder, reset=not known, classes=classes, more_to_come=True
            )
            if data.n_train == 0:
                raise _NoLabels
            settings = resolved(self._settings().for_partial_fit(), data, previous)
            outcome = fit_outcome(settings, data, previous, FitTask.fitting(task, fitted))
            fitted._warn_of_what_goes(outcome, append=known, stacklevel=5)
            fitted._adopt(outcome, append=known)
        FitTask.end(task)
        return self

    def _fit_observed(self, X: Any, y: Any, observer: Any) -> Any:
        """Fit, while ``observer`` (a `skmtl.training._epoch_state.Observer`) is shown every epoch's end."""
        check_backend()
        self._validate_params()
        with atomic_update(self) as fitted:
            data = fitted._read(X, y, None, encoder=None, reset=True)
            trained = fit_network(resolved(self._settings(), data), data, None, observer=observer)
            fitted._adopt_network(*trained, append=False)
        return self

    def _settings(self) -> Settings:
        names = self._get_param_names()
        return Settings(
            parameters={name: getattr(self, name) for name in names} | {"validation_split": self._splits_once()},
            changed=frozenset(name for name in names if not self._is_default(name)),
            routed={prefix: self._routed(prefix) for prefix in PREFIXES},
        )

    def _splits_once(self) -> Any:
        """What ``validation_split`` is, an iterator as a list: a fit asks for its splits more than once."""
        given = self.validation_split
        return list(given) if isinstance(given, Iterator) else given

    def _rows_and_shift(self, X: Any) -> tuple[Any, np.ndarray]:
        """X as the network reads it, and its rows' ``shift_probability``: both are worth working out once."""
        X, _ = read_inputs(self, X, levels=self.network_.features.levels)
        return X, np.zeros(X.shape[0]) if self.blend_ is None else self.blend_.shift_probability(X)

    def _quantities(self, X: Any, known: Any = None) -> list[np.ndarray]:
        rows, shift = self._rows_and_shift(X)
        predicted = self._quantities_of(rows, shift)
        if known is None:
            return predicted
        model, labels = self._known(known, rows)
        return with_known(model, predicted, shift, labels)

    def _quantities_of(self, rows: Any, shift: np.ndarray) -> list[np.ndarray]:
        return self.network_.quantities(rows) if self.blend_ is None else self.blend_.quantities(rows, shift)

    def _member_variances_of(self, rows: Any, shift: np.ndarray) -> np.ndarray:
        return (
            self.network_.member_variances(rows) if self.blend_ is None else self.blend_.member_variances(rows, shift)
        )

    def _predictions(self, quantities: list[np.ndarray]) -> Any:
        if self.network_.all_quantities:
            return self._matrix(quantities)
        return self._form(self._columns(quantities))

    def _matrix(self, quantities: list[np.ndarray]) -> np.ndarray:
        """Predictions where all tasks are regressions: no column needs looking at by itself."""
        targets = self.network_.targets
        matrix = quantities[0] if targets.one_dimensional else np.array(quantities).T
        return matrix.astype(np.float32) if targets.single_precision else matrix

    def _columns(self, quantities: list[np.ndarray]) -> list[np.ndarray]:
        """Predicted values or labels of each task."""
        targets, columns = self.network_.targets, []
        factors = getattr(self, "decision_factors_", None)
        for task, values in enumerate(quantities):
            if targets.classes[task] is not None:
                if factors is not None:
                    values = values * factors[task]
                columns.append(targets.decode_labels(values.argmax(axis=1), task))
            else:
                columns.append(values.astype(np.float32) if targets.single_precision else values)
        return columns

    def _form(self, columns: list[np.ndarray]) -> Any:
        return columns[0] if self.network_.targets.one_dimensional else stacked(columns)
