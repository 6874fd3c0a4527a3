"""What a fit on a stream of rows cannot honour, refused by name before any row is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..estimators import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from ..fitting._input import Settings

_OURS = (MultiTaskKerasRegressor, MultiTaskKerasClassifier, MultiTaskKerasEstimator)


def check_estimator(estimator: Any) -> None:
    """Refuse what is no estimator of ours, or is fitted already."""
    if not isinstance(estimator, _OURS):
        names = ", ".join(kind.__name__ for kind in _OURS)
        raise TypeError(f"estimator should be one of {names}, got {estimator!r}.")
    if estimator.__sklearn_is_fitted__():
        raise ValueError(
            "estimator is fitted already, and a fit on a stream of rows starts anew: pass "
            "sklearn.base.clone(estimator)."
        )


def check_settings(settings: Settings, estimator: Any, n_workers: int) -> None:
    """Refuse parameters that rows in a stream, or several workers, leave no way to honour.

    Raises
    ------
    ValueError
        For the first of them, with what to do instead.
    """
    for names, refused, why in _STREAMED:
        if refused(settings):
            raise ValueError(f"skmtl.distributed.fit cannot honour {_shown(settings, names)}: {why}")
    if getattr(estimator, "_skl_callbacks", None):
        raise ValueError(
            "skmtl.distributed.fit cannot honour scikit-learn's callbacks: they want all rows. Clone the estimator "
            "and set_callbacks() without any."
        )
    if n_workers > 1:
        for names, refused, why in _SEVERAL:
            if refused(settings):
                raise ValueError(f"With n_workers={n_workers}, {_shown(settings, names)} cannot be honoured: {why}")
        _check_balancing(settings, n_workers)


def _shown(settings: Settings, name: str) -> str:
    return f"{name}={settings[name]!r}"


def _check_balancing(settings: Settings, n_workers: int) -> None:
    from .. import balancing

    method = balancing.get(settings["balancing"], **settings.routed["balancing"])
    if method.requires != "losses" or not method.weighs_heads:
        raise ValueError(
            f"With n_workers={n_workers}, balancing={settings['balancing']!r} cannot be honoured: it looks at the "
            "gradient of each task, of which a worker has a part. Methods that look at losses can be had, such as "
            '"dwa", "uncertainty" or "famo"; or set n_workers=1.'
        )


def _given(name: str) -> Callable[[Settings], bool]:
    return lambda settings: name in settings.changed


_STREAMED: tuple[tuple[str, Callable[[Settings], bool], str], ...] = (
    (
        "blend",
        lambda settings: "blend" in settings.changed and settings["blend"] is not None,
        "a blend's regressions want all rows at once. Leave blend at its default, with which the network alone is "
        "fitted here, or set it to None.",
    ),
    ("sharing", _given("sharing"), 'weighing networks needs out-of-fold predictions. Set sharing="shared".'),
    ("oob_score", lambda settings: bool(settings["oob_score"]), "out-of-fold predictions are kept row by row."),
    (
        "validation_split",
        lambda settings: settings["validation_split"] is not None,
        "a splitter wants all rows at once. Rows are held out by validation_fraction, or pass validation=.",
    ),
    (
        "task_sampling",
        lambda settings: settings["task_sampling"] is not None,
        "it draws rows from all of them. Weigh them by sample_weight= instead.",
    ),
    (
        "callbacks",
        lambda settings: settings["callbacks"] is not None,
        "Keras' callbacks act on one model in one process. Early stopping and schedules are parameters.",
    ),
    (
        "warm_start",
        lambda settings: bool(settings["warm_start"]),
        "every fit starts anew. Set warm_start=False; partial_fit goes on from a fitted network.",
    ),
)
_SEVERAL: tuple[tuple[str, Callable[[Settings], bool], str], ...] = (
    (
        "model",
        lambda settings: settings["model"] is not None,
        "layers of a model of your own may look at whole batches, of which a worker has a part. Use n_workers=1, or "
        "a built-in architecture.",
    ),
    (
        "jit_compile",
        lambda settings: settings["jit_compile"] is True,
        'XLA compiles no step that workers add up on a processor. Leave it at "auto".',
    ),
)
