"""The blend of a fit: one for rows like the training rows, and where these tell, one for rows far from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..fitting._fit import fit_network
from ..fitting._input import FitInput, Settings
from ..inference._fitted import FittedNetwork
from ._fitted import FittedBlend, ShiftedBlend
from ._folds import folds_of
from ._parts import VIEWS, BlendFit, additional_network_settings, fit_parts
from ._shift_detector import BLOCKS, blocks_of, fit_shift_detector

# Features whose distances are taken, as the kernel that says which of them matter sees them.
_VIEW = VIEWS["laplacian"]
# With fewer rows, blocks are too short to be another time or group.
_FEWEST_ROWS = 160
# Fewer labels say nothing of how they are spread over blocks, or how well they are predicted.
_FEWEST_LABELS = 16
# Parts of the blend for rows that are far; another set of the other networks would take as long again.
_KINDS = ("network", "regression_network", "ridge", "rbf", "laplacian")


def fit_blend(
    settings: Settings, kinds: Sequence[str], data: FitInput, networks: Mapping[str, FittedNetwork], seed: int
) -> FittedBlend | None:
    """Kernel models and further networks beside those there are; None where no rows are held out to weigh them by."""
    held_out = networks["network"].held_out
    if not any(len(rows) for rows in held_out):
        return None
    folds = folds_of(held_out, data.n_train)
    in_distribution = fit_parts(settings, kinds, data, networks, folds, seed)
    if settings["covariate_shift"] == "ignore" or settings["validation_split"] is not None:
        return in_distribution.blend
    return replace(in_distribution.blend, shifted=_fit_shifted(settings, kinds, data, in_distribution, folds, seed))


def _fit_shifted(
    settings: Settings,
    kinds: Sequence[str],
    data: FitInput,
    in_distribution: BlendFit,
    folds: Sequence[np.ndarray],
    seed: int,
) -> ShiftedBlend | None:
    """What is fitted and weighed by blocks of rows left out; None where rows near each other are not more alike."""
    kernel_model = next(
        (part.kernel_model for part in in_distribution.blend.parts[::-1] if part.name in ("laplacian", "rbf")), None
    )
    blocks = blocks_of(data.n_train)
    held = [blocks[turn] for turn in _turns(int(settings["ensemble_size"]), len(blocks))]
    if kernel_model is None or data.n_train < _FEWEST_ROWS or not _learnable(data, blocks, held):
        return None
    encoded = in_distribution.encoded[_VIEW]
    detector = fit_shift_detector(encoded, kernel_model.relevance, _eighths(folds, data.n_train, seed), blocks, seed)
    if detector is None:
        return None
    splits = [(data.kept[np.setdiff1d(np.arange(data.n_train), block)], data.kept[block]) for block in held]
    # A network that stopped when it was best on a block would be weighed by how well it could have been stopped.
    others = replace(additional_network_settings(settings, validation_split=splits), stopped_by_others=True)
    network, result = fit_network(others, data, None)
    chosen = [kind for kind in kinds if kind in _KINDS]
    shifted = fit_parts(settings, chosen, data, network.by_criterion(result), blocks, seed, known=in_distribution)
    return ShiftedBlend(detector, in_distribution.views[_VIEW], shifted.blend)


def _turns(members: int, n_blocks: int) -> np.ndarray:
    """Which blocks members hold out: all, or where members are few the last one, and others from everywhere."""
    if members < n_blocks:
        return n_blocks - 1 - np.linspace(0, n_blocks, members, endpoint=False).astype(int)
    # Members are trained, and judge each other, in groups of those that follow each other.
    return np.r_[np.arange(0, n_blocks, 2), np.arange(1, n_blocks, 2)]


def _eighths(folds: Sequence[np.ndarray], n_rows: int, seed: int) -> Sequence[np.ndarray]:
    """What eight members held out; where fewer leave most rows in one part, parts drawn at random."""
    if max(len(fold) for fold in folds) <= n_rows // 4:
        return folds
    return np.array_split(np.random.default_rng(seed).permutation(n_rows), BLOCKS)


def _learnable(data: FitInput, blocks: Sequence[np.ndarray], held: Sequence[np.ndarray]) -> bool:
    """Whether tasks can be learned without any block, and what members hold out says something of each.

    No block may have more than half of the labels of a task, or of a class: rows sorted by class tell of no time.
    """
    observed = data.targets.observed
    counts = observed.sum(axis=0)
    enough = np.minimum(counts // 2, _FEWEST_LABELS)
    if (observed[np.concatenate(held)].sum(axis=0) < enough).any():
        return False
    if any((observed[block].sum(axis=0) >= counts).any() for block in blocks):
        return False
    return all(
        2 * np.count_nonzero(kind[block]) <= np.count_nonzero(kind)
        for kind in _kinds_of_labels(data)
        for block in blocks
        # Few labels may be in one block by chance.
        if np.count_nonzero(kind) >= _FEWEST_LABELS
    )


def _kinds_of_labels(data: FitInput) -> Iterator[np.ndarray]:
    """Masks (n_rows,) of the labels of each regression, and of those of each class."""
    observed, values = data.targets.observed, data.targets.values
    for number, task in enumerate(data.encoder.tasks):
        known = observed[:, number]
        if task.kind == "regression":
            yield known
        else:
            yield from (known & (values[:, number] == code) for code in range(len(task.classes)))
