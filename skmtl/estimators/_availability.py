"""Whether a method is there at all, with the parameters as they are."""

from __future__ import annotations

import sys
from typing import Any


def takes_partial_fit(estimator: Any) -> bool:
    """Whether partial_fit can honour the parameters, as `sklearn.utils.metaestimators.available_if` asks it.

    Raises
    ------
    AttributeError
        Where one of them needs rows that are held out, which partial_fit never sees.
    """
    for name, asked in (
        ("early_stopping=True", estimator.early_stopping is True),
        ("blend=", not (estimator.blend is None or (isinstance(estimator.blend, str) and estimator.blend == "auto"))),
        ('sharing="auto"', estimator.sharing == "auto"),
        ("validation_split=", estimator.validation_split is not None),
    ):
        if asked:
            raise AttributeError(
                f"partial_fit does not support {name}: it never sees rows to hold out. Leave that parameter at its "
                "default."
            )
    return True


def refuse_cross_val_predict(regressions: list[str]) -> None:
    """Say what is meant where scikit-learn's cross_val_predict asks for probabilities of mixed tasks.

    It trains on codes in the place of y's numbers, and joins the arrays of all tasks, of which a regression has none.
    """
    frame = sys._getframe(1)
    for _ in range(10):
        if frame.f_code.co_name == "_fit_and_predict" and frame.f_globals["__name__"].startswith("sklearn."):
            raise ValueError(
                f"cross_val_predict takes probabilities only where every task has classes, and {regressions} are "
                'regressions. Use method="predict", or predict_proba of each fold: [clone(model).fit(X[train], '
                "y[train]).predict_proba(X[test]) for train, test in cv.split(X)]."
            )
        if frame.f_back is None:
            return
        frame = frame.f_back
