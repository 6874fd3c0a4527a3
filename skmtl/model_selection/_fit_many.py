"""Make many fits at once, training networks of the same structure in one program."""

from __future__ import annotations

import itertools
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
from ._parameter_keys import parameter_key

if TYPE_CHECKING:
    from ..training._together import Fit, Together

# Maximum bytes of encoded rows on the device at a time, unless a single fit needs more.
_MOST_BYTES = 1 << 29
# Assumed ratio of the size of encoded rows to that of the table.
_ENCODED_RATIO = 4
# Parameters that do not affect how rows are read and encoded.
_NOT_FOR_ENCODING = frozenset(
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
# Parameters that enter a program as numbers, so that fits with different values can share it.
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
    """An unfitted estimator and the arguments of its ``fit``; calls with equal ``rows`` have the same X and y."""

    estimator: Any
    X: Any
    y: Any
    arguments: dict[str, Any] = field(default_factory=dict)
    rows: Hashable = None


@dataclass(frozen=True)
class _Prepared:
    """A call whose network is ready for training, and the seconds that the preparation took."""

    settings: Settings
    data: FitInput
    fit: PreparedFit
    seconds: float = 0.0


@dataclass(frozen=True)
class Fitted:
    """Outcome of a call: the error that ``fit`` raised or None, and its share of the total time in seconds."""

    error: Exception | None
    seconds: float


class _NotBatchable(Exception):
    """Raised for a fit that cannot be trained with others; the message is the reason."""


class ManyFits:
    """Fits the estimators of calls in place, training networks of the same structure together.

    Training goes on in the background while the first results are used. This is a context manager: leaving it with an
    error cancels what is still under way.

    Parameters
    ----------
    calls : sequence of FitCall
        The fits to make.
    parallel : joblib.Parallel, default=None
        Runs the fits that are made one at a time.
    done : callable, default=None
        Called with the number of fits that have just ended.

    Attributes
    ----------
    reasons : Counter
        Number of fits made one at a time, by reason.
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
        self._singles: list[int] = []
        self._outcomes: dict[int, Fitted] = {}

    def __enter__(self) -> ManyFits:
        from ..training._together import Together

        check_backend()
        self._together = Together().__enter__()
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
        """Wait until the estimator of a call is fitted; an error of the fit is returned, not raised."""
        if number not in self._outcomes and number in self._trained:
            self._outcomes[number] = self._finish(number)
        if number not in self._outcomes:
            self._fit_singly()
        return self._outcomes[number]

    def results(self) -> list[Fitted]:
        """Wait for all fits and return their outcomes."""
        return [self.result(number) for number in range(len(self.calls))]

    def _begin(self, together: Together) -> None:
        """Prepare the calls one by one; training starts as soon as enough of the same structure are ready."""
        encoded: dict[Hashable, tuple[FitInput, dict[str, Any]]] = {}
        structures = [_structure_key(call.estimator) for call in self.calls]
        expected, size, counted = Counter(structures), 0, set[int]()
        for number in _by_rows(self.calls):
            try:
                prepared = _prepare(self.calls[number], encoded)
            except _NotBatchable as reason:
                self.reasons[str(reason)] += 1
                self._singles.append(number)
                continue
            except Exception:
                # A single fit raises the error again.
                self._singles.append(number)
                continue
            rows = id(prepared.fit.job.data.inputs)
            added = 0 if rows in counted else _bytes(prepared)
            if added and size and size + added > _MOST_BYTES:
                self._settle(together)
                encoded = {key: entry for key, entry in encoded.items() if entry[0] is prepared.data}
                counted, size = set(), 0
            counted.add(rows)
            size += added
            fit = together.submit(prepared.fit.job, expected[structures[number]])
            self._trained[number] = prepared, fit
            if self._done is not None:
                _count_when_done(fit, self._done)
        together.flush()

    def _settle(self, together: Together) -> None:
        """Wait for all fits under way, so that their rows can be freed."""
        together.settle()
        for number in [*self._trained]:
            self._outcomes[number] = self._finish(number)

    def _finish(self, number: int) -> Fitted:
        """Give a trained network to its estimator; if training diverged, a single ``fit`` raises the error."""
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

    def _fit_singly(self) -> None:
        """Make all fits that are not trained together."""
        calls = [self.calls[number] for number in self._singles]
        fits = self._parallel(delayed(_fitted)(call) for call in calls)
        for number, (estimator, fitted) in zip(self._singles, fits, strict=True):
            self._outcomes[number] = fitted
            if estimator is not self.calls[number].estimator:
                self.calls[number].estimator.__dict__ = vars(estimator)
            if self._done is not None:
                self._done(1)


def _count_when_done(fit: Fit, done: Callable[[int], None]) -> None:
    """Call ``done`` once all pieces of a fit are trained: an ensemble has a piece for each group of members."""
    trained = itertools.count(1)

    def count(_: object) -> None:
        if next(trained) == len(fit.pieces):
            done(1)

    for piece in fit.pieces:
        piece.done.add_done_callback(count)


def _by_rows(calls: Sequence[FitCall]) -> list[int]:
    """Return the calls in order if all rows fit on the device, else grouped by their rows."""
    order: dict[Hashable, list[int]] = {}
    for number, call in enumerate(calls):
        order.setdefault(call.rows, []).append(number)
    total = sum(table_bytes(calls[numbers[0]].X) for numbers in order.values())
    if _ENCODED_RATIO * total <= _MOST_BYTES:
        return list(range(len(calls)))
    return [number for numbers in order.values() for number in numbers]


def table_bytes(X: Any) -> int:
    """Return the approximate size of a table in bytes."""
    if sparse.issparse(X):
        return int(X.data.nbytes)
    if hasattr(X, "memory_usage"):
        return int(X.memory_usage().sum())
    return int(getattr(X, "nbytes", 8 * np.size(X)))


def _bytes(prepared: _Prepared) -> int:
    data = prepared.fit.job.data
    return int(data.inputs.nbytes + data.labels.nbytes + 2 * data.weights.nbytes)


def _prepare(call: FitCall, encoded: dict[Hashable, tuple[FitInput, dict[str, Any]]]) -> _Prepared:
    """Read the rows, or reuse them from a call that has read them alike, and prepare the fit."""
    start, estimator = time.perf_counter(), call.estimator
    if not isinstance(estimator, BaseMultiTask):
        raise _NotBatchable(f"{type(estimator).__name__} is not one of skmtl's estimators")
    from ..networks._network import draws_for_all_members

    estimator._validate_params()
    settings = estimator._settings()
    _check_parameters(estimator, settings)
    key = _rows_key(call, settings)
    if key is None or key not in encoded:
        before = dict(vars(estimator))
        data = replace(_read(estimator, call), shared={})
        attributes = {name: value for name, value in vars(estimator).items() if name not in before}
        if key is not None:
            encoded[key] = data, attributes
    else:
        data, attributes = encoded[key]
        for name, value in attributes.items():
            setattr(estimator, name, value)
    settings = resolved(settings, data)
    if kinds_of(settings, data):
        raise _NotBatchable("a blend has other models than networks; set blend=None and ensemble_size to a number")
    check_decision(settings, data, has_out_of_fold=bool(settings["oob_score"]))
    prepared = prepare_fit(settings, data)
    spec = prepared.network.spec
    if spec is not None and draws_for_all_members(spec):
        raise _NotBatchable("gates with dropout draw random numbers for all members at once")
    if prepared.job.structure.key is None or prepared.job.structure.programs is settings.programs:
        raise _NotBatchable("a custom loss, optimizer, scheme or balancing method may depend on outside state")
    return _Prepared(settings, data, prepared, time.perf_counter() - start)


def _check_parameters(estimator: BaseMultiTask, settings: Settings) -> None:
    """Refuse parameters that follow the training of a single fit, or that carry state into it."""
    if settings["callbacks"] is not None or getattr(estimator, "_skl_callbacks", None):
        raise _NotBatchable("callbacks follow one fit at a time")
    if settings["model"] is not None:
        raise _NotBatchable("networks built by model= may have state of their own")
    if settings["verbose"]:
        raise _NotBatchable("verbose prints the epochs of one fit at a time")
    if settings["warm_start"]:
        raise _NotBatchable("warm_start continues an earlier fit")


def _read(estimator: BaseMultiTask, call: FitCall) -> FitInput:
    given = dict(call.arguments)
    weights, groups = given.pop("sample_weight", None), given.pop("groups", None)
    validation = tuple(given.pop(name, None) for name in ("X_val", "y_val", "sample_weight_val"))
    if given or (validation[0] is None and any(part is not None for part in validation)):
        raise TypeError("invalid arguments, which a single fit explains")
    return estimator._read_all(call.X, call.y, weights, None if validation[0] is None else validation, groups)


def _structure_key(estimator: Any) -> Hashable:
    """Return a key that is equal for estimators whose parameters differ only in numbers."""
    if not isinstance(estimator, BaseMultiTask):
        return None
    parameters = estimator.get_params(deep=False)
    return parameter_key({name: value for name, value in parameters.items() if name not in _NUMBERS})


def _rows_key(call: FitCall, settings: Settings) -> Hashable | None:
    """Return a key that is equal for estimators that read and encode the same rows alike; None if unknown."""
    parameters = {name: value for name, value in settings.parameters.items() if name not in _NOT_FOR_ENCODING}
    routed = {prefix: settings.routed[prefix] for prefix in ("model", "numeric_embedding")}
    key = parameter_key((parameters, routed))
    rows = (id(call.X), id(call.y)) if call.rows is None else call.rows
    return None if key is None else (rows, type(call.estimator), key)


def _fitted(call: FitCall) -> tuple[Any, Fitted]:
    start = time.perf_counter()
    try:
        call.estimator.fit(call.X, call.y, **call.arguments)
    except Exception as error:
        return call.estimator, Fitted(error, time.perf_counter() - start)
    return call.estimator, Fitted(None, time.perf_counter() - start)
