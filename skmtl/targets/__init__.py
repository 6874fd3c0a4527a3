"""Targets: y as the caller gives it to values and weights, and network outputs back to labels."""

from ._columns import TargetColumns, as_table, read_columns
from ._encoder import TargetEncoder
from ._kinds import infer_kinds
from ._scaling import ScalingMode, fit_scaling

__all__ = ["ScalingMode", "TargetColumns", "TargetEncoder", "as_table", "fit_scaling", "infer_kinds", "read_columns"]
