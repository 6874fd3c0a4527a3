"""Rows that Ray Data makes, kept on disk: every epoch reads them, and always the same."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any


def is_ray_dataset(data: Any) -> bool:
    """Whether it is one, found out without importing Ray."""
    return type(data).__module__.split(".")[:2] == ["ray", "data"]


def written(dataset: Any, folder: Path) -> str:
    """The folder with the dataset's rows, made once, in their order, as parquet."""
    # What an earlier call left there would be read as rows too.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    options = dataset.context.execution_options
    ordered, options.preserve_order = options.preserve_order, True
    try:
        dataset.write_parquet(str(folder))
    finally:
        options.preserve_order = ordered
    return str(folder)
