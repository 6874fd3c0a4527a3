"""Fixtures and order of all tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

# Files that take minutes. If they ran last, one process would stay busy while the others are idle.
LONG = {"test_examples.py", "test_published.py", "test_memory.py", "test_readme.py", "test_schemes_estimators.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the long files first, and the others in the order of collection."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(autouse=True)
def no_idle_processes() -> Iterator[None]:
    """Stop joblib's processes after each test: joblib 1.6.0 can wait forever for one that exited while idle."""
    yield
    loky = sys.modules.get("joblib.externals.loky.reusable_executor")
    executor = None if loky is None else loky._executor
    if executor is not None:
        executor.shutdown(wait=True)
