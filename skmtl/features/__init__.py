"""Encoding of features: from X, in any container, to the float matrix that the network gets."""

from ._cells import as_cells, explained
from ._columns import category_columns, refuse_times
from ._encoder import FeatureEncoder
from ._levels import CategoryLevels
from ._numeric import NumericEncoder, Scaling

__all__ = [
    "CategoryLevels",
    "FeatureEncoder",
    "NumericEncoder",
    "Scaling",
    "as_cells",
    "category_columns",
    "explained",
    "refuse_times",
]
