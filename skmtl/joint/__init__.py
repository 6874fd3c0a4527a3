"""Targets predicted jointly: what out-of-fold errors of all tasks say of one another; numpy and scipy alone."""

from ._columns import ErrorColumns
from ._conditional import patterns_of
from ._draws import Copula
from ._model import ErrorModel, JointModel, fit_joint_model
from ._region import Box, Ellipsoid, fit_box, fit_ellipsoid

__all__ = [
    "Box",
    "Copula",
    "Ellipsoid",
    "ErrorColumns",
    "ErrorModel",
    "JointModel",
    "fit_box",
    "fit_ellipsoid",
    "fit_joint_model",
    "patterns_of",
]
