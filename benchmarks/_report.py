"""Pages of results: Markdown tables, and the table and figure of timings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from _harness import RESULTS, Measurement, load, recorded_run

BLUE, ORANGE, GREY = "#1f4e8c", "#b5651d", "#6b6b6b"


def write_page(name: str, *parts: str) -> str:
    """Write results/NAME.md from its parts, empty ones left out, and return the text."""
    text = "\n\n".join(part.strip("\n") for part in parts if part) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    return text


def markdown(columns: Sequence[object], rows: Iterable[Sequence[object]], numeric: bool = False) -> str:
    """Return a Markdown table; ``numeric`` aligns all columns but the first to the right."""
    rule = ["---", *(["---:" if numeric else "---"] * (len(columns) - 1))]
    lines = [f"| {' | '.join(map(str, columns))} |", f"|{'|'.join(rule)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def versions(facts: dict[str, Any]) -> str:
    """Return date, processor and package versions of a run as one line."""
    other = ("date", "processor", "options", "remark")
    packages = ", ".join(f"{key} {value}" for key, value in facts.items() if key not in other)
    return f"{facts['date']}, {facts['processor']}; {packages}."


def write_report(name: str, title: str, intro: str, alt: str = "", figure: Any = None) -> None:
    """Write results/NAME.md from results/NAME.csv.

    ``figure`` is the function that draws results/NAME.png from the measurements, ``alt`` the figure's caption.
    """
    measurements, run = load(name), recorded_run(name)
    if figure is not None:
        figure(measurements, RESULTS / f"{name}.png")
    write_page(
        name,
        f"# {title}",
        versions(run),
        intro,
        f"![{alt}]({name}.png)" if figure is not None else "",
        table_of(measurements),
        run.get("remark", ""),
    )


def table_of(measurements: list[Measurement]) -> str:
    """Return a table of case, contestant, median with range, ratio to the case's first contestant, and target."""
    rows = []
    for case, group in groupby(measurements, key=lambda m: m.case):
        first: Measurement | None = None
        for m in group:
            first = first or m
            least, most = _number(min(m.values), m.unit), _number(max(m.values), m.unit)
            ratio = "" if m is first else f"{m.median / first.median:.2f}"
            shown = (
                f"{_number(m.median, m.unit)} ({least} to {most})" if len(m.values) > 1 else _number(m.median, m.unit)
            )
            rows.append([case if m is first else "", m.contestant, shown, ratio, m.target])
    columns = ["case", "contestant", "median (min to max)", "ratio", "target"]
    width = len(columns) if any(m.target for m in measurements) else len(columns) - 1
    return markdown(columns[:width], [row[:width] for row in rows])


def _number(value: float, unit: str) -> str:
    if unit != "s":
        return f"{value:.2f} {unit}"
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"


def bars(ratios: dict[str, dict[str, float]], path: Path, title: str, xlabel: str, left: float) -> None:
    """Draw ratios as horizontal bars on a log scale around 1, grouped by case (outer keys)."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    place, ticks, labels = 0.0, [], []
    largest = max(ratio for group in ratios.values() for ratio in group.values())
    height = sum(len(group) + (1.1 if len(group) > 1 or any(group) else 0.2) for group in ratios.values())
    figure, ax = plt.subplots(figsize=(8.5, 0.24 * height + 1.2), layout="constrained")
    for case, group in ratios.items():
        if any(group):
            ax.text(left * 1.06, place, case, fontsize=9, fontweight="bold", va="center",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # fmt: skip
            place += 1.0
        for name, ratio in group.items():
            ax.barh(place, ratio - 1, left=1, height=0.75, color=BLUE if ratio >= 1 else ORANGE)
            shown = f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"
            beside = ratio * 1.06 if ratio >= 1 else ratio / 1.06
            ax.text(beside, place, shown, va="center", ha="left" if ratio >= 1 else "right", fontsize=9)
            ticks.append(place)
            labels.append(name or case)
            place += 1.0
        place += 0.1 if any(group) else 0.0
    ax.set_yticks(ticks, labels, fontsize=9)
    ax.tick_params(axis="y", length=0)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    ax.axvline(1.0, color="black", linewidth=1, zorder=1.5)
    ax.set_xlim(left, 3 * largest)
    ax.set_ylim(place - 0.4, -0.8)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_xlabel(xlabel, fontsize=9.5)
    ax.set_title(title, fontsize=11, loc="left")
    figure.savefig(path, dpi=150, facecolor="white")
    plt.close(figure)
