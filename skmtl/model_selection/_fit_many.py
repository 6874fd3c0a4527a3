"""Many fits at a time: those of like networks are trained by one program, each as if it were alone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse

from .._backend import check_backend
from .._blas import single_threaded_blas
from ..blending._fit_outcome import check_decision, outcome_of
from ..blending._kinds import kinds_of
from ..estimators._base import BaseMultiTask
from ..exceptions import TrainingDivergedError
from ..fitting._adaptive_defaults import resolved
from ..fitting._fit import PreparedFit, prepare_fit
from ..fitting._input import FitInput, Settings
from ._sameness import written

if TYPE_CHECKING:
    from ..training._together import Fit, Together

# Bytes of encoded rows that are on the device at a time, if one fit's are not more.
_MOST_BYTES = 1 << 29
# Encoded rows may be so many times as large as the table.
_ENCODED = 4
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
# Parameters that are numbers to a program.
_NUMBERS = frozenset(
    (
        "class_weight",
        "dropout",
        "epochs",
        "learning_rate",
        "loss_weights",
        "n_iter_no_change",
        "random_state",
        "tol",
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
    """A call whose network is ready to be trained, and the seconds that this took."""

    settings: Settings
    data: FitInput
    fit: PreparedFit
    seconds: float = 0.0


@dataclass(frozen=True)
class Fitted:
    """What became of a call: what ``fit`` raised, or None, and the seconds that it took of all."""

    error: Exception | None
    seconds: float


class _Alone(Exception):
    """A fit that is not to be trained with others; the message says why."""


class ManyFits:
    """Fits the estimators of calls in place, those of like networks together, while others of them are looked at.

    A context manager: what is still under way when it ends with an error is given up.

    Parameters
    ----------
    calls : sequence of FitCall
        What to fit.
    parallel : joblib.Parallel, default=None
        Runs the fits one at a time.
    done : callable, default=None
        Told how many fits have come to an end.

    Attributes
    ----------
    reasons : Counter
        Why how many fits are made one at a time.
    """

    def __init__(
        self, calls: Sequence[FitCall], parallel: Parallel | None = None, done: Callable[[int], None] | None = None
    ) -> None:
        self.calls = calls
        self.reasons: Counter[str] = Counter()
        self._parallel = Parallel() if parallel is None else parallel
        self._done = done
        self._together: Together | None = None
        self._trained: dict[int, tuple[_Prepared, Fit]] = {}
        self._alone: list[int] = []
        self._found: dict[int, Fitted] = {}

    def __enter__(self) -> ManyFits:
        from ..training._together import Together

        check_backend()
        self._together = Together(self._done).__enter__()
        try:
            self._begin(self._together)
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        if self._together is not None:
            self._together.__exit__(kind, *error)

    def result(self, number: int) -> Fitted:
        """Wait until a call's estimator is fitted; what its fit raised comes back, and is not raised."""
        if number not in self._found and number in self._trained:
            self._found[number] = self._finish(number)
        if number not in self._found:
            self._fit_alone()
        return self._found[number]

    def results(self) -> list[Fitted]:
        """Wait for all."""
        return [self.result(number) for number in range(len(self.calls))]

    def _begin(self, together: Together) -> None:
        """Prepare the calls one after the other, and have them trained as soon as enough of a kind are there."""
        known: dict[Hashable, tuple[FitInput, dict[str, Any]]] = {}
        like = [_structure_key(call.estimator) for call in self.calls]
        expected, size, counted = Counter(like), 0, set[int]()
        for number in _by_rows(self.calls):
            try:
                prepared = _prepare(self.calls[number], known)
            except _Alone as reason:
                self.reasons[str(reason)] += 1
                self._alone.append(number)
                continue
            except Exception:
                # The fit alone raises it again.
                self._alone.append(number)
                continue
            rows = id(prepared.fit.job.data.inputs)
            added = 0 if rows in counted else _bytes(prepared)
            if added and size and size + added > _MOST_BYTES:
                self._settle(together)
                known = {key: entry for key, entry in known.items() if entry[0] is prepared.data}
                counted, size = set(), 0
            counted.add(rows)
            size += added
            self._trained[number] = prepared, together.submit(prepared.fit.job, expected[like[number]])
        together.flush()

    def _settle(self, together: Together) -> None:
        """Wait for all that is under way, so that its rows can go."""
        together.settle()
        for number in [*self._trained]:
            self._found[number] = self._finish(number)

    def _finish(self, number: int) -> Fitted:
        """Give a trained network to its estimator; where it diverged, ``fit`` alone raises what it raises."""
        prepared, fit = self._trained.pop(number)
        result, seconds = fit.result()
        try:
            if isinstance(result, TrainingDivergedError):
                raise result
            with single_threaded_blas:
                data = prepared.data
                outcome = outcome_of(prepared.settings, (), data, data, prepared.fit.trained(result), result)
        except ValueError:
            return _fitted(self.calls[number])[1]
        self.calls[number].estimator._adopt(outcome, append=False)
        return Fitted(None, seconds + prepared.seconds)

    def _fit_alone(self) -> None:
        """Fit all that is not trained together."""
        calls = [self.calls[number] for number in self._alone]
        fits = self._parallel(delayed(_fitted)(call) for call in calls)
        for number, (estimator, fitted) in zip(self._alone, fits, strict=True):
            self._found[number] = fitted
            if estimator is not self.calls[number].estimator:
                self.calls[number].estimator.__dict__ = vars(estimator)
        if self._done is not None:
            self._done(len(calls))


