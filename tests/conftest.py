"""What holds for every test."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_idle_processes() -> Iterator[None]:
    """No process of joblib's outlives its test: joblib 1.6.0 can wait for ever for one that left while it was idle."""
    yield
    loky = sys.modules.get("joblib.externals.loky.reusable_executor")
    executor = None if loky is None else loky._executor
    if executor is not None:
        executor.shutdown(wait=True)
