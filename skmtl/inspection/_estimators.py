"""Look inside estimators: the final step, networks, kinds of tasks, number of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from .._records import Kind
from ..estimators._base import BaseMultiTask
from ..targets import TargetColumns, infer_kinds


def core(estimator: Any) -> Any:
    """Return the estimator that predicts: the last step of a pipeline, the estimator of a search."""
    if isinstance(estimator, Pipeline):
        return core(estimator.steps[-1][1])
    if isinstance(estimator, BaseSearchCV):
        return core(getattr(estimator, "best_estimator_", estimator.estimator))
    return estimator


def networks_in(estimator: Any) -> Iterator[BaseMultiTask]:
    """Yield all of skmtl's estimators in this one, including nested ones."""
    if isinstance(estimator, BaseMultiTask):
        yield estimator
    elif hasattr(estimator, "get_params"):
        seen: set[int] = set()
        for value in estimator.get_params(deep=True).values():
            if isinstance(value, BaseMultiTask) and id(value) not in seen:
                seen.add(id(value))
                yield value


def fitted_network(estimator: Any, caller: str) -> BaseMultiTask:
    """Return skmtl's estimator at the end of a pipeline or search."""
    network = core(estimator)
    if not isinstance(network, BaseMultiTask):
        raise TypeError(
            f"{caller} needs one of skmtl's estimators, or a pipeline or search that ends in one; got "
            f"{type(network).__name__}."
        )
    return network


def last_step(estimator: Any, X: Any, caller: str) -> tuple[Any, Any]:
    """Return skmtl's estimator at the end of a pipeline or search, and X as the earlier steps transform it."""
    network = fitted_network(estimator, caller)
    if isinstance(estimator, BaseSearchCV):
        check_is_fitted(estimator)
        return last_step(estimator.best_estimator_, X, caller)
    if isinstance(estimator, Pipeline) and X is not None:
        X = estimator[:-1].transform(X) if len(estimator.steps) > 1 else X
        return last_step(estimator.steps[-1][1], X, caller)
    return network, X


def fits_jointly(estimator: Any, complete: bool) -> bool:
    """Return whether all tasks can be fitted in one call; with missing labels, only skmtl's estimators can."""
    inner = core(estimator)
    return isinstance(inner, BaseMultiTask) or (complete and get_tags(inner).target_tags.multi_output)


def needs_matrix(estimator: Any) -> bool:
    """Return whether y has to be 2-D even for one task, as for MultiOutputRegressor."""
    return not get_tags(core(estimator)).target_tags.single_output


def task_kinds(estimator: Any, columns: TargetColumns) -> tuple[Kind, ...]:
    """Return the kind of every task, as the estimator treats it."""
    inner = core(estimator)
    if isinstance(inner, BaseMultiTask):
        return tuple(inner._kinds(columns))
    if not is_classifier(inner) and not is_regressor(inner):
        return infer_kinds(columns, None)
    kind: Kind = "classification" if is_classifier(inner) else "regression"
    return (kind,) * len(columns.names)


def count_parameters(estimator: Any) -> float:
    """Count the parameters of a fitted network or linear model, including all ensemble members; NaN for others."""
    inner = core(estimator)
    if isinstance(inner, BaseMultiTask):
        return float(inner.network_.parameters.size)
    if hasattr(inner, "estimators_") and hasattr(inner, "estimator") and not hasattr(inner, "n_estimators"):
        return float(sum(count_parameters(part) for part in inner.estimators_))
    if hasattr(inner, "coefs_"):
        return float(sum(np.size(part) for part in [*inner.coefs_, *inner.intercepts_]))
    if hasattr(inner, "coef_"):
        return float(np.size(inner.coef_) + np.size(getattr(inner, "intercept_", ())))
    return float("nan")
