"""Check what is in the wheel and in the sdist, and that all places agree on the version.

python .ci/check_dist.py DIST    # the folder that `python -m build` wrote
"""

from __future__ import annotations

import re
import sys
import tarfile
import zipfile
from email.parser import BytesParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "skmtl"
# What the sdist has beside the package, so that it can be tested, documented and measured without the repository.
FOLDERS = ("benchmarks", "docs", "examples", "tests")
FILES = (
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "MANIFEST.in",
    "README.md",
    "SECURITY.md",
    "pyproject.toml",
)
# What the documentation, examples and benchmarks leave behind.
GENERATED = (
    "benchmarks/results/cache/",
    "docs/_build/",
    "docs/api/generated/",
    "docs/auto_examples/",
    "docs/results/generated/",
    "docs/sg_execution_times.rst",
    "examples/output/",
)


def main(folder: Path) -> None:
    """Raise SystemExit with every problem found, or print what the files hold."""
    wheel, sdist = only(folder, "*.whl"), only(folder, "*.tar.gz")
    version = version_in_source()
    problems = [
        *wheel_problems(wheel, version),
        *sdist_problems(sdist, version),
        *version_problems(version),
    ]
    if problems:
        raise SystemExit("\n".join(problems))
    for path in (wheel, sdist):
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB, contents as expected")


def only(folder: Path, pattern: str) -> Path:
    """The one file of the folder that matches."""
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"Expected one {pattern} in {folder}, found {len(found)}.")
    return found[0]


def version_in_source() -> str:
    """The version, read without importing the package."""
    return match(r'^__version__ = "(.+)"$', "skmtl/_versions.py")


def match(pattern: str, name: str) -> str:
    """The first group of the pattern's first match in a file of the project."""
    found = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    if found is None:
        raise SystemExit(f"{name} has no line like {pattern}.")
    return found.group(1)


def files_below(folder: str) -> set[str]:
    """Paths of a folder's files on disk, relative to the project; neither compiled, hidden nor generated ones."""
    paths = (path for path in (ROOT / folder).rglob("*") if path.is_file())
    names = {path.relative_to(ROOT).as_posix() for path in paths if path.suffix != ".pyc" and path.name[0] != "."}
    return {name for name in names if not name.startswith(GENERATED)}


def differences(where: str, found: set[str], expected: set[str]) -> list[str]:
    """A line for every file that is missing or too many."""
    return [
        *(f"{where} lacks {name}" for name in sorted(expected - found)),
        *(f"{where} should not have {name}" for name in sorted(found - expected)),
    ]


def wheel_problems(path: Path, version: str) -> list[str]:
    """The wheel has the package, its marker for type checkers, the licence, and nothing else."""
    about = f"{NAME}-{version}.dist-info"
    with zipfile.ZipFile(path) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
        metadata = BytesParser().parsebytes(archive.read(f"{about}/METADATA"))
    package = {name for name in names if not name.startswith(f"{about}/")}
    problems = differences("The wheel", package, files_below(NAME))
    needed = (f"{about}/licenses/LICENSE", f"{NAME}/py.typed")
    problems += [f"The wheel lacks {name}" for name in needed if name not in names]
    for key, value in {"Name": NAME, "Version": version, "License-Expression": "BSD-3-Clause"}.items():
        if metadata[key] != value:
            problems.append(f"The wheel's metadata have {key} {metadata[key]}, expected {value}")
    return problems


def sdist_problems(path: Path, version: str) -> list[str]:
    """The sdist has the package, its tests, documentation, examples and benchmarks, and no generated files."""
    top = f"{NAME}-{version}/"
    with tarfile.open(path) as archive:
        names = {member.name for member in archive.getmembers() if member.isfile()}
    outside = {name for name in names if not name.startswith(top)}
    inside = {name.removeprefix(top) for name in names - outside}
    by_the_build = {name for name in inside if name in ("PKG-INFO", "setup.cfg") or ".egg-info/" in name}
    expected = set(FILES).union(*(files_below(folder) for folder in (NAME, *FOLDERS)))
    return differences("The sdist", (inside - by_the_build) | outside, expected)


def version_problems(version: str) -> list[str]:
    """The newest entry of the changelog and the citation are of this version and day."""
    noted, day = match(r"^## (\S+)", "CHANGELOG.md"), match(r"^## \S+ \((\S+)\)$", "CHANGELOG.md")
    cited, cited_day = match(r"^version: (\S+)$", "CITATION.cff"), match(r'^date-released: "(\S+)"$', "CITATION.cff")
    problems = []
    if noted not in (version, "Unreleased"):
        problems.append(f"CHANGELOG.md begins with {noted}, skmtl/_versions.py has {version}")
    if cited != version:
        problems.append(f"CITATION.cff has version {cited}, skmtl/_versions.py has {version}")
    if day != cited_day:
        problems.append(f"CITATION.cff has date {cited_day}, the newest release in CHANGELOG.md {day}")
    return problems


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
