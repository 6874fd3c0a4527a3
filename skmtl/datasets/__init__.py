"""Generated tasks whose relatedness is known."""

from ._related_tasks import make_related_tasks

__all__ = ["make_related_tasks"]
