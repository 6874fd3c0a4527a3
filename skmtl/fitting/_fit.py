"""From checked data and parameters to a fitted network: the one place that connects the stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import check_random_state

from .._blas import single_threaded_blas
from .._records import EncodedTargets, TargetScaling, TrainingNumbers, TrainingResult
from ..features import FeatureEncoder
from ..inference._fitted import FittedNetwork
from ..targets import fit_scaling
from ._adaptive_defaults import FEWEST_ROWS
from ._balancing import Balance
from ._fit_task import EpochTasks, FitTask
from ._input import FitInput, Settings
from ._per_task import task_weights
from ._rescale import head_places, rescaled

if TYPE_CHECKING:
    from ..training._epoch_state import Observer
    from ..training._structure import TrainingJob
    from ._losses import Objective
    from ._networks import BuiltNetwork

# With fewer rows, early_stopping="auto" holds none out for a single network: too few to choose an epoch by.
_FEWEST_ROWS_ALONE = 50


@dataclass(frozen=True)
class PreparedFit:
    """A network before training, and what the engine needs to train it.

    ``goes_on`` is whether training can continue later (partial_fit); ``before`` counts the epochs of earlier fits.
    """

    network: FittedNetwork
    job: TrainingJob
    balance: Balance
    goes_on: bool
    before: int

    def trained(self, result: TrainingResult) -> FittedNetwork:
        """Return the network with the result of training."""
        return replace(
            self.network,
            parameters=result.parameters,
            frozen=result.frozen,
            optimizer_state=result.optimizer_state if self.goes_on else None,
            balancing_state=self.balance.after(result) if self.goes_on else None,
            held_out=result.held_out,
            trained_epochs=self.before + result.n_epochs,
        )


def fit_network(
    settings: Settings,
    data: FitInput,
    previous: FittedNetwork | None,
    task: FitTask | None = None,
    observer: Observer | None = None,
) -> tuple[FittedNetwork, TrainingResult]:
    """Encode, build and train; ``previous`` is the network to continue from (warm_start, partial_fit).

    ``task`` is this fit as scikit-learn's callbacks see it, if there are any; ``observer`` is called at the end of
    every epoch.
    """
    from ..training import train
    from ._callbacks import callbacks_for

    prepared = prepare_fit(settings, data, previous)
    callbacks = callbacks_for(settings, prepared.network)
    watch = None if task is None else EpochTasks(task, prepared.trained)
    job = prepared.job
    result = train(job.structure, job.data, job.numbers, callbacks, int(settings["verbose"]), watch, observer)
    return prepared.trained(result), result


def prepare_fit(settings: Settings, data: FitInput, previous: FittedNetwork | None = None) -> PreparedFit:
    """Do everything that comes before training: encode and build."""
    from ._training import training_job

    if data.n_train == 0:
        raise ValueError("y has no label with a positive weight: there is nothing to learn from.")
    if not settings.incremental:
        data.check_labels()
    features = (
        previous.features if previous is not None else data.once("features", lambda: fit_features(settings, data))
    )
    seeds = draw_seeds(settings)
    start = starting_network(settings, data, features, seeds, previous)
    job = training_job(settings, data, start.built, start.network, start.numbers, seeds["rows"], start.balance)
    before = previous.trained_epochs if previous is not None else 0
    return PreparedFit(start.network, job, start.balance, settings.incremental, before)


def draw_seeds(settings: Settings) -> dict[str, int]:
    """Draw the seeds of a fit, by purpose."""
    random = check_random_state(settings["random_state"])
    return dict(zip(("weights", "frozen", "rows", "batches"), random.randint(2**31 - 1, size=4).tolist(), strict=True))


@dataclass(frozen=True)
class StartingNetwork:
    """A network before training, how it was built, and the numbers to train it with."""

    network: FittedNetwork
    built: BuiltNetwork
    numbers: TrainingNumbers
    balance: Balance


def starting_network(
    settings: Settings,
    data: FitInput,
    features: FeatureEncoder,
    seeds: dict[str, int],
    previous: FittedNetwork | None = None,
) -> StartingNetwork:
    """Build the network and compute all numbers of the fit."""
    from ._networks import build_fit

    built = build_fit(settings, data, features, previous, seeds)
    scaling, built, new_units = _scaling(settings, data, built, previous)
    trained = previous.trained_epochs if previous is not None else 0
    balance = Balance.of(settings, previous)
    # Every call of partial_fit takes the rows in another order, which is the same in every run.
    numbers = _numbers(settings, data, seeds["batches"] + trained, balance.method.constants())
    network = FittedNetwork(
        features=features,
        targets=data.encoder,
        scaling=scaling,
        units=data.once("units", lambda: _units(settings, data, built.objective, scaling, previous, new_units)),
        heads=built.objective.heads,
        parameters=built.parameters,
        frozen=tuple(built.frozen),
        members=int(settings["ensemble_size"]),
        n_rows=data.n_train,
        dropout=float(settings["dropout"]),
        spec=built.spec,
        custom=built.source,
        custom_key=built.custom_key,
        optimizer_state=previous.optimizer_state if previous is not None and settings.incremental else None,
    )
    return StartingNetwork(network, built, numbers, balance)


def _scaling(
    settings: Settings, data: FitInput, built: BuiltNetwork, previous: FittedNetwork | None
) -> tuple[TargetScaling, BuiltNetwork, np.ndarray]:
    """Return the target scaling, the network that fits it, and a mask of the tasks whose units changed."""
    modes, spec, places = built.objective.modes, built.spec, None
    if spec is not None and not built.own:
        places = head_places(built.make(spec.members).parameters, spec)
    if previous is None:
        more_to_come = places is None and (settings.incremental or settings["warm_start"])
        scaling = data.once("scaling", lambda: fit_scaling(data.targets, modes, more_to_come=more_to_come))
        return scaling, built, np.zeros(len(modes), dtype=bool)
    new = rescaled(previous.scaling, built.parameters, data.targets, built.objective.heads, modes, places)
    return new.scaling, replace(built, parameters=new.parameters), new.tasks


def _units(
    settings: Settings,
    data: FitInput,
    goal: Objective,
    scaling: TargetScaling,
    previous: FittedNetwork | None,
    new: np.ndarray,
) -> np.ndarray:
    """Return the loss of a constant prediction, per task, (n_tasks,): the unit in which the losses of a fit count.

    Later batches of partial_fit keep the units of the first one, except for tasks with ``new`` scales.
    """
    from ..losses import constant_losses

    known = previous.units if previous is not None and settings.incremental else None
    if known is not None and not new.any():
        return known
    with single_threaded_blas:
        losses = constant_losses(data.targets, goal.rules, goal.heads, scaling)
    return losses if known is None else np.where(new, losses, known)


def fit_features(settings: Settings, data: FitInput) -> FeatureEncoder:
    """Fit the encoder of X."""
    from ..networks import resolve_numeric_embedding

    scale, own = settings["scale_inputs"], settings["model"] is not None
    if scale == "auto":
        # The caller's own network gets X as it is.
        scale = not own
    embedding = resolve_numeric_embedding(settings["numeric_embedding"], settings.routed["numeric_embedding"])
    return FeatureEncoder.fit(
        data.X,
        scaling={True: "standard", False: "none"}.get(scale, scale),
        weights=row_weights(data.targets),
        levels=data.levels,
        one_hot_max_size=None if own else int(settings["one_hot_max_size"]),
        n_bins=None if embedding is None or own else getattr(embedding, "n_bins", 0),
        more_to_come=settings.incremental or settings["warm_start"],
    )


def row_weights(targets: EncodedTargets) -> np.ndarray | None:
    """Return the mean weight of each row's labels, or None if all are equal."""
    observed = np.maximum(targets.observed.sum(axis=1), 1)
    weights = targets.weights.sum(axis=1) / observed
    return None if np.ptp(weights) == 0 else weights


