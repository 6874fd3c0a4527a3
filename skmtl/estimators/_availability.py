"""Conditions under which methods are available."""

from __future__ import annotations

import sys
from typing import Any


def takes_partial_fit(estimator: Any) -> bool:
    """Return True if partial_fit can honour the parameters, for `sklearn.utils.metaestimators.available_if`.

    Raises
    ------
    AttributeError
        If a parameter needs held-out rows, which partial_fit does not have.
    """
    for name, asked in (
        ("early_stopping=True", estimator.early_stopping is True),
        ("blend=", not (estimator.blend is None or (isinstance(estimator.blend, str) and estimator.blend == "auto"))),
        ('sharing="auto"', estimator.sharing == "auto"),
        ("validation_split=", estimator.validation_split is not None),
    ):
        if asked:
            raise AttributeError(
                f"partial_fit does not support {name}, because it has no rows to hold out. Leave this parameter at its "
                "default."
            )
    return True


def refuse_cross_val_predict(regressions: list[str]) -> None:
    """Raise a helpful error if scikit-learn's cross_val_predict asks for probabilities of mixed tasks.

    It trains on codes in place of the numbers of y, and joins the arrays of all tasks, but regressions have none.
    """
    frame = sys._getframe(1)
    for _ in range(10):
        if frame.f_code.co_name == "_fit_and_predict" and frame.f_globals["__name__"].startswith("sklearn."):
            raise ValueError(
                f"cross_val_predict can return probabilities only if every task has classes, but {regressions} are "
                'regressions. Use method="predict", or predict_proba in each fold: [clone(model).fit(X[train], '
                "y[train]).predict_proba(X[test]) for train, test in cv.split(X)]."
            )
        if frame.f_back is None:
            return
        frame = frame.f_back
