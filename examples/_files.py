"""Where the gallery's examples find their data and leave their figures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def data_file(name: str) -> Path | None:
    """Path of a file in the folder that the environment's SKMTL_DATA names; None where it is not there."""
    path = Path(os.environ.get("SKMTL_DATA", HERE.parents[1] / "shared" / "data")) / name
    return path if path.exists() else None


def keep(figure: Any, name: str) -> None:
    """Save a figure to examples/output/ and say where it is."""
    path = HERE / "output" / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=120)
    print(f"Figure: examples/output/{path.name}")
