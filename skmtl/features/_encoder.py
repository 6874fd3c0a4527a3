"""Encode all columns of X as the float matrix that the network gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._arrays import aligned_zeros
from .._records import InputLayout
from ._bins import ColumnBins
from ._levels import CategoryLevels
from ._numeric import NumericEncoder, Scaling, smooth_clip
from ._rows import chunks, plain
from ._slots import CategorySlots


@dataclass(frozen=True)
class FeatureEncoder:
    """Fitted encoders of the numeric and the categorical columns, and the layout of their outputs.

    The matrix has, in this order: numeric columns to embed, other numeric columns, missing-value indicators,
    one-hot columns, positions of the columns to embed among their bins, and row numbers of the embedding table.

    Attributes
    ----------
    numeric : NumericEncoder
        Encoder of the numeric columns.
    levels : CategoryLevels
        Categorical columns and their levels; X holds codes.
    slots : CategorySlots or None
        Encoding of the codes; None without categorical columns.
    bins : ColumnBins or None
        Numeric columns to embed and their bins; None if no column is embedded.
    """

    numeric: NumericEncoder
    levels: CategoryLevels = field(default_factory=CategoryLevels)
    slots: CategorySlots | None = None
    bins: ColumnBins | None = None

    @classmethod
    def fit(
        cls,
        X: Any,
        *,
        scaling: Scaling = "standard",
        weights: np.ndarray | None = None,
        levels: CategoryLevels | None = None,
        one_hot_max_size: int | None = None,
        n_bins: int | None = None,
        more_to_come: bool = False,
    ) -> FeatureEncoder:
        """Fit the encoders to X, dense or sparse, with NaN for missing values and codes for categories.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
            Numbers, as returned by :meth:`CategoryLevels.encode`.
        scaling : {"none", "standard", "robust"}, default="standard"
            See :meth:`NumericEncoder.fit`.
        weights : ndarray of shape (n_samples,), default=None
            Number of times each row counts; None counts each row once.
        levels : CategoryLevels, default=None
            Categorical columns; None if there are none.
        one_hot_max_size : int, default=None
            Categorical columns that need more one-hot columns than this are embedded; None embeds none.
        n_bins : int, default=None
            Number of bins of each numeric column to embed, 0 to embed without bins; None embeds no numeric column.
        more_to_come : bool, default=False
            Whether more rows follow (partial_fit).

        Returns
        -------
        FeatureEncoder
            The fitted encoder.
        """
        levels = CategoryLevels() if levels is None else levels
        numbers = np.delete(X, levels.columns, axis=1) if levels.columns else X
        numeric = NumericEncoder.fit(numbers, scaling=scaling, weights=weights, more_to_come=more_to_come)
        slots = None
        if levels.columns:
            sizes, n_indicators = [len(column_levels) for column_levels in levels.levels], len(numeric.indicators)
            slots = CategorySlots.fit(X[:, levels.columns], sizes, one_hot_max_size, n_indicators)
        bins = None if n_bins is None else ColumnBins.fit(numbers, numeric, n_bins, weights)
        return cls(numeric, levels, slots, bins if bins is not None and len(bins.columns) else None)

    @property
    def n_features(self) -> int:
        """Number of columns of X."""
        return self.numeric.n_features + len(self.levels.columns)

    @property
    def n_outputs(self) -> int:
        """Number of columns of the matrix."""
        layout = self.layout()
        return self.numeric.n_outputs if layout is None else layout.n_columns

    def layout(self, numeric_embedding: Any = None) -> InputLayout | None:
        """Return the layout of the matrix for the network; None if all columns are plain numbers."""
        if self.slots is None and self.bins is None:
            return None
        embedded = 0 if self.bins is None else len(self.bins.columns)
        return InputLayout(
            embedded=embedded,
            plain=self.numeric.n_outputs - embedded + (0 if self.slots is None else self.slots.n_one_hot),
            positions=0 if self.bins is None else len(self.bins.edges),
            codes=0 if self.slots is None else self.slots.n_embedded,
            table_rows=0 if self.slots is None else self.slots.n_rows,
            numeric_embedding=numeric_embedding if embedded else None,
        )

    def transform(self, X: Any, *, n_rows: int | None = None, dtype: Any = np.float32) -> np.ndarray:
        """Encode X to (n_rows or n_samples, n_outputs); rows beyond those of X stay zero."""
        layout = self.layout()
        if layout is None:
            return self.numeric.transform(X, n_rows=n_rows, dtype=dtype)
        n_samples = X.shape[0]
        out = aligned_zeros((n_samples if n_rows is None else n_rows, layout.n_columns), dtype)
        for rows in chunks(n_samples, max(X.shape[1], layout.n_columns)):
            self._encode(plain(X[rows]), out[rows], layout)
        return out

    def _encode(self, part: np.ndarray, out: np.ndarray, layout: InputLayout) -> None:
        codes = part[:, self.levels.columns]
        numbers = np.delete(part, self.levels.columns, axis=1) if self.levels.columns else part
        scaled, gap = self.numeric.scaled(numbers)
        values = smooth_clip(scaled) if self.numeric.clip else scaled
        if self.bins is not None:
            values = values[:, self.order()]
            start = layout.embedded + layout.plain
            out[:, start : start + layout.positions] = self.bins.positions(scaled) if layout.positions else 0.0
        width = values.shape[1]
        out[:, :width] = values
        one_hot = width + len(self.numeric.indicators)
        out[:, width:one_hot] = gap[:, self.numeric.indicators]
        if self.slots is not None:
            end = layout.n_columns - layout.codes
            self.slots.encode(codes, out[:, one_hot : one_hot + self.slots.n_one_hot], out[:, end:])

    def order(self) -> np.ndarray:
        """Return the numeric columns in the order of the matrix: those to embed come first."""
        if self.bins is None:
            return np.arange(self.numeric.n_features)
        others = np.setdiff1d(np.arange(self.numeric.n_features), self.bins.columns)
        return np.concatenate([self.bins.columns, others])

    def layer_settings(self) -> dict[str, Any]:
        """Return the settings of the Keras layer with the same encoding (``skmtl.networks.InputEncoding``)."""
        numeric = self.numeric
        settings: dict[str, Any] = {
            "center": numeric.center,
            "scale": numeric.scale,
            "fill": numeric.fill,
            "indicators": numeric.indicators,
            "clip": numeric.clip,
        }
        if self.bins is not None:
            settings |= {"order": self.order(), "edges": self.bins.edges}
        if self.slots is not None:
            slots = self.slots
            settings |= {"categories": self.levels.columns, "lookup": slots.lookup, "embedded": slots.embedded}
            settings["n_one_hot"] = slots.n_one_hot
        return settings
