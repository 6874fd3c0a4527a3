"""Errors of skmtl's own."""

from __future__ import annotations


class TrainingDivergedError(ValueError):
    """Training produced losses or weights that are not finite; the estimator stays unfitted."""
