"""Generators of tasks with known relatedness."""

from ._related_tasks import make_related_tasks

__all__ = ["make_related_tasks"]
