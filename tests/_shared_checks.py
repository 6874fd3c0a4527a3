"""scikit-learn's checks, shared out between two estimators that can fail them for the same reasons."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator


def shared_out(first: tuple[str, Any], second: tuple[str, Any], expected: dict[str, str]) -> list[Any]:
    """Return parameters (estimator, check) for two labelled estimators; checks that both have alternate between them.

    ``expected`` names the checks that are expected to fail, with reasons.
    """
    cases = []
    both = [_checks(estimator, expected) for _, estimator in (first, second)]
    names = list(both[1])
    for turn, ((label, _), own, other) in enumerate(zip((first, second), both, both[::-1], strict=True)):
        for name, case in own.items():
            if name not in other or names.index(name) % 2 == turn:
                cases.append(pytest.param(*case.values, marks=case.marks, id=f"{label}-{name}"))
    return cases


def _checks(estimator: Any, expected: dict[str, str]) -> dict[str, Any]:
    """Return the checks of an estimator by name, in order."""
    checks = estimator_checks_generator(estimator, legacy=True, expected_failed_checks=expected, mark="xfail")
    cases = [check if hasattr(check, "marks") else pytest.param(*check) for check in checks]
    return {f"{case.values[1].func.__name__}{case.values[1].keywords or ''}": case for case in cases}
