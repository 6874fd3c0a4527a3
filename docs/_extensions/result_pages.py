"""Pages of measured results, copied from benchmarks/results/.

Each ``benchmarks/results/NAME.md`` becomes a page under docs/results/generated/, together with the figures. Every page
must be linked from docs/results/index.md, in whose order the pages appear in the navigation.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.util import logging

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
FIGURES = (".png", ".svg")
LINK = re.compile(r"\(generated/(\w+)\.md\)")


def copy_results(app: Any) -> None:
    """Replace the pages and figures of an earlier build by the current ones."""
    target = Path(app.srcdir) / "results" / "generated"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in RESULTS.glob("*"):
        if path.suffix in (".md", *FIGURES):
            # copyfile sets new time stamps, so these few pages are built every time.
            shutil.copyfile(path, target / path.name)


def list_results(app: Any, name: str, source: list[str]) -> None:
    """Add the pages linked from results/index to the navigation, and warn about pages without a link."""
    if name != "results/index":
        return
    pages = {path.stem for path in (Path(app.srcdir) / "results" / "generated").glob("*.md")}
    linked = LINK.findall(source[0])
    for page in sorted(pages.difference(linked)):
        logging.getLogger(__name__).warning("results/index.md does not link generated/%s.md", page)
    entries = "\n".join(f"generated/{page}" for page in linked if page in pages)
    source[0] += f"\n```{{toctree}}\n:hidden:\n\n{entries}\n```\n"


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", copy_results)
    app.connect("source-read", list_results)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
