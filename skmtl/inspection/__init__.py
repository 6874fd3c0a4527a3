"""Whether sharing helps, what training did, and what the tasks depend on."""

from ._compare import compare_with_single_task
from ._comparison import SingleTaskComparison

__all__ = ["SingleTaskComparison", "compare_with_single_task"]
