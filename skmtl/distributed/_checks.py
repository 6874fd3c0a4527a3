"""Checks before any row is read: parameters that streamed rows or several workers cannot support."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..estimators import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from ..fitting._input import Settings

_SUPPORTED = (MultiTaskKerasRegressor, MultiTaskKerasClassifier, MultiTaskKerasEstimator)


def check_estimator(estimator: Any) -> None:
    """Require an unfitted skmtl estimator."""
    if not isinstance(estimator, _SUPPORTED):
        names = ", ".join(kind.__name__ for kind in _SUPPORTED)
        raise TypeError(f"estimator should be one of {names}, got {estimator!r}.")
    if estimator.__sklearn_is_fitted__():
        raise ValueError(
            "estimator is already fitted, and skmtl.distributed.fit always starts from scratch: pass "
            "sklearn.base.clone(estimator)."
        )


def check_settings(settings: Settings, estimator: Any, n_workers: int) -> None:
    """Require parameters that streamed rows, and this number of workers, can support.

    Raises
    ------
    ValueError
        For the first unsupported parameter; the message says what to do instead.
    """
    for name, is_unsupported, reason in _STREAMED:
        if is_unsupported(settings):
            raise ValueError(f"skmtl.distributed.fit does not support {_described(settings, name)}: {reason}")
    if getattr(estimator, "_skl_callbacks", None):
        raise ValueError(
            "skmtl.distributed.fit does not support scikit-learn callbacks: they need all rows. Clone the estimator "
            "and call set_callbacks() without arguments."
        )
    if n_workers > 1:
        for name, is_unsupported, reason in _SEVERAL:
            if is_unsupported(settings):
                raise ValueError(f"n_workers={n_workers} does not support {_described(settings, name)}: {reason}")
        _check_balancing(settings, n_workers)


def _described(settings: Settings, name: str) -> str:
    return f"{name}={settings[name]!r}"


def _check_balancing(settings: Settings, n_workers: int) -> None:
    from .. import balancing

    method = balancing.get(settings["balancing"], **settings.routed["balancing"])
    if method.requires != "losses" or not method.weighs_heads:
        raise ValueError(
            f"n_workers={n_workers} does not support balancing={settings['balancing']!r}: the method needs the "
            "gradient of each task, and each worker has only part of it. Use a method that needs only losses, such "
            'as "dwa", "uncertainty" or "famo", or set n_workers=1.'
        )


def _is_changed(name: str) -> Callable[[Settings], bool]:
    return lambda settings: name in settings.changed


_STREAMED: tuple[tuple[str, Callable[[Settings], bool], str], ...] = (
    (
        "blend",
        lambda settings: "blend" in settings.changed and settings["blend"] is not None,
        "kernel models need all rows in memory. Leave blend at its default, which here fits the network alone, or "
        "set it to None.",
    ),
    ("sharing", _is_changed("sharing"), 'weighing networks needs out-of-fold predictions. Set sharing="shared".'),
    (
        "oob_score",
        lambda settings: bool(settings["oob_score"]),
        "out-of-fold predictions need memory for every row. Set oob_score=False.",
    ),
    (
        "validation_split",
        lambda settings: settings["validation_split"] is not None,
        "a splitter needs all rows in memory. Use validation_fraction, or pass validation=.",
    ),
    (
        "task_sampling",
        lambda settings: settings["task_sampling"] is not None,
        "it samples from all rows. Use sample_weight= instead.",
    ),
    (
        "callbacks",
        lambda settings: settings["callbacks"] is not None,
        "Keras callbacks act on one model in one process. Early stopping and learning rate schedules are parameters.",
    ),
    (
        "warm_start",
        lambda settings: bool(settings["warm_start"]),
        "every fit starts from scratch. Set warm_start=False; to train a fitted network for longer, use partial_fit.",
    ),
)
_SEVERAL: tuple[tuple[str, Callable[[Settings], bool], str], ...] = (
    (
        "model",
        lambda settings: settings["model"] is not None,
        "its layers may need the whole batch, and each worker has only part of it. Use n_workers=1, or a built-in "
        "architecture.",
    ),
    (
        "jit_compile",
        lambda settings: settings["jit_compile"] is True,
        'XLA cannot compile a step that sums over workers on CPUs. Leave it at "auto".',
    ),
)
