"""Errors and warnings of skmtl's own."""

from __future__ import annotations

from sklearn.exceptions import InconsistentVersionWarning


class TrainingDivergedError(ValueError):
    """Training produced losses or weights that are not finite; the estimator stays unfitted."""


class InvalidModelFileError(ValueError):
    """A file is none that ``skmtl.load`` reads: damaged, altered, of another kind, or of a newer format."""


class InconsistentSkmtlVersionWarning(InconsistentVersionWarning):
    """An estimator was pickled by another version of skmtl.

    Parameters
    ----------
    estimator_name : str
        Name of the estimator's class.
    current_version, original_version : str
        Version of skmtl that unpickles, and the one that pickled.
    """

    def __init__(self, *, estimator_name: str, current_version: str, original_version: str) -> None:
        self.estimator_name = estimator_name
        self.current_version = current_version
        self.original_version = original_version

    def __str__(self) -> str:
        return (
            f"This {self.estimator_name} was pickled by skmtl {self.original_version}, and is unpickled by skmtl "
            f"{self.current_version}. It may break, or predict something else. Fit it again, or load it with skmtl "
            f"{self.original_version} and write it by skmtl.save, whose files later versions read."
        )
