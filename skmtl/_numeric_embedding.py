"""Embeddings of numeric columns, as an estimator's ``numeric_embedding=`` takes them: options, and no Keras.

Fitted networks hold them, and are to be loaded and predict without TensorFlow. Their layers are in ``networks``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ._options import Options


@dataclass(frozen=True)
class NumericEmbedding(Options):
    """Base of the embeddings of numeric columns: each column becomes several numbers before the first layer.

    An embedding is a frozen dataclass, as sharing schemes are. Columns with two values at most are left as they
    are: a line tells two values apart.
    """

    parameter: ClassVar[str] = "numeric_embedding"
    bins: ClassVar[bool] = False  # whether the encoder of the features has to fit bins


@dataclass(frozen=True)
class PiecewiseLinear(NumericEmbedding):
    """Piecewise-linear embedding on quantile bins (Gorishniy et al., 2022).

    A column's value becomes how much of each bin lies below it, and a linear map of that, which starts at zero,
    is added to a linear map of the value itself: a network begins as one without embeddings, and bends where the
    data ask for it.

    Parameters
    ----------
    n_bins : int, default=32
        Most bins of a column. A column has fewer where it has fewer values, or fewer than 8 rows a bin.
    dim : int, default=8
        Numbers that a column becomes.

    Notes
    -----
    The edges are the training rows' quantiles, whatever the targets. Beyond the outermost edges only the linear
    part goes on, where the paper's first and last bin do.

    References
    ----------
    Y. Gorishniy, I. Rubachev, A. Babenko (2022), "On Embeddings for Numerical Features in Tabular Deep
    Learning", NeurIPS.

    Y. Gorishniy, A. Kotelnikov, A. Babenko (2025), "TabM: Advancing Tabular Deep Learning with
    Parameter-Efficient Ensembling", ICLR.

    Examples
    --------
    >>> from skmtl.networks import PiecewiseLinear
    >>> PiecewiseLinear(n_bins=16)
    PiecewiseLinear(n_bins=16, dim=8)
    """

    name: ClassVar[str] = "piecewise_linear"
    bins: ClassVar[bool] = True

    n_bins: int = 32
    dim: int = 8

    def __post_init__(self) -> None:
        self._count("n_bins")
        self._count("dim")


@dataclass(frozen=True)
class Periodic(NumericEmbedding):
    """Periodic embedding: cosines of learned frequencies and phases, mixed by a linear map for each column.

    Parameters
    ----------
    n_frequencies : int, default=16
        Cosines of each column.
    dim : int, default=4
        Numbers that a column becomes, at least 2: its value, and mixtures of the cosines.
    frequency_scale : float, default=0.1
        Standard deviation of the frequencies at the start, for columns scaled to about unit spread.

    Notes
    -----
    The form ("PBLD") and the defaults are RealMLP's. That trains these weights at a tenth of the learning rate;
    here all weights have the same.

    References
    ----------
    Y. Gorishniy, I. Rubachev, A. Babenko (2022), "On Embeddings for Numerical Features in Tabular Deep
    Learning", NeurIPS.

    D. Holzmueller, L. Grinsztajn, I. Steinwart (2024), "Better by Default: Strong Pre-Tuned MLPs and Boosted
    Trees on Tabular Data", NeurIPS.

    Examples
    --------
    >>> from skmtl.networks import Periodic
    >>> Periodic(frequency_scale=1)
    Periodic(n_frequencies=16, dim=4, frequency_scale=1.0)
    """

    name: ClassVar[str] = "periodic"

    n_frequencies: int = 16
    dim: int = 4
    frequency_scale: float = 0.1

    def __post_init__(self) -> None:
        self._count("n_frequencies")
        self._count("dim", least=2)
        self._positive("frequency_scale")
