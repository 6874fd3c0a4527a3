"""Pages of measured results: what benchmarks/results/ holds, as far as it has been measured.

Each ``benchmarks/results/NAME.md`` becomes a page under docs/results/generated/, with the figures beside it; the page
results/index lists those that exist.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
FIGURES = (".png", ".svg")


def copy_results(app: Any) -> None:
    """Copy pages and figures into the documentation's tree, in place of those of an earlier build."""
    target = Path(app.srcdir) / "results" / "generated"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in RESULTS.glob("*"):
        if path.suffix in (".md", *FIGURES):
            # copyfile's time stamp is new, which costs a build of these few pages.
            shutil.copyfile(path, target / path.name)


def list_results(app: Any, name: str, source: list[str]) -> None:
    """Append the list of result pages to results/index."""
    if name != "results/index":
        return
    pages = sorted(path.stem for path in (Path(app.srcdir) / "results" / "generated").glob("*.md"))
    if pages:
        entries = "\n".join(f"generated/{page}" for page in pages)
        source[0] += f"\n```{{toctree}}\n:maxdepth: 1\n\n{entries}\n```\n"
    else:
        source[0] += "\nNothing has been measured yet in this checkout.\n"


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", copy_results)
    app.connect("source-read", list_results)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
