"""The documentation's promises: its code runs, every page is in the guide, every public name is in the reference."""

import importlib
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
# Packages whose public names users import; each has a list under docs/api/.
DOCUMENTED = [
    "skmtl",
    "balancing",
    "datasets",
    "distributed",
    "grouping",
    "inspection",
    "metrics",
    "mlflow",
    "model_selection",
    "networks",
    "persistence",
    "scikeras",
]
# Types of arguments, explained where they are used; and what another page lists.
UNLISTED = {"balancing": {"Constants", "State"}, "skmtl": {"TrainingDivergedError"}, "persistence": {"load", "save"}}


def guide_pages():
    """Pages of the user guide, in its order."""
    index = (DOCS / "guide" / "index.md").read_text(encoding="utf-8")
    listed = re.search(r"```\{toctree\}\n.*?\n\n(.*?)```", index, flags=re.DOTALL).group(1).split()
    return [DOCS / "guide" / f"{name}.md" for name in listed]


def python_blocks(page):
    """Line and text of every Python block of a page."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, match.start(1)), match.group(1)) for match in found]


def pages_with_code():
    return [page for page in (DOCS / "index.md", *guide_pages()) if python_blocks(page)]


@pytest.mark.slow
@pytest.mark.parametrize("page", pages_with_code(), ids=lambda page: page.stem)
def test_python_blocks_run_in_the_order_of_the_page(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": f"guide_{page.stem}"}
    for line, text in python_blocks(page):
        # The empty lines make a traceback name the page's own line.
        exec(compile("\n" * line + text, str(page), "exec"), names)


def test_every_page_of_the_guide_is_listed_once():
    pages = guide_pages()
    assert sorted(pages) == sorted(page for page in (DOCS / "guide").glob("*.md") if page.stem != "index")


@pytest.mark.parametrize("package", DOCUMENTED)
def test_the_reference_lists_the_public_names(package):
    module = importlib.import_module("skmtl" if package == "skmtl" else f"skmtl.{package}")
    listed = re.findall(
        r"^   (\w+)$", (DOCS / "api" / f"{package}.rst").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert len(listed) == len(set(listed))
    assert set(listed) == set(module.__all__) - UNLISTED.get(package, set())
