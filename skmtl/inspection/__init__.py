"""Inspect models: the effect of sharing, task affinity, training history, feature importance and dependence."""

from ..estimators import JointRegion
from ._affinity import task_affinity
from ._affinity_display import TaskAffinityDisplay
from ._affinity_result import TaskAffinity
from ._compare import compare_with_single_task
from ._comparison import SingleTaskComparison
from ._comparison_display import SingleTaskComparisonDisplay
from ._correlation_display import ResidualCorrelationDisplay
from ._dependence import task_partial_dependence
from ._dependence_display import TaskPartialDependenceDisplay
from ._groups import suggest_task_groups
from ._history_display import TrainingHistoryDisplay
from ._importance import task_permutation_importance
from ._importance_display import TaskImportanceDisplay
from ._joint_display import JointPredictionDisplay

__all__ = [
    "JointPredictionDisplay",
    "JointRegion",
    "ResidualCorrelationDisplay",
    "SingleTaskComparison",
    "SingleTaskComparisonDisplay",
    "TaskAffinity",
    "TaskAffinityDisplay",
    "TaskImportanceDisplay",
    "TaskPartialDependenceDisplay",
    "TrainingHistoryDisplay",
    "compare_with_single_task",
    "suggest_task_groups",
    "task_affinity",
    "task_partial_dependence",
    "task_permutation_importance",
]
