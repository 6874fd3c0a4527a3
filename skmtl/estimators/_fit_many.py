"""Many fits at a time: those of like networks are trained by one program, each as if it were alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from joblib import Parallel, delayed

from ..exceptions import TrainingDivergedError
from ._backend import check_backend
from ._base import BaseMultiTask
from ._blend_kinds import kinds_of
from ._fit import PreparedFit, prepare_fit
from ._fit_outcome import outcome_of
from ._input import FitInput, Settings
from ._recipe import resolved
from ._sameness import written

# Bytes of encoded rows that are on the device at a time, if one fit's are not more.
_MOST_BYTES = 1 << 29
# Parameters that say nothing of how rows are read and encoded.
_NOT_OF_ROWS = frozenset(
    (
        "activation",
        "architecture",
        "balancing",
        "batch_size",
        "dropout",
        "early_stopping",
        "epochs",
        "head_layer_sizes",
        "hidden_layer_sizes",
        "jit_compile",
        "learning_rate",
        "learning_rate_schedule",
        "loss_weights",
        "n_iter_no_change",
        "optimizer",
        "random_state",
        "shuffle",
        "task_sampling",
        "tol",
        "validation_fraction",
        "validation_split",
        "weight_decay",
    )
)


@dataclass(frozen=True)
class FitCall:
    """An unfitted estimator, and what its ``fit`` is called with; calls of equal ``rows`` have the same X and y."""

    estimator: Any
    X: Any
    y: Any
    arguments: dict[str, Any] = field(default_factory=dict)
    rows: Hashable = None


@dataclass(frozen=True)
class _Prepared:
    """A call whose network is ready to be trained."""

    number: int
    settings: Settings
    data: FitInput
    fit: PreparedFit


class _Alone(Exception):
    """A fit that is not to be trained with others; the message says why."""


def fit_many(
    calls: Sequence[FitCall], parallel: Parallel | None = None, done: Callable[[int], None] | None = None
) -> tuple[list[Exception | None], dict[str, int]]:
    """Fit all estimators in place; gives what each raised, and why how many of them were fitted one at a time.

    ``done`` is told how many fits have come to an end. A fit that cannot be prepared, or that diverges, is fitted
    again by itself, so that what it raises is what ``fit`` raises. ``parallel`` runs the fits one at a time, and
    returns a generator.
    """
    tell = done if done is not None else _say_nothing
    errors: list[Exception | None] = [None] * len(calls)
    alone: list[int] = []
    reasons: dict[str, int] = {}
    for prepared in _chunks(calls, alone, reasons):
        alone += _train(calls, prepared, tell)
    for number, (estimator, error) in zip(alone, _fit_alone([calls[i] for i in alone], parallel, tell), strict=True):
        errors[number] = error
        if estimator is not calls[number].estimator:
            calls[number].estimator.__dict__ = vars(estimator)
    return errors, reasons


def _say_nothing(count: int) -> None:
    """What is told of the fits where nobody asks."""


def _chunks(calls: Sequence[FitCall], alone: list[int], reasons: dict[str, int]) -> Iterator[list[_Prepared]]:
    """Calls ready to be trained, as many at a time as their rows may take memory; ``alone`` gets the others."""
    order: dict[Hashable, list[int]] = {}
    for number, call in enumerate(calls):
        order.setdefault(call.rows, []).append(number)
    chunk: list[_Prepared] = []
    size = 0
    for numbers in order.values():
        known: dict[Hashable, tuple[FitInput, dict[str, Any]]] = {}
        for number in numbers:
            try:
                one = _prepare(number, calls[number], known)
            except _Alone as reason:
                alone.append(number)
                reasons[str(reason)] = reasons.get(str(reason), 0) + 1
                continue
            except Exception:
                alone.append(number)
                continue
            added = 0 if any(one.data.shared is other.data.shared for other in chunk) else _bytes(one)
            if chunk and size + added > _MOST_BYTES:
                yield chunk
                chunk, size, added = [], 0, _bytes(one)
            chunk.append(one)
            size += added
    if chunk:
        yield chunk


def _bytes(one: _Prepared) -> int:
    data = one.fit.job.data
    return int(data.inputs.nbytes + data.labels.nbytes + 2 * data.weights.nbytes)


def _prepare(number: int, call: FitCall, known: dict[Hashable, tuple[FitInput, dict[str, Any]]]) -> _Prepared:
    """Read the rows, or take them as another call has read them, and prepare the fit."""
    estimator = call.estimator
    if not isinstance(estimator, BaseMultiTask):
        raise _Alone(f"{type(estimator).__name__} is none of skmtl's estimators")
    check_backend()
    from ..networks._network import draws_for_all_members

    estimator._validate_params()
    settings = estimator._settings()
    _check_parameters(estimator, settings)
    key = _rows_key(estimator, settings)
    if key is None or key not in known:
        before = dict(vars(estimator))
        data = replace(_read(estimator, call), shared={})
        found = {name: value for name, value in vars(estimator).items() if name not in before}
        if key is not None:
            known[key] = data, found
    else:
        data, found = known[key]
        for name, value in found.items():
            setattr(estimator, name, value)
    settings = resolved(settings, data)
    if kinds_of(settings, data):
        raise _Alone("a blend is made of more than networks; set blend=None and a number for ensemble_size")
    prepared = prepare_fit(settings, data)
    spec = prepared.network.spec
    if spec is not None and draws_for_all_members(spec):
        raise _Alone("gates with dropout draw their random numbers for all members at once")
    if prepared.job.structure.key is None or prepared.job.structure.programs is settings.programs:
        raise _Alone("a loss, optimizer, scheme or balancing method of your own may read anything")
    return _Prepared(number, settings, data, prepared)


def _check_parameters(estimator: BaseMultiTask, settings: Settings) -> None:
    """Leave to a fit of its own what looks at training, or starts from more than parameters."""
    if settings["callbacks"] is not None or getattr(estimator, "_skl_callbacks", None):
        raise _Alone("callbacks look at one training at a time")
    if settings["model"] is not None:
        raise _Alone("model= builds networks that may have a state of their own")
    if settings["verbose"]:
        raise _Alone("verbose prints the epochs of one training at a time")
    if settings["warm_start"]:
        raise _Alone("warm_start goes on from an earlier fit")


def _read(estimator: BaseMultiTask, call: FitCall) -> FitInput:
    given = dict(call.arguments)
    weights, groups = given.pop("sample_weight", None), given.pop("groups", None)
    validation = tuple(given.pop(name, None) for name in ("X_val", "y_val", "sample_weight_val"))
    if given or (validation[0] is None and any(part is not None for part in validation)):
        raise TypeError("fit says what is wrong")
    return estimator._read_all(call.X, call.y, weights, None if validation[0] is None else validation, groups)


def _rows_key(estimator: BaseMultiTask, settings: Settings) -> Hashable | None:
    """Equal for estimators that read and encode the same rows alike; None where that cannot be told."""
    parameters = {name: value for name, value in settings.parameters.items() if name not in _NOT_OF_ROWS}
    routed = {prefix: settings.routed[prefix] for prefix in ("model", "numeric_embedding")}
    key = written((parameters, routed))
    return None if key is None else (type(estimator), key)


def _train(calls: Sequence[FitCall], prepared: Sequence[_Prepared], done: Callable[[int], None]) -> list[int]:
    """Train and finish the calls; gives the numbers of those to fit by themselves."""
    from ..training._together import train_together

    again = []
    for one, result in zip(prepared, train_together([one.fit.job for one in prepared], done), strict=True):
        if isinstance(result, TrainingDivergedError):
            again.append(one.number)
            continue
        # What fits share of their rows goes with them, not with the estimators.
        data = replace(one.data, shared=None)
        try:
            outcome = outcome_of(one.settings, (), data, one.fit.trained(result), result)
        except ValueError:
            again.append(one.number)
            continue
        calls[one.number].estimator._adopt(outcome, append=False)
    return again


def _fit_alone(
    calls: Sequence[FitCall], parallel: Parallel | None, done: Callable[[int], None]
) -> Iterator[tuple[Any, Exception | None]]:
    if not calls:
        return
    parallel = Parallel(return_as="generator") if parallel is None else parallel
    for result in parallel(delayed(_fitted)(call) for call in calls):
        done(1)
        yield result


def _fitted(call: FitCall) -> tuple[Any, Exception | None]:
    try:
        call.estimator.fit(call.X, call.y, **call.arguments)
    except Exception as error:
        return call.estimator, error
    return call.estimator, None
