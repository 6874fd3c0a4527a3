"""Find the data and save the figures of the gallery examples."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def data_file(name: str) -> Path | None:
    """Return the path of a file in the folder SKMTL_DATA, or None if there is none."""
    path = (
        Path(os.environ.get("SKMTL_DATA", HERE.parents[1] / "shared" / "data")) / name
    )
    return path if path.exists() else None


def keep(figure: Any, name: str) -> None:
    """Save a figure in examples/output/ and print its path."""
    path = HERE / "output" / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=120)
    print(f"Figure: examples/output/{path.name}")
