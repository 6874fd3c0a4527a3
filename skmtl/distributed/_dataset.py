"""Ray datasets, written to parquet once so that every epoch reads the same rows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any


def is_ray_dataset(data: Any) -> bool:
    """Whether ``data`` is a Ray dataset; does not import Ray."""
    return type(data).__module__.split(".")[:2] == ["ray", "data"]


def write_parquet(dataset: Any, folder: Path) -> str:
    """Write the dataset's rows, in their order, as parquet files; return the folder."""
    # Files left by an earlier call would be read as rows too.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    options = dataset.context.execution_options
    ordered, options.preserve_order = options.preserve_order, True
    try:
        dataset.write_parquet(str(folder))
    finally:
        options.preserve_order = ordered
    return str(folder)
