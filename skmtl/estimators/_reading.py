"""Read the data of a fit: X, y, weights, classes and validation rows, checked and encoded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._records import Kind
from ..fitting._checks import check_number_of_classes, check_rows, check_weights, read_inputs
from ..fitting._input import FitInput
from ..inference._fitted import FittedNetwork
from ..targets import TargetColumns, TargetEncoder, read_columns


class ReadsData:
    """Convert the caller's arrays and tables to a `FitInput`."""

    network_: FittedNetwork

    @abstractmethod
    def _kinds(self, columns: TargetColumns) -> Sequence[Kind]:
        """Return the kind of each task."""

    def _checked_classes(self, y: Any, classes: Any) -> list[Any] | None:
        """Return ``classes`` of partial_fit as one entry per task; None in later calls."""
        if hasattr(self, "network_"):
            if classes is not None:
                self._check_same_classes(classes)
            return None
        columns = read_columns(y, estimator=type(self).__name__)
        kinds = self._kinds(columns)
        if "classification" not in kinds:
            return None
        if classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        entries = [classes] if columns.one_dimensional else list(classes)
        check_number_of_classes(entries, len(kinds))
        return entries

    def _check_same_classes(self, classes: Any) -> None:
        targets = self.network_.targets
        entries = [classes] if targets.one_dimensional else list(classes)
        check_number_of_classes(entries, len(targets.tasks))
        for task, known, given in zip(targets.tasks, targets.classes, entries, strict=True):
            if known is not None and not np.array_equal(known, np.unique(given)):
                raise ValueError(
                    f"`classes={list(given)!r}` is not the same as on the last call to partial_fit: task {task.name!r} "
                    f"had {known.tolist()}."
                )

    def _read_all(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation: tuple[Any, Any, Any] | None = None,
        groups: Any = None,
        previous: FittedNetwork | None = None,
    ) -> FitInput:
        """Read all arguments of ``fit``; ``validation`` holds X, y and weights of the rows to validate on."""
        encoder = None if previous is None else previous.targets
        data = self._read(X, y, sample_weight, encoder=encoder, reset=previous is None)
        if validation is not None:
            data = data.with_validation(self._read_validation(*validation, data))
        return data if groups is None else data.with_groups(groups)

    def _read(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        encoder: TargetEncoder | None,
        reset: bool,
        classes: Any = None,
        more_to_come: bool = False,
    ) -> FitInput:
        if y is None:
            read_columns(y, estimator=type(self).__name__)
        X, levels = read_inputs(self, X, levels=None if reset else self.network_.features.levels)
        columns = read_columns(y, estimator=type(self).__name__)
        check_rows(X, columns)
        names = None if encoder is None else encoder.table_names
        weights = check_weights(sample_weight, X, columns, names)
        if encoder is None:
            encoder = TargetEncoder.fit(columns, self._kinds(columns), classes, more_to_come=more_to_come)
        return FitInput.build(X, levels, encoder, encoder.encode(columns, weights), getattr(self, "class_weight", None))

    def _read_validation(self, X: Any, y: Any, sample_weight: Any, data: FitInput) -> FitInput:
        X, levels = read_inputs(self, X, levels=data.levels)
        columns = read_columns(y, estimator=type(self).__name__)
        check_rows(X, columns)
        weights = check_weights(sample_weight, X, columns, data.encoder.table_names, name="sample_weight_val")
        return FitInput.build(X, levels, data.encoder, data.encoder.encode(columns, weights), None)
