"""The classes that a file may name, with their modules.

A file names classes, never modules. A module is imported when a file names one of its classes.
"""

from __future__ import annotations

from importlib import import_module

from ..balancing._registry import METHODS

# Records: frozen dataclasses, rebuilt from their fields.
RECORDS = {
    "BlendPart": "skmtl.blending._fitted",
    "Bypass": "skmtl.networks._bypass",
    "CGC": "skmtl.networks._cgc",
    "CategoryLevels": "skmtl.features._levels",
    "CategorySlots": "skmtl.features._slots",
    "ColumnBins": "skmtl.features._bins",
    "ColumnLabels": "skmtl.targets._types",
    "ColumnType": "skmtl.targets._types",
    "Columns": "skmtl.blending._columns",
    "Copula": "skmtl.joint._draws",
    "CrossStitch": "skmtl.networks._cross_stitch",
    "CustomSource": "skmtl._records",
    "ErrorColumns": "skmtl.joint._columns",
    "ErrorModel": "skmtl.joint._model",
    "FeatureEncoder": "skmtl.features._encoder",
    "FittedBlend": "skmtl.blending._fitted",
    "FittedNetwork": "skmtl.inference._fitted",
    "Head": "skmtl._records",
    "Independent": "skmtl.networks._independent",
    "InputLayout": "skmtl._records",
    "JointModel": "skmtl.joint._model",
    "Kernel": "skmtl.kernels._kernel",
    "KernelModel": "skmtl.kernels._model",
    "LostFunction": "skmtl.persistence._lost_function",
    "LowRank": "skmtl.networks._low_rank",
    "MMoE": "skmtl.networks._mmoe",
    "NetworkSpec": "skmtl._records",
    "NumericEncoder": "skmtl.features._numeric",
    "OMoE": "skmtl.networks._omoe",
    "PLE": "skmtl.networks._ple",
    "Periodic": "skmtl._numeric_embedding",
    "PiecewiseLinear": "skmtl._numeric_embedding",
    "SharedBottom": "skmtl.networks._shared_bottom",
    "ShiftDetector": "skmtl.blending._shift_detector",
    "ShiftedBlend": "skmtl.blending._fitted",
    "TargetEncoder": "skmtl.targets._encoder",
    "TargetScaling": "skmtl._records",
    "Task": "skmtl._records",
    "TaskAffinity": "skmtl.inspection._affinity_result",
    "TaskConditioned": "skmtl.networks._task_conditioned",
}

ESTIMATORS = {
    "MultiTaskKerasClassifier": "skmtl.estimators._classifier",
    "MultiTaskKerasEstimator": "skmtl.estimators._mixed",
    "MultiTaskKerasRegressor": "skmtl.estimators._regressor",
    "TaskGroupingClassifier": "skmtl.grouping._classifier",
    "TaskGroupingRegressor": "skmtl.grouping._regressor",
}

# Objects rebuilt from their constructor's parameters, which they store as attributes of the same names.
CONFIGURED = {name: f"skmtl.balancing.{method}" for method, name in METHODS.items()} | {
    "GroupKFold": "sklearn.model_selection",
    "GroupShuffleSplit": "sklearn.model_selection",
    "KFold": "sklearn.model_selection",
    "LeaveOneGroupOut": "sklearn.model_selection",
    "LeaveOneOut": "sklearn.model_selection",
    "LeavePGroupsOut": "sklearn.model_selection",
    "LeavePOut": "sklearn.model_selection",
    "MultiTaskStratifiedGroupKFold": "skmtl.model_selection._kfold",
    "MultiTaskStratifiedKFold": "skmtl.model_selection._kfold",
    "PredefinedSplit": "sklearn.model_selection",
    "RepeatedKFold": "sklearn.model_selection",
    "ShuffleSplit": "sklearn.model_selection",
    "StratifiedGroupKFold": "sklearn.model_selection",
    "StratifiedKFold": "sklearn.model_selection",
    "StratifiedShuffleSplit": "sklearn.model_selection",
    "TimeSeriesSplit": "sklearn.model_selection",
}

# Names of records, and of their fields, in files of older versions.
FORMER_RECORDS = {"Companion": "KernelModel"}
FORMER_FIELDS = {
    "BlendPart": {"companion": "kernel_model"},
    "JointModel": {"near": "in_distribution", "far": "shifted"},
}

# Needed only within a process: skmtl.load makes a new one.
_PER_PROCESS = {"Origin": "skmtl.inference._fitted"}
_PACKAGE = "skmtl."
# Estimators may hold these too; files leave them out.
_CALLBACKS = {"MLflowCallback": "skmtl.mlflow._callback"}


def trusted_types() -> list[str]:
    """List the skmtl types that a fitted estimator may hold, for skops.

    Returns
    -------
    list of str
        Fully qualified names, sorted. Pass them as ``trusted=`` to ``skops.io.load``, or as ``skops_trusted_types=``
        to ``mlflow.sklearn.log_model``. Your own classes, such as a sharing scheme, are not included.

    Examples
    --------
    >>> from skmtl.persistence import trusted_types
    >>> "skmtl.estimators._regressor.MultiTaskKerasRegressor" in trusted_types()
    True
    """
    tables = (RECORDS, ESTIMATORS, CONFIGURED, _PER_PROCESS, _CALLBACKS)
    modules = [(module, name) for table in tables for name, module in table.items()]
    return sorted(f"{module}.{name}" for module, name in modules if module.startswith(_PACKAGE))


def find_class(table: dict[str, str], name: str) -> type:
    """Import the class with this name from one of the tables above."""
    found = getattr(import_module(table[name]), name)
    assert isinstance(found, type)  # noqa: S101 - for the type checker
    return found


def is_listed(table: dict[str, str], kind: type) -> bool:
    """Whether the table lists exactly this class, not just one of the same name."""
    module = table.get(kind.__name__)
    if module is None or kind.__module__.split(".")[0] != module.split(".")[0]:
        return False
    return find_class(table, kind.__name__) is kind
