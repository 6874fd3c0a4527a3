"""Combine the data sets of separate tasks into one X and one y."""

from ._datasets import CombinedDatasets, combine_task_datasets

__all__ = ["CombinedDatasets", "combine_task_datasets"]
