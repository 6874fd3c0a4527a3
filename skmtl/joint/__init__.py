"""Joint distribution of the tasks' out-of-fold errors; imports only numpy, scipy and scikit-learn."""

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