def _numbers(settings: Settings, data: FitInput, seed: int, constants: Mapping[str, float]) -> TrainingNumbers:
    rate, decay = settings["learning_rate"], settings["weight_decay"]
    if settings.incremental and settings["learning_rate_schedule"] == "cosine":
        raise ValueError(
            'learning_rate_schedule="cosine" needs a last epoch, which partial_fit does not have. Set "constant".'
        )
    return TrainingNumbers(
        learning_rate=None if rate is None else float(rate),
        weight_decay=None if decay is None else float(decay),
        dropout=float(settings["dropout"]),
        task_weights=task_weights(settings["loss_weights"], [task.name for task in data.encoder.tasks]),
        epochs=int(settings["epochs"]),
        batch_size=batch_size(settings["batch_size"], data.n_train),
        tol=float(settings["tol"]),
        patience=int(settings["n_iter_no_change"]),
        early_stopping=stops_early(settings, data),
        shuffle=bool(settings["shuffle"]),
        seed=seed,
        balancing=tuple(sorted(constants.items())),
        cosine=settings["learning_rate_schedule"] == "cosine",
        stopped_by_others=settings.stopped_by_others,
        criteria=_stopping_criteria(settings, data),
    )


def _stopping_criteria(settings: Settings, data: FitInput) -> np.ndarray | None:
    if settings.also_stopped_for is None:
        return None
    kinds = np.array([task.kind for task in data.encoder.tasks])
    return np.stack([np.ones(len(kinds), bool), kinds == settings.also_stopped_for])


def stops_early(settings: Settings, data: FitInput) -> bool:
    """Whether members stop at their best epoch: if validation rows are given, or enough rows to hold some out."""
    if settings["validation_split"] is not None:
        return settings["early_stopping"] is not False
    if settings["early_stopping"] == "auto":
        fewest = _FEWEST_ROWS_ALONE if settings["ensemble_size"] == 1 else FEWEST_ROWS
        return data.validation is not None or data.n_train >= fewest
    return bool(settings["early_stopping"])


def batch_size(given: int | str, n_samples: int) -> int:
    """Return the rows per step; "auto" is a 32nd of the rows, rounded to a power of 2 from 32 to 256."""
    if given == "auto":
        given = 1 << int(np.clip(np.round(np.log2(max(n_samples, 1) / 32)), 5, 8))
    return max(1, min(int(given), n_samples))
