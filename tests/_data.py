"""Locate real data sets; a test that needs one is skipped if it is absent."""

import os
from pathlib import Path

import pytest

_NEIGHBOUR = Path(__file__).resolve().parents[2] / "shared" / "data"


def data_path(name: str) -> Path:
    """Return the path of the data file ``name``, in the folder that SKMTL_DATA names or in ../shared/data."""
    folder = Path(os.environ.get("SKMTL_DATA", _NEIGHBOUR))
    path = folder / name
    if not path.exists():
        pytest.skip(f"data set {name} not found in {folder}; set SKMTL_DATA to the folder that holds it")
    return path
