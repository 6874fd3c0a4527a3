"""Joint predictions of several targets: imputation, regions and draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._names import proposal
from .._snapshot import on_snapshot
from ..blending._intervals import cautious, check_coverage, covering, weighed
from ..fitting._adaptive_defaults import FEWEST_ROWS, how_to_hold_out
from ..inference._fitted import FittedNetwork
from ..joint import JointModel, fit_box, fit_ellipsoid
from ..targets import as_table, read_columns, stacked
from ._joint_region import JointRegion
from ._known import KnownLabels, models_of

_SHAPES = ("box", "ellipsoid")


class JointPredictions:
    """Methods of the estimators that predict several targets of a row jointly."""

    network_: FittedNetwork
    _joint: JointModel

    @property
    def residual_correlation_(self) -> pd.DataFrame:
        """Correlation of the tasks' errors, which X does not explain, (n_tasks, n_tasks), float64.

        These are correlations of out-of-fold residuals or, for a classification, of the errors of its probabilities.
        With more than two classes there are several correlations; the one that is largest in absolute value is shown.
        """
        check_is_fitted(self)
        model = self._joint_model("residual_correlation_").in_distribution
        names = [task.name for task in self.network_.tasks]
        table = np.eye(len(names))
        for i in range(len(names)):
            for j in range(i):
                block = model.correlation[model.columns.of_task(i), model.columns.of_task(j)]
                table[i, j] = table[j, i] = block.flat[np.abs(block).argmax()]
        return pd.DataFrame(table, index=names, columns=names)

    @on_snapshot
    def impute_targets(self, X: Any, y: Any) -> Any:
        """Fill in the missing labels of a table of targets, given X and the labels that are known.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks)
            Targets of the same tasks as in ``fit``; NaN, None or pandas.NA for labels to predict.

        Returns
        -------
        y : DataFrame, Series or ndarray of the same shape
            A copy with predictions in place of missing labels; see the parameter ``known`` of ``predict``. A table
            stays a table; an integer column becomes a float column if it gets predictions.

        Raises
        ------
        AttributeError
            If ``fit`` made no out-of-fold predictions.
        ValueError
            If y has other tasks than in ``fit``.
        """
        check_is_fitted(self)
        columns = read_columns(y, estimator=type(self).__name__)
        self.network_.targets.check_columns(columns)
        filled = self._columns(self._quantities(X, known=y))  # type: ignore[attr-defined]
        table = as_table(y)
        if isinstance(table, pd.DataFrame):
            return _filled_table(table, columns.observed, filled)
        if isinstance(table, pd.Series):
            return _filled_column(table, columns.observed[0], filled[0])
        parts = [_filled_values(*part) for part in zip(columns.values, columns.observed, filled, strict=True)]
        return parts[0] if columns.one_dimensional else stacked(parts)

    @on_snapshot
    def predict_region(
        self, X: Any, coverage: float = 0.9, *, shape: str = "box", tasks: Sequence[Any] | None = None
    ) -> JointRegion:
        """Predict a region per row that contains the labels of all tasks at once with a given probability.

        Conformal prediction from the out-of-fold errors of entire rows. For a box, the score of a row is the largest
        error of its tasks, each in units of that task's own interval (after Messoudi et al., 2021), so no task gets
        a wide interval because of another. For an ellipsoid, it is the Mahalanobis distance of the errors, with a
        shrunk covariance (Ledoit and Wolf, 2004). For ``n`` training rows with labels of all tasks, the bound is the
        ``ceil((n + 1) * coverage)``-th smallest score. A new row like them stays within the bound with at least that
        probability. The guarantee is not exact, because the final units and predictions come from all rows and members
        together; on real data, coverage is close to nominal (benchmarks/results/joint.md). Training rows with some of
        the labels raise the bound if it would cover too few of them. There is no guarantee for shifted rows. If
        ``covariate_shift`` led to a blend for them, errors of blocks of rows left out widen their regions, as in
        ``predict_interval``.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        coverage : float, default=0.9
            Probability, in (0, 1).
        shape : {"box", "ellipsoid"}, default="box"
            A box is an interval per regression and a set of labels per classification. An ellipsoid is smaller if
            errors are correlated, but supports regressions only.
        tasks : list of str or int, default=None
            Names or positions of the tasks to cover; None is all.

        Returns
        -------
        region : JointRegion
            Intervals and sets of labels. ``contains`` tests whether labels lie inside.

        Raises
        ------
        AttributeError
            If ``fit`` made no out-of-fold predictions.
        ValueError
            If coverage is outside (0, 1), shape or tasks are unknown, or an ellipsoid has classifications.

        References
        ----------
        S. Messoudi, S. Destercke, S. Rousseau (2021), "Copula-based conformal prediction for multi-target regression",
        Pattern Recognition 120.

        O. Ledoit, M. Wolf (2004), "A well-conditioned estimator for large-dimensional covariance matrices", Journal
        of Multivariate Analysis 88.
        """
        check_is_fitted(self)
        model = self._joint_model("predict_region")
        check_coverage(coverage)
        if shape not in _SHAPES:
            raise ValueError(f"shape={shape!r}.{proposal(str(shape), _SHAPES)}")
        chosen = self._chosen_tasks(tasks)
        rows, probability = self._rows_and_shift(X)  # type: ignore[attr-defined]
        predicted = self._quantities_of(rows, probability)  # type: ignore[attr-defined]
        make = self._box if shape == "box" else self._ellipsoid
        return make(model, predicted, probability, chosen, float(coverage))

    @on_snapshot
    def sample_y(self, X: Any, n_samples: int = 1, random_state: Any = None) -> np.ndarray:
        """Draw labels of all tasks jointly, for example for the distribution of a sum, a ratio or a profit.

        A draw is the prediction plus the out-of-fold errors of a randomly chosen training row, for all tasks together
        (an empirical copula), which preserves how errors depend on each other. If that row lacks a label, its error is
        drawn given the others, as in a Gaussian copula. A class label is drawn from the predicted probabilities, at
        the quantile of the training row's label among its own probabilities; the position within the class is drawn
        given the other errors.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples_X, n_features)
            Features.
        n_samples : int, default=1
            Number of draws per row.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws.

        Returns
        -------
        y : ndarray of shape (n_samples_X, n_samples), or (n_samples_X, n_tasks, n_samples)
            Draws, 2-D if y was 1-D in ``fit``; an array of objects if tasks mix labels and numbers.

        Raises
        ------
        AttributeError
            If ``fit`` made no out-of-fold predictions.
        ValueError
            If ``n_samples`` is below 1.
        """
        check_is_fitted(self)
        model = self._joint_model("sample_y")
        _check_n_samples(n_samples)
        random = check_random_state(random_state)
        rows, probability = self._rows_and_shift(X)  # type: ignore[attr-defined]
        predicted = self._quantities_of(rows, probability)  # type: ignore[attr-defined]
        shape = (len(probability), int(n_samples))
        from_shifted = random.uniform(size=shape) < probability[:, None]
        draws = [random.randint(len(one.copula.ranks), size=shape) for one in models_of(model)]
        sampled = []
        for task, values in enumerate(predicted):
            drawn = [_drawn(one, values, own, task) for one, own in zip(models_of(model), draws, strict=True)]
            sampled.append(drawn[0] if len(drawn) == 1 else np.where(from_shifted, drawn[1], drawn[0]))
        targets = self.network_.targets
        labels = [
            part if targets.classes[task] is None else targets.decode_labels(part, task)
            for task, part in enumerate(sampled)
        ]
        if targets.one_dimensional:
            return labels[0]
        return stacked([part.ravel() for part in labels]).reshape(*shape, len(labels)).transpose(0, 2, 1)

    def _joint_model(self, what: str) -> JointModel:
        if not hasattr(self, "_joint"):
            advice = how_to_hold_out(self.network_.n_rows)
            if self.network_.n_rows >= FEWEST_ROWS and hasattr(self, "oob_prediction_"):
                advice = "there are too many tasks and classes to keep the errors of all."
            raise AttributeError(f"{what} needs out-of-fold errors of all tasks: {advice}")
        return self._joint

    def _known(self, known: Any, rows: Any) -> tuple[JointModel, KnownLabels]:
        model = self._joint_model("known=")
        return model, KnownLabels.read(known, rows, self.network_.targets)

    def _chosen_tasks(self, tasks: Sequence[Any] | None) -> list[int]:
        names = [task.name for task in self.network_.tasks]
        if tasks is None:
            return list(range(len(names)))
        chosen = []
        for task in [tasks] if isinstance(tasks, str | int) else tasks:
            if isinstance(task, int | np.integer) and not isinstance(task, bool):
                if not 0 <= task < len(names):
                    raise ValueError(f"tasks has the position {task}, but there are {len(names)} tasks.")
                chosen.append(int(task))
            elif str(task) in names:
                chosen.append(names.index(str(task)))
            else:
                raise ValueError(f"tasks names {task!r}, but y had no such task in fit.{proposal(str(task), names)}")
        if not chosen or len(set(chosen)) < len(chosen):
            raise ValueError(f"tasks should name at least one task, and each only once, got {tasks!r}.")
        return sorted(chosen)

    def _box(
        self, model: JointModel, predicted: list[np.ndarray], probability: np.ndarray, tasks: list[int], coverage: float
    ) -> JointRegion:
        boxes = [fit_box(one.errors, one.columns, tasks, coverage) for one in models_of(model)]
        shifted = boxes[1] if len(boxes) > 1 else None
        offsets = covering(boxes[0].offsets, _finite_offsets(shifted, boxes[0]), probability)
        largest = None if shifted is None else np.maximum(boxes[0].doubt, shifted.doubt)
        doubt = weighed(boxes[0].doubt, largest, cautious(probability))
        intervals = np.full((len(probability), len(tasks), 2), np.nan)
        sets: list[list[np.ndarray] | None] = []
        for place, task in enumerate(tasks):
            classes = self.network_.targets.classes[task]
            if classes is None:
                intervals[:, place] = predicted[task][:, None] + offsets[:, task]
                sets.append(None)
            else:
                sets.append(_label_sets(predicted[task], doubt[:, task], classes))
        no_center = np.full(intervals.shape[:2], np.nan)
        return self._region(tasks, coverage, "box", intervals, sets, no_center, None)

    def _ellipsoid(
        self, model: JointModel, predicted: list[np.ndarray], probability: np.ndarray, tasks: list[int], coverage: float
    ) -> JointRegion:
        classified = [
            self.network_.tasks[task].name for task in tasks if self.network_.targets.classes[task] is not None
        ]
        if classified:
            raise ValueError(
                f'shape="ellipsoid" is for regressions, but {classified} are classifications. Use shape="box", or '
                "pass the regressions as tasks=."
            )
        columns = model.in_distribution.columns.of_tasks(np.isin(np.arange(len(predicted)), tasks))
        ellipsoids = [fit_ellipsoid(one.errors[:, columns], coverage) for one in models_of(model)]
        usual = ellipsoids[0]
        shifted = ellipsoids[1] if len(ellipsoids) > 1 and ellipsoids[1].is_larger(usual) else None
        share = cautious(probability)
        offset = weighed(usual.center, None if shifted is None else shifted.center, share)
        matrix = weighed(usual.matrix, None if shifted is None else shifted.matrix, share)
        center = np.column_stack([predicted[task] for task in tasks]) + offset
        extent = np.sqrt(np.diagonal(matrix, axis1=1, axis2=2))
        intervals = np.stack([center - extent, center + extent], axis=2)
        return self._region(tasks, coverage, "ellipsoid", intervals, [None] * len(tasks), center, matrix)

    def _region(
        self,
        tasks: list[int],
        coverage: float,
        shape: str,
        intervals: np.ndarray,
        sets: list[list[np.ndarray] | None],
        center: np.ndarray,
        matrix: np.ndarray | None,
    ) -> JointRegion:
        names = [self.network_.tasks[task].name for task in tasks]
        targets = self.network_.targets
        return JointRegion(names, coverage, shape, intervals, sets, center, matrix, targets, tuple(tasks))


def _check_n_samples(n_samples: Any) -> None:
    is_integer = isinstance(n_samples, int | np.integer) and not isinstance(n_samples, bool)
    if not is_integer or n_samples < 1:
        raise ValueError(f"n_samples should be an integer of at least 1, got {n_samples!r}.")


def _finite_offsets(shifted: Any, in_distribution: Any) -> np.ndarray | None:
    """Return the offsets of shifted rows, or those of in-distribution rows if labels were too few for any."""
    return None if shifted is None else np.where(np.isfinite(shifted.offsets), shifted.offsets, in_distribution.offsets)


def _label_sets(proba: np.ndarray, doubt: np.ndarray, classes: np.ndarray) -> list[np.ndarray]:
    """Return the labels of each row that are probable enough, and always the most probable one."""
    order = np.argsort(-proba, axis=1, kind="stable")
    ordered = np.take_along_axis(proba, order, axis=1)
    counts = np.maximum((1.0 - ordered <= doubt[:, None] + 1e-12).sum(axis=1), 1)
    return [classes[places[:count]] for places, count in zip(order, counts, strict=True)]


def _drawn(model: Any, values: np.ndarray, rows: np.ndarray, task: int) -> np.ndarray:
    if values.ndim == 1:
        return values[:, None] + model.copula.draws(rows, task)
    return model.copula.classes(rows, values, task)


def _filled_table(table: pd.DataFrame, observed: Sequence[np.ndarray], filled: Sequence[np.ndarray]) -> pd.DataFrame:
    parts = [
        _filled_column(table.iloc[:, place], seen, new)
        for place, (seen, new) in enumerate(zip(observed, filled, strict=True))
    ]
    return pd.concat(parts, axis=1).set_axis(table.columns, axis=1)


def _filled_column(column: pd.Series, seen: np.ndarray, new: np.ndarray) -> pd.Series:
    """Return the column with predictions in its gaps, in its own dtype if that can hold them."""
    if seen.all():
        return column
    gaps = pd.Series(new[~seen])
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        kind = pd.CategoricalDtype(
            kind.categories.append(pd.Index(gaps.unique()).difference(kind.categories)), kind.ordered
        )
    elif pd.api.types.is_integer_dtype(kind) and pd.api.types.is_float_dtype(gaps.dtype):
        kind = "double[pyarrow]" if isinstance(kind, pd.ArrowDtype) else "Float64"
    column = column.astype(kind).copy()
    column[~seen] = gaps.astype(column.dtype).array
    return column


def _filled_values(values: np.ndarray, seen: np.ndarray, new: np.ndarray) -> np.ndarray:
    if seen.all():
        return values
    if values.dtype.kind == "f":
        new = new.astype(values.dtype)
    return np.where(seen, values, new) if seen.any() else new
