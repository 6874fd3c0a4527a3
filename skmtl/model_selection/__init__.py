"""Splitters for tables of several tasks: stratified over all labels and over which are missing."""

from ._kfold import MultiTaskStratifiedGroupKFold, MultiTaskStratifiedKFold
from ._train_test_split import multitask_train_test_split

__all__ = ["MultiTaskStratifiedGroupKFold", "MultiTaskStratifiedKFold", "multitask_train_test_split"]
