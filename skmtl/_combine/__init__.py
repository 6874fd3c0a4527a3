"""Data sets of separate tasks to one X and one y."""

from ._datasets import CombinedDatasets, combine_task_datasets

__all__ = ["CombinedDatasets", "combine_task_datasets"]
