"""The promises of the documentation: code runs, links lead somewhere, no page, name or parameter is missing."""

import importlib
import inspect
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

import skmtl

DOCS = Path(__file__).resolve().parents[1] / "docs"
# Modules with public names for users; docs/api/ lists these names by task.
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
# Types of arguments, explained where they are used; and names that are listed under another module.
UNLISTED = {"balancing": {"Constants", "State"}, "skmtl": {"TrainingDivergedError"}, "persistence": {"load", "save"}}
ESTIMATORS = [skmtl.MultiTaskKerasRegressor, skmtl.MultiTaskKerasClassifier, skmtl.MultiTaskKerasEstimator]


def guide_pages():
    """Return the pages of the user guide, in its order."""
    index = (DOCS / "guide" / "index.md").read_text(encoding="utf-8")
    lists = re.findall(r"```\{toctree\}\n.*?\n\n(.*?)```", index, flags=re.DOTALL)
    return [DOCS / "guide" / f"{name}.md" for listed in lists for name in listed.split()]


def python_blocks(page):
    """Return the line and the text of every Python block of a page."""
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


@pytest.mark.parametrize("page", pages_with_code(), ids=lambda page: page.stem)
def test_code_fits_beside_the_sidebars(page):
    long = [line for _, text in python_blocks(page) for line in text.splitlines() if len(line) > 88]
    assert long == []


def test_every_page_of_the_guide_is_listed_once():
    pages = guide_pages()
    assert sorted(pages) == sorted(page for page in (DOCS / "guide").glob("*.md") if page.stem != "index")


def listed_names():
    """Return every name that docs/api/ lists, as (module, name), once for each place."""
    names = []
    for page in sorted((DOCS / "api").glob("*.rst")):
        module = None
        for line in page.read_text(encoding="utf-8").splitlines():
            if match := re.match(r"\.\. currentmodule:: (\S+)$", line):
                module = match.group(1)
            elif match := re.match(r"   (\w+)$", line):
                names.append((module, match.group(1)))
    return names


def test_the_reference_lists_every_name_once_on_a_page_of_its_index():
    index = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    pages = re.search(r"```\{toctree\}\n.*?\n\n(.*?)```", index, flags=re.DOTALL).group(1).split()
    assert sorted(pages) == sorted(page.stem for page in (DOCS / "api").glob("*.rst"))
    assert [name for name, count in Counter(listed_names()).items() if count > 1] == []


@pytest.mark.parametrize("package", DOCUMENTED)
def test_the_reference_lists_the_public_names(package):
    path = "skmtl" if package == "skmtl" else f"skmtl.{package}"
    public = set(importlib.import_module(path).__all__) - UNLISTED.get(package, set())
    assert {name for module, name in listed_names() if module == path} == public


def parameter_groups():
    """Return the table of each section of docs/guide/parameters.md that has one: parameter to text of its default."""
    page = (DOCS / "guide" / "parameters.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL)
    rows = r"^\| `(\w+)` \|(?: `([^`]+)` \|)? "
    return {title: re.findall(rows, text, flags=re.MULTILINE) for title, text in sections if "\n|---|" in text}


def constructor_parameters():
    """Return the parameters of the three estimators with their defaults, without those of parts (``optimizer__*``)."""
    parameters = [p for estimator in ESTIMATORS for p in inspect.signature(estimator).parameters.values()]
    return {p.name: p.default for p in parameters if p.kind != p.VAR_KEYWORD}


def test_every_parameter_is_in_one_group_with_its_default():
    groups = parameter_groups()
    first = [name for name, _ in groups.pop("The five to know first")]
    grouped = [(name, default) for rows in groups.values() for name, default in rows]
    parameters = constructor_parameters()
    assert sorted(name for name, _ in grouped) == sorted(parameters)
    assert {name: default.replace('"', "'") for name, default in grouped} == {
        name: repr(default) for name, default in parameters.items()
    }
    assert len(first) == 5
    assert set(first) <= set(parameters)


class _Page(HTMLParser):
    """Links and anchors of a built page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        values = {name: value for name, value in attrs if value}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        self.links |= {values[name] for name in ("href", "src") if name in values}


def built_pages(built):
    """Return the pages of the last build: those of earlier ones stay in the folder."""
    index = (built / "searchindex.js").read_text(encoding="utf-8")
    names = json.loads(re.search(r"\"docnames\":\s*(\[.*?\])", index).group(1))
    return [built / f"{name}.html" for name in names]


def broken_links(built):
    """Return the links of built pages, as (page, link), that lead to no file or to no anchor in it."""
    pages = {path: _Page(path) for path in built_pages(built)}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            if re.match(r"[a-z]+:|#?$", link):  # another site, or the page itself
                continue
            target, _, anchor = link.partition("#")
            target = (path.parent / re.sub(r"\?.*", "", target)).resolve() if target else path
            found = pages[target].anchors if target in pages else set()
            if not target.exists() or (anchor and target in pages and anchor not in found):
                broken.append((str(path.relative_to(built)), link))
    return broken


def test_links_of_the_built_pages_lead_somewhere():
    built = DOCS / "_build" / "html"
    if not (built / "index.html").exists():
        pytest.skip("the documentation has not been built")
    assert broken_links(built.resolve()) == []


def test_the_architecture_names_files_that_exist():
    text = (DOCS.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = {name for name in re.findall(r"`([\w./*]+\.py|[\w/]+/)`", text) if "…" not in name}
    known = {
        path.relative_to(DOCS.parent).as_posix() for path in DOCS.parent.rglob("*.py") if ".venv" not in path.parts
    }
    folders = {Path(name).parent.as_posix() + "/" for name in known}

    def exists(name):
        pattern = re.compile(".*/" + re.escape(name).replace(r"\*", ".*") + "$")
        places = folders if name.endswith("/") else known
        return (DOCS.parent / name).is_dir() or any(pattern.match(f"/{place}") for place in places)

    assert len(named) > 60
    assert [name for name in sorted(named) if not exists(name)] == []
