"""Keras losses, evaluated as one value per row and task."""

from ._baseline import constant_losses
from ._groups import LossGroup, group_losses
from ._rule import LossRule, default_rule, resolve_rule

__all__ = ["LossGroup", "LossRule", "constant_losses", "default_rule", "group_losses", "resolve_rule"]
