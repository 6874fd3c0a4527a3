"""Multi-task splitters, and searches and cross-validation whose fits are trained together."""

from ._batched_search import BatchedGridSearchCV, BatchedHalvingGridSearchCV, BatchedRandomizedSearchCV
from ._batched_validation import batched_cross_val_predict, batched_cross_validate
from ._kfold import MultiTaskStratifiedGroupKFold, MultiTaskStratifiedKFold
from ._train_test_split import multitask_train_test_split

__all__ = [
    "BatchedGridSearchCV",
    "BatchedHalvingGridSearchCV",
    "BatchedRandomizedSearchCV",
    "MultiTaskStratifiedGroupKFold",
    "MultiTaskStratifiedKFold",
    "batched_cross_val_predict",
    "batched_cross_validate",
    "multitask_train_test_split",
]
