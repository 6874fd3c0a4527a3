"""Table and plot of the measurements."""

from __future__ import annotations

import json
from itertools import groupby

from _harness import RESULTS, Measurement, load


def write_report(name: str, title: str, plot: bool = True, remark: str = "") -> None:
    """Write results/NAME.md, and NAME.png with ``plot``, from results/NAME.csv; a remark stands below the table."""
    measurements = load(name)
    machine = json.loads((RESULTS / f"{name}_machine.json").read_text())
    text = f"# {title}\n\n{_machine_line(machine)}\n\nMedians; the ratio is the peer's figure divided by ours.\n\n"
    (RESULTS / f"{name}.md").write_text(text + table_of(measurements) + "\n" + (f"\n{remark}\n" if remark else ""))
    if plot:
        _plot(measurements, name)


def _machine_line(machine: dict[str, str]) -> str:
    versions = ", ".join(f"{key} {value}" for key, value in machine.items() if key not in ("date", "processor"))
    return f"{machine['date']}, {machine['processor']}; {versions}."


def table_of(measurements: list[Measurement]) -> str:
    """Markdown table: case, contestant, median with spread, ratio, what was aimed at."""
    rows = ["| case | who | median (min to max) | ratio | aim |", "|---|---|---|---|---|"]
    for case, group in groupby(measurements, key=lambda m: m.case):
        ours: Measurement | None = None
        for m in group:
            ours = ours or m
            least, most = _number(min(m.values), m.unit), _number(max(m.values), m.unit)
            spread = f"{_number(m.median, m.unit)} ({least} to {most})"
            ratio = "" if m is ours else f"{m.median / ours.median:.2f}"
            rows.append(f"| {case if m is ours else ''} | {m.contestant} | {spread} | {ratio} | {m.target} |")
    return "\n".join(rows)


def _number(value: float, unit: str) -> str:
    if unit != "s":
        return f"{value:.2f} {unit}"
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"


def _plot(measurements: list[Measurement], name: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    labels, ratios = [], []
    for case, group in groupby([m for m in measurements if m.unit == "s"], key=lambda m: m.case):
        ours, *others = list(group)
        for other in others:
            labels.append(f"{case}\n{other.contestant}")
            ratios.append(other.median / ours.median)
    if not labels:
        return
    figure, ax = plt.subplots(figsize=(9, 0.42 * len(labels) + 1.2), layout="constrained")
    ax.barh(range(len(labels)), ratios, color=["#35618f" if r >= 1 else "#b5651d" for r in ratios])
    ax.set_yticks(range(len(labels)), labels, fontsize=7)
    ax.set_xscale("log")
    ax.axvline(1.0, color="black", linewidth=1)
    for position, ratio in enumerate(ratios):
        shown = f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"
        ax.text(ratio, position, f" {shown}", va="center", fontsize=7)
    # Room for the longest bar's number.
    ax.set_xlim(right=4 * max(ratios))
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.set_xlabel("time of the other side divided by time of skmtl\n(log scale; right of 1: skmtl is faster)")
    figure.savefig(RESULTS / f"{name}.png", dpi=150)
