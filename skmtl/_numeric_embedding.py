"""Options of embeddings of numeric columns (``numeric_embedding=``), without Keras.

Fitted networks hold them, and must load and predict without TensorFlow. The layers are in ``networks``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ._options import Options


@dataclass(frozen=True)
class NumericEmbedding(Options):
    """Base of the embeddings of numeric columns: each column becomes several numbers before the first layer.

    An embedding is a frozen dataclass, like a sharing scheme. Columns with at most two values are not embedded,
    because a linear map already tells two values apart.
    """

    parameter: ClassVar[str] = "numeric_embedding"
    bins: ClassVar[bool] = False  # whether the encoder of the features has to fit bins


@dataclass(frozen=True)
class PiecewiseLinear(NumericEmbedding):
    """Piecewise-linear embedding on quantile bins (Gorishniy et al., 2022).

    A value is encoded as the fraction of each bin that lies below it. A linear map of this encoding, which starts at
    zero, is added to a linear map of the value itself. Training therefore starts from a network without embeddings.

    Parameters
    ----------
    n_bins : int, default=32
        Maximum number of bins of a column. It has fewer if it has fewer values, or fewer than 8 rows per bin.
    dim : int, default=8
        Numbers per column after embedding.

    Notes
    -----
    The edges are quantiles of the training rows and do not depend on the targets. Beyond the outermost edges, only the
    linear part continues; in the paper, the first and last bin do.

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
    """Periodic embedding: cosines with learned frequencies and phases, mixed by one linear map per column.

    Parameters
    ----------
    n_frequencies : int, default=16
        Number of cosines per column.
    dim : int, default=4
        Numbers per column after embedding, at least 2: its value and mixtures of the cosines.
    frequency_scale : float, default=0.1
        Standard deviation of the initial frequencies, for columns scaled to about unit spread.

    Notes
    -----
    The form ("PBLD") and the defaults are those of RealMLP (Holzmueller et al., 2024). RealMLP trains these weights at
    a tenth of the learning rate; here all weights have the same learning rate.

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
