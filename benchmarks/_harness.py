"""Timing in turns: contestants alternate within one run, and reports give medians and ratios of that run."""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
RUNS = RESULTS / "runs.json"
PACKAGES = ("skmtl", "scikit-learn", "keras", "tensorflow", "scikeras", "skorch", "torch", "numpy", "pandas")


@dataclass
class Measurement:
    """Repeated measurements of one contestant in one case, in seconds or another unit."""

    case: str
    contestant: str
    values: list[float]
    unit: str = "s"
    note: str = ""
    target: str = ""

    @property
    def median(self) -> float:
        """Median of the repetitions."""
        return statistics.median(self.values)


@dataclass
class Case:
    """Contestants of one comparison; the first is the reference that the others are divided by."""

    name: str
    contestants: dict[str, Callable[[], object]]
    repeats: int = 5
    slow: dict[str, int] = field(default_factory=dict)  # contestants that get fewer repetitions
    warm_up: bool = True
    slow_seconds: float = float("inf")  # a warm-up that takes longer is kept as the only measurement
    targets: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def run(case: Case, clock: Callable[[], float] = time.perf_counter) -> list[Measurement]:
    """Time the contestants in turns."""
    times: dict[str, list[float]] = {name: [] for name in case.contestants}
    turns = {name: case.slow.get(name, case.repeats) for name in case.contestants}
    if case.warm_up:
        for name, work in case.contestants.items():
            first = _seconds(work, clock) if turns[name] > 1 else 0.0
            if first > case.slow_seconds:
                times[name], turns[name] = [first], 0
    for turn in range(case.repeats):
        for name, work in case.contestants.items():
            if turn < turns[name]:
                times[name].append(_seconds(work, clock))
    measured = [
        Measurement(case.name, name, values, note=case.notes.get(name, ""), target=case.targets.get(name, ""))
        for name, values in times.items()
    ]
    for m in measured:
        spread = f"min {min(m.values):.5f}, max {max(m.values):.5f}"
        print(f"  {m.contestant:34s} median {m.median:10.5f} s  ({spread})", flush=True)
    return measured


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    work()
    return clock() - start


def in_fresh_process(code: str, environment: dict[str, str] | None = None) -> float:
    """Run Python code in a new process and return the number on its last line of output."""
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **(environment or {})}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False, cwd=RESULTS.parent.parent
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return float(done.stdout.strip().splitlines()[-1])


def machine() -> dict[str, str]:
    """Return the date, the processor and the package versions."""
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": f"{processor}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        **found,
    }


def report_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser that shows the whole docstring and has the option ``--report``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", action="store_true", help="only write the report, from the stored figures")
    return parser


def record_run(name: str, **options: object) -> None:
    """Keep date, processor, versions and options of the run behind results/NAME.md in results/runs.json."""
    RESULTS.mkdir(exist_ok=True)
    runs = json.loads(RUNS.read_text()) if RUNS.exists() else {}
    runs[name] = {**machine(), **({"options": options} if options else {})}
    RUNS.write_text(json.dumps(dict(sorted(runs.items())), indent=1) + "\n")


def recorded_run(name: str) -> dict[str, Any]:
    """Return what `record_run` kept, and a "remark" where one was added by hand: reports show these facts."""
    return json.loads(RUNS.read_text())[name]


def save(measurements: list[Measurement], name: str) -> None:
    """Merge into results/NAME.csv: cases measured now replace earlier ones of the same name."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.csv"
    now = {m.case for m in measurements}
    kept = [m for m in load(name) if m.case not in now]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "contestant", "unit", "median", "values", "target", "note"])
        for m in [*kept, *measurements]:
            values = json.dumps([float(f"{value:.6g}") for value in m.values])
            writer.writerow([m.case, m.contestant, m.unit, f"{m.median:.6g}", values, m.target, m.note])
    record_run(name)


def load(name: str) -> list[Measurement]:
    """Return the measurements stored in results/NAME.csv."""
    path = RESULTS / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            Measurement(r["case"], r["contestant"], json.loads(r["values"]), r["unit"], r["note"], r["target"])
            for r in csv.DictReader(file)
        ]
