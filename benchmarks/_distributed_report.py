"""The page results/distributed.md, from results/distributed_<case>.json."""

from __future__ import annotations

import json
from typing import Any

from _harness import RESULTS
from _report import markdown, write_page


def write_report() -> None:
    """Write the page, with all cases that have been run."""
    parts = ["# Training from files and with several workers", "`python benchmarks/distributed.py`."]
    for case, section in (("memory", _memory), ("cost", _cost), ("scaling", _scaling), ("scores", _scores)):
        path = RESULTS / f"distributed_{case}.json"
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            parts += [*section(found), _machine(found)]
    write_page("distributed", *parts)


def _machine(found: dict[str, Any]) -> str:
    load = f"with a load of {found['load']:.1f} from other work at the start"
    return f"Measured on {found['processors']} processors, {load}."


def _memory(found: dict[str, Any]) -> list[str]:
    rows = []
    for workers in (1, 2):
        one = found.get(f"workers_{workers}")
        if one:
            most = ", ".join(str(size) for size in one["most_mb"][:4])
            rows.append(
                [workers, f"{one['seconds']:.0f}", f"{one['microseconds_a_row']:.2f}", most, f"{one['val_loss']:.4f}"]
            )
    return [
        "## Memory",
        f"One epoch on {found['rows']:,} rows x 50 float32 columns with three targets ({found['gigabytes']:.1f} GB of "
        "parquet), layers (256, 128), batch size 4,096, a tenth of the rows held out. Peak memory counts a process's "
        "anonymous pages.",
        markdown(
            ["workers", "seconds", "microseconds per row", "peak memory per process, MB", "validation loss"], rows
        ),
    ]


def _cost(found: dict[str, Any]) -> list[str]:
    medians = found["medians"]
    return [
        "## Cost per row",
        f"One epoch on {found['rows']:,} of these rows takes {medians['memory']:.2f} s from memory and "
        f"{medians['files']:.2f} s from files, {found['ratio']:.2f} times as long (medians of three turns; computing "
        "the statistics is included).",
    ]


def _scaling(found: dict[str, Any]) -> list[str]:
    steps = {int(batch): one for batch, one in found.items() if batch.isdigit()}
    smallest = min(steps)
    # TensorFlow's own work around a step with several workers does not depend on the batch: the smallest one shows it.
    fixed = steps[smallest]["step_of_two_ms"] - _compute_and_all_reduce(steps[smallest])
    rows = []
    for batch, one in steps.items():
        model = (_compute_and_all_reduce(one) + fixed) / one["step_of_two_ms"]
        rows.append(
            [batch, f"{one['step_of_one_ms']:.2f}", f"{one['step_of_two_ms']:.2f}", f"{one['ratio']:.2f}",
             f"{one['all_reduce_ms']:.2f}", f"{one['share_of_all_reduce']:.0%}",
             "(calibrated)" if batch == smallest else f"{model:.2f}"]
        )  # fmt: skip
    columns = ["batch size", "step with one, ms", "step with two, ms", "ratio", "all-reduce, ms", "share of the step",
               "cost model / measured"]  # fmt: skip
    return [
        "## Two workers",
        f"{found['rows']:,} rows, layers {tuple(found['layers'])}, one core per worker. The cost model adds a step of "
        f"one worker on half the batch, an all-reduce alone, and a fixed cost of {fixed:.2f} ms per step with several "
        f"workers, taken from the batch size of {smallest}.",
        markdown(columns, rows),
    ]


def _compute_and_all_reduce(one: dict[str, float]) -> float:
    return one["step_of_half_a_batch_ms"] + one["all_reduce_ms"]


def _scores(found: dict[str, Any]) -> list[str]:
    rows = [
        [name, *(f"{one[where]['mean']:.4f} ({one[where]['sd']:.4f})" for where in ("memory", "files"))]
        for name, one in found.items()
        if isinstance(one, dict)
    ]
    return [
        "## Scores",
        "Score on a quarter of the rows, mean (standard deviation) over seeds. Files are read in windows of 1,000 "
        "rows.",
        markdown(["data set", "from memory", "from files"], rows),
    ]
