"""Fit the blend: one for rows like the training rows and, if the data allow it, one for shifted rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..fitting._fit import fit_network
from ..fitting._input import FitInput, Settings
from ..inference._fitted import FittedNetwork
from ._fitted import FittedBlend, ShiftedBlend
from ._folds import folds_of
from ._parts import SCALINGS, BlendFit, fit_parts, settings_of_additional_network
from ._shift_detector import BLOCKS, blocks_of, fit_shift_detector

# Scaling of the features for distances: that of the kernel model whose relevance they use.
_SCALING = SCALINGS["laplacian"]
# With fewer rows, blocks are too short to stand for another time or group.
_FEWEST_ROWS = 160
# With fewer labels, neither their spread over blocks nor errors can be measured.
_FEWEST_LABELS = 16
# Parts of the blend for shifted rows; fitting the other networks again would double the time.
_KINDS = ("network", "regression_network", "ridge", "rbf", "laplacian")


def fit_blend(
    settings: Settings, kinds: Sequence[str], data: FitInput, networks: Mapping[str, FittedNetwork], seed: int
) -> FittedBlend | None:
    """Fit kernel models and additional networks to blend with ``networks``; None if no rows are held out."""
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
    """Fit the blend for shifted rows on held-out blocks; None if rows of a block are not more alike than others."""
    kernel_model = next(
        (part.kernel_model for part in in_distribution.blend.parts[::-1] if part.name in ("laplacian", "rbf")), None
    )
    blocks = blocks_of(data.n_train)
    held = [blocks[number] for number in _held_out_blocks(int(settings["ensemble_size"]), len(blocks))]
    if kernel_model is None or data.n_train < _FEWEST_ROWS or not _learnable(data, blocks, held):
        return None
    encoded = in_distribution.encoded[_SCALING]
    detector = fit_shift_detector(
        encoded, kernel_model.relevance, _random_folds(folds, data.n_train, seed), blocks, seed
    )
    if detector is None:
        return None
    splits = [(data.kept[np.setdiff1d(np.arange(data.n_train), block)], data.kept[block]) for block in held]
    # If a network stopped at the best epoch for its own block, its error there would be too optimistic.
    others = replace(settings_of_additional_network(settings, validation_split=splits), stopped_by_others=True)
    network, result = fit_network(others, data, None)
    chosen = [kind for kind in kinds if kind in _KINDS]
    shifted = fit_parts(settings, chosen, data, network.by_criterion(result), blocks, seed, known=in_distribution)
    return ShiftedBlend(detector, in_distribution.encoders[_SCALING], shifted.blend)


def _held_out_blocks(members: int, n_blocks: int) -> np.ndarray:
    """Return the blocks that members hold out: all, or with fewer members the last one and others evenly spread."""
    if members < n_blocks:
        return n_blocks - 1 - np.linspace(0, n_blocks, members, endpoint=False).astype(int)
    # Consecutive members form a group and choose each other's epoch, so neighbouring blocks go to different groups.
    return np.r_[np.arange(0, n_blocks, 2), np.arange(1, n_blocks, 2)]


def _random_folds(folds: Sequence[np.ndarray], n_rows: int, seed: int) -> Sequence[np.ndarray]:
    """Return the members' folds, or random ones if few members left most rows in a single fold."""
    if max(len(fold) for fold in folds) <= n_rows // 4:
        return folds
    return np.array_split(np.random.default_rng(seed).permutation(n_rows), BLOCKS)


def _learnable(data: FitInput, blocks: Sequence[np.ndarray], held: Sequence[np.ndarray]) -> bool:
    """Whether every task can be learned without any one block, and held-out blocks have enough labels of each task.

    No block may have more than half of the labels of a task or class: if rows are sorted by class, blocks do not stand
    for other times or groups.
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
        # A few labels may fall into one block by chance.
        if np.count_nonzero(kind) >= _FEWEST_LABELS
    )


def _kinds_of_labels(data: FitInput) -> Iterator[np.ndarray]:
    """Yield masks (n_rows,) of the labels of each regression and of each class."""
    observed, values = data.targets.observed, data.targets.values
    for number, task in enumerate(data.encoder.tasks):
        known = observed[:, number]
        if task.kind == "regression":
            yield known
        else:
            yield from (known & (values[:, number] == code) for code in range(len(task.classes)))
