"""Metrics for several tasks with missing labels: scores per task, scorers, relative gains, joint predictions."""

from ._delta import delta_m
from ._joint import energy_score, joint_coverage, mean_region_width, variogram_score
from ._multimetric import MultiMetricTaskScorer, make_multimetric_task_scorer
from ._relative import average_relative_rmse, relative_error_scores
from ._scorer import TaskScorer, make_task_scorer
from ._task_scores import task_scores

__all__ = [
    "MultiMetricTaskScorer",
    "TaskScorer",
    "average_relative_rmse",
    "delta_m",
    "energy_score",
    "joint_coverage",
    "make_multimetric_task_scorer",
    "make_task_scorer",
    "mean_region_width",
    "relative_error_scores",
    "task_scores",
    "variogram_score",
]
