"""Encoding of targets: y to values and weights, and network outputs back to labels."""

from ._columns import TargetColumns, read_columns
from ._containers import as_table
from ._encoder import TargetEncoder, check_same_family, quantities
from ._kinds import infer_kinds
from ._scaling import ScalingMode, fit_scaling
from ._types import ColumnLabels, ColumnType, as_objects, stacked
from ._weights import weights_in_order

__all__ = [
    "ColumnLabels",
    "ColumnType",
    "ScalingMode",
    "TargetColumns",
    "TargetEncoder",
    "as_objects",
    "as_table",
    "check_same_family",
    "fit_scaling",
    "infer_kinds",
    "quantities",
    "read_columns",
    "stacked",
    "weights_in_order",
]