def _by_rows(calls: Sequence[FitCall]) -> list[int]:
    """Calls in their order where all rows fit on the device, else those of the same rows one after the other."""
    order: dict[Hashable, list[int]] = {}
    for number, call in enumerate(calls):
        order.setdefault(call.rows, []).append(number)
    bytes_of_all = sum(bytes_of(calls[numbers[0]].X) for numbers in order.values())
    if _ENCODED * bytes_of_all <= _MOST_BYTES:
        return list(range(len(calls)))
    return [number for numbers in order.values() for number in numbers]


def bytes_of(X: Any) -> int:
    """Bytes of a table, about."""
    if sparse.issparse(X):
        return int(X.data.nbytes)
    if hasattr(X, "memory_usage"):
        return int(X.memory_usage().sum())
    return int(getattr(X, "nbytes", 8 * np.size(X)))


def _bytes(prepared: _Prepared) -> int:
    data = prepared.fit.job.data
    return int(data.inputs.nbytes + data.labels.nbytes + 2 * data.weights.nbytes)


def _prepare(call: FitCall, known: dict[Hashable, tuple[FitInput, dict[str, Any]]]) -> _Prepared:
    """Read the rows, or take them as another call has read them, and prepare the fit."""
    start, estimator = time.perf_counter(), call.estimator
    if not isinstance(estimator, BaseMultiTask):
        raise _Alone(f"{type(estimator).__name__} is none of skmtl's estimators")
    from ..networks._network import draws_for_all_members

    estimator._validate_params()
    settings = estimator._settings()
    _check_parameters(estimator, settings)
    key = _rows_key(call, settings)
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
    check_decision(settings, data, has_out_of_fold=bool(settings["oob_score"]))
    prepared = prepare_fit(settings, data)
    spec = prepared.network.spec
    if spec is not None and draws_for_all_members(spec):
        raise _Alone("gates with dropout draw their random numbers for all members at once")
    if prepared.job.structure.key is None or prepared.job.structure.programs is settings.programs:
        raise _Alone("a loss, optimizer, scheme or balancing method of your own may read anything")
    return _Prepared(settings, data, prepared, time.perf_counter() - start)


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


def _structure_key(estimator: Any) -> Hashable:
    """Equal for estimators that differ in numbers alone, as far as that can be told from their parameters."""
    if not isinstance(estimator, BaseMultiTask):
        return None
    parameters = estimator.get_params(deep=False)
    return written({name: value for name, value in parameters.items() if name not in _NUMBERS})


def _rows_key(call: FitCall, settings: Settings) -> Hashable | None:
    """Equal for estimators that read and encode the same rows alike; None where that cannot be told."""
    parameters = {name: value for name, value in settings.parameters.items() if name not in _NOT_OF_ROWS}
    routed = {prefix: settings.routed[prefix] for prefix in ("model", "numeric_embedding")}
    key = written((parameters, routed))
    rows = (id(call.X), id(call.y)) if call.rows is None else call.rows
    return None if key is None else (rows, type(call.estimator), key)


def _fitted(call: FitCall) -> tuple[Any, Fitted]:
    start = time.perf_counter()
    try:
        call.estimator.fit(call.X, call.y, **call.arguments)
    except Exception as error:
        return call.estimator, Fitted(error, time.perf_counter() - start)
    return call.estimator, Fitted(None, time.perf_counter() - start)
