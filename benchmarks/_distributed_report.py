"""results/distributed.md from what the cases left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_report(results: Path) -> None:
    """Write the page of all cases that have been run."""
    parts = ["# Rows in files, and several workers", ""]
    for case, section in (("memory", _memory), ("cost", _cost), ("scaling", _scaling), ("scores", _scores)):
        path = results / f"distributed_{case}.json"
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            parts += [*section(found), "", _machine(found), ""]
    (results / "distributed.md").write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")


def _machine(found: dict[str, Any]) -> str:
    return f"({found['processors']} processors, load {found['load']:.1f} from other work when it began.)"


def _memory(found: dict[str, Any]) -> list[str]:
    lines = [
        "## Memory",
        "",
        f"One epoch on {found['rows']:,} rows x 50 float32 columns with three targets ({found['gigabytes']:.1f} GB of "
        "parquet), (256, 128), batch 4,096, a tenth of the rows held out. Memory is what a process has of its own at "
        "most (anonymous pages).",
        "",
        "| workers | seconds | microseconds a row | most memory of a process, MB | validation loss |",
        "|---|---|---|---|---|",
    ]
    for workers in (1, 2):
        one = found.get(f"workers_{workers}")
        if one:
            most = ", ".join(str(size) for size in one["most_mb"][:4])
            lines.append(
                f"| {workers} | {one['seconds']:.0f} | {one['microseconds_a_row']:.2f} | {most} | "
                f"{one['val_loss']:.4f} |"
            )
    return lines


def _cost(found: dict[str, Any]) -> list[str]:
    medians = found["medians"]
    return [
        "## Cost per row",
        "",
        f"One epoch on {found['rows']:,} of these rows, in memory {medians['memory']:.2f} s, from files "
        f"{medians['files']:.2f} s (medians of three, in turns, statistics included): {found['ratio']:.2f} times.",
    ]


def _scaling(found: dict[str, Any]) -> list[str]:
    lines = [
        "## Two workers",
        "",
        f"{found['rows']:,} rows, {tuple(found['layers'])}, workers held to a core each. The model of cost is a step "
        "of one worker with half the batch, plus an all-reduce timed by itself.",
        "",
        "| batch | step of one, ms | of two | ratio | all-reduce, ms | its share | model / measured |",
        "|---|---|---|---|---|---|---|",
    ]
    for batch, one in found.items():
        if batch.isdigit():
            lines.append(
                f"| {batch} | {one['step_of_one_ms']:.2f} | {one['step_of_two_ms']:.2f} | {one['ratio']:.2f} | "
                f"{one['all_reduce_ms']:.2f} | {one['share_of_all_reduce']:.0%} | "
                f"{one['predicted_over_measured']:.2f} |"
            )
    return lines


def _scores(found: dict[str, Any]) -> list[str]:
    lines = [
        "## Scores",
        "",
        "Mean score on a quarter of the rows, over seeds (and its standard deviation among them); files are read in "
        "windows of 1,000 rows.",
        "",
        "| set | in memory | from files |",
        "|---|---|---|",
    ]
    for name, one in found.items():
        if isinstance(one, dict):
            cells = [f"{one[where]['mean']:.4f} ({one[where]['sd']:.4f})" for where in ("memory", "files")]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines
