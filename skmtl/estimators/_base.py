"""Base class of the three estimators: fit, predict and score behind the scikit-learn contract."""

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
    """No row has a label with a positive weight."""


class BaseMultiTask(FittedAttributes, ReadsData, JointPredictions, CallbackSupportMixin, SharedParameters):
    """Fit, predict and score one network for several tasks; subclasses say whether tasks are classifications."""

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
        """Fit the network and, by default, its blend.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features: numbers and, in a DataFrame or an array of objects, categories (see
            ``categorical_features``). NaN, None or pandas.NA marks a missing value. A missing number is replaced by
            the column's mean or median, and its column gets an indicator; a missing category is a level of its own.
        y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks)
            Targets, one column per task. NaN, None or pandas.NA marks a missing label, which has no effect on the
            loss.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the rows, or of single labels.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, default=None
            Rows to validate on, instead of rows held out of X.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, for a ``validation_split`` that keeps groups together.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data or a parameter are invalid. The estimator stays as it was before.
        TrainingDivergedError
            If the loss became infinite or NaN. This is a ValueError too.
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
            fitted._warn_of_lost_attributes(outcome, append=keep, stacklevel=4)
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
            Labels that are already known, in the form of y in ``fit``, with NaN, None or pandas.NA for those to
            predict. A table with the tasks' names may leave columns out. Known labels are returned unchanged.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_tasks)
            Predictions, one column per task; 1-D if y was 1-D in ``fit``.

        Raises
        ------
        AttributeError
            With ``known``, if ``fit`` made no out-of-fold predictions.

        Notes
        -----
        With ``known``, the out-of-fold errors of all tasks are modelled as jointly Gaussian. A prediction moves by its
        expected error given the errors of the known labels; class probabilities follow by Bayes' rule. Correlations
        are shrunk (after Ledoit and Wolf, 2004) by an amount that held-out rows choose for each task, down to zero if
        they bring no clear gain. Rows without known labels get exactly the same predictions as without ``known``.
        """
        check_is_fitted(self)
        return self._predictions(self._quantities(X, known))

    @on_snapshot
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the mean score over tasks: R2 for regressions, accuracy for classifications.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks)
            True values; missing labels are ignored.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the rows, or of single labels.

        Returns
        -------
        score : float
            Mean over the tasks that have a label in y.

        Raises
        ------
        ValueError
            If no task has one.
        """
        scores = self.score_tasks(X, y, sample_weight)
        observed = read_columns(y, estimator=type(self).__name__).observed if scores.isna().all() else ()
        if observed and not any(mask.any() for mask in observed):
            raise ValueError("y has no label at all: there is nothing to score.")
        return float(scores.mean())

    @on_snapshot
    def score_tasks(self, X: Any, y: Any, sample_weight: Any = None) -> pd.Series:
        """Return the score of each task: R2 for regressions, accuracy for classifications.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks)
            True values; missing labels are ignored.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the rows, or of single labels.

        Returns
        -------
        scores : Series
            Task name to score; NaN for tasks without a label in y.
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
        """Set scikit-learn callbacks, such as a progress bar or a monitor of scores.

        Callbacks are called after each epoch; if one returns True, training ends. Clones keep them, but they are
        not a parameter. For Keras callbacks, use the parameter ``callbacks``.

        Parameters
        ----------
        *callbacks : instances of callbacks
            For example ``sklearn.callback.ProgressBar()`` or ``sklearn.callback.ScoringMonitor(scoring=...)``. Without
            arguments, all callbacks are removed.

        Returns
        -------
        self : estimator
            This estimator.

        Raises
        ------
        TypeError
            If one is not a scikit-learn callback.

        Notes
        -----
        After an epoch, callbacks get as ``fitted_estimator`` what ``fit`` would return if it ended there. With held-out
        rows, each member has the weights of its best epoch so far. Training returns to Python after every epoch, but
        the result is the same as without callbacks, bit for bit.

        The ``ScoringMonitor`` of scikit-learn 1.9 takes names, a dict, or a function that returns a dict. With missing
        labels, pass ``scoring={"r2": make_task_scorer("r2")}`` or, for scores per task,
        ``make_multimetric_task_scorer("r2")``, both from ``skmtl.metrics``. It scores all rows passed to ``fit``,
        including held-out ones.
        """
        for callback in callbacks:
            if hasattr(callback, "set_model"):
                raise TypeError(
                    f"{type(callback).__name__} is a Keras callback: pass it as the parameter callbacks=. "
                    "set_callbacks takes scikit-learn callbacks (sklearn.callback)."
                )
        return super().set_callbacks(*callbacks)

    @property
    @on_snapshot
    def model_(self) -> Any:
        """The network as a ``keras.Model`` from the columns of X to predictions, one output per task.

        A Keras model takes numbers: if X has categorical columns, pass :meth:`model_input` of X.
        """
        check_is_fitted(self)
        fitted = self.network_ if self.blend_ is None else self.blend_
        check_single_precision(fitted.encoders(), getattr(self, "feature_names_in_", None))
        return fitted.keras_model()

    @on_snapshot
    def shift_probability(self, X: Any) -> np.ndarray:
        """Return the probability that rows are from another time or group than those of ``fit``.

        It depends on the distance to the nearest training row, in the columns that matter for predictions (on large
        tables, to the nearest of a random sample of at most 5,000). Near 1, a row is as far away as rows of a block
        left out are from the others; near 0, it is as close as rows left out at random. The prior probability is 0.2.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        probability : ndarray of shape (n_samples,)
            Zeros if ``fit`` found that distances do not tell shifted rows apart, or did not check
            (see ``covariate_shift``).
        """
        check_is_fitted(self)
        return self._rows_and_shift(X)[1]

    @on_snapshot
    def model_input(self, X: Any) -> np.ndarray:
        """Return X as the numbers that ``model_`` takes.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Features, in the form that ``predict`` takes.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The same columns in the same order. Numbers are unchanged (NaN if missing). A category becomes its position
            in ``categories_``, NaN if it is missing, and -1 for an unseen level.
        """
        check_is_fitted(self)
        encoded, _ = read_inputs(self, X, levels=self.network_.features.levels)
        return encoded.toarray() if sparse.issparse(encoded) else encoded

    def __sklearn_tags__(self) -> Any:
        """Return tags: several outputs, sparse X, missing values in X.

        The tag of categorical X is not set: its only effect is that scikit-learn's checks round their data.
        """
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether the estimator has a fitted network."""
        return hasattr(self, "network_")

    @with_callbacks
    def _partial_fit(self, X: Any, y: Any, classes: Any, sample_weight: Any) -> Any:
        """Train one more epoch on the given rows; the first call fixes tasks, classes and scalings."""
        check_backend()
        check_incremental_class_weight(getattr(self, "class_weight", None))
        known = hasattr(self, "network_")
        task = FitTask.begin(self, X, y, sample_weight, epochs=1, append=known)
        # A chunk of a stream may have no labels: then nothing changes.
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
            fitted._warn_of_lost_attributes(outcome, append=known, stacklevel=5)
            fitted._adopt(outcome, append=known)
        FitTask.end(task)
        return self

    def _fit_observed(self, X: Any, y: Any, observer: Any) -> Any:
        """Fit, and show ``observer`` (a `skmtl.training._epoch_state.Observer`) the end of every epoch."""
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
            parameters={name: getattr(self, name) for name in names} | {"validation_split": self._reusable_splits()},
            changed=frozenset(name for name in names if not self._is_default(name)),
            routed={prefix: self._routed(prefix) for prefix in PREFIXES},
        )

    def _reusable_splits(self) -> Any:
        """Return ``validation_split``, an iterator as a list because a fit reads its splits more than once."""
        given = self.validation_split
        return list(given) if isinstance(given, Iterator) else given

    def _rows_and_shift(self, X: Any) -> tuple[Any, np.ndarray]:
        """Return X as the network reads it and its rows' ``shift_probability``, to compute both only once."""
        X, _ = read_inputs(self, X, levels=self.network_.features.levels)
        return X, np.zeros(X.shape[0]) if self.blend_ is None else self.blend_.shift_probability(X)

    def _quantities(self, X: Any, known: Any = None) -> list[np.ndarray]:
        rows, probability = self._rows_and_shift(X)
        predicted = self._quantities_of(rows, probability)
        if known is None:
            return predicted
        model, labels = self._known(known, rows)
        return with_known(model, predicted, probability, labels)

    def _quantities_of(self, rows: Any, probability: np.ndarray) -> list[np.ndarray]:
        return self.network_.quantities(rows) if self.blend_ is None else self.blend_.quantities(rows, probability)

    def _member_variances_of(self, rows: Any, probability: np.ndarray) -> np.ndarray:
        if self.blend_ is None:
            return self.network_.member_variances(rows)
        return self.blend_.member_variances(rows, probability)

    def _predictions(self, quantities: list[np.ndarray]) -> Any:
        if self.network_.all_quantities:
            return self._matrix(quantities)
        return self._form(self._columns(quantities))

    def _matrix(self, quantities: list[np.ndarray]) -> np.ndarray:
        """Return the predictions of regressions alone, which need no decoding column by column."""
        targets = self.network_.targets
        matrix = quantities[0] if targets.one_dimensional else np.array(quantities).T
        return matrix.astype(np.float32) if targets.single_precision else matrix

    def _columns(self, quantities: list[np.ndarray]) -> list[np.ndarray]:
        """Return the predicted values or labels of each task."""
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
