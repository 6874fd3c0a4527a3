"""How often the affinities of tasks recover groups that are there by construction.

Nine tasks: two groups of three, and three tasks of their own. The tasks of a group are the same function
up to noise ("same"), or functions of directions at a cosine of 0.8 ("similar"); those of different groups look at
orthogonal directions of X through other waves. For each method of `task_affinity`:

- recovered: every pair within a group has a higher affinity than any pair across groups;
- found: `suggest_task_groups` gives the two groups, and leaves the three other tasks alone.

Beside it stands what passes for related or opposed, within groups and across.
Writes results/affinity.csv, one row per seed, setting and method, and results/affinity.md, the rates.

    python benchmarks/affinity.py [--seeds 20] [--setting same] [--method tag]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skmtl import MultiTaskKerasRegressor
from skmtl.datasets import make_related_tasks
from skmtl.inspection import suggest_task_groups, task_affinity

RESULTS = Path(__file__).parent / "results"
GROUPS = (0, 0, 0, 1, 1, 1, 2, 3, 4)
METHODS = ("gradient_cosine", "tag", "label_correlation")
TABLE: Mapping[str, Any] = {"n_samples": 500, "n_features": 30, "n_tasks": 9, "n_waves": 1, "noise": 0.5}
NETWORK: Mapping[str, Any] = {"hidden_layer_sizes": (8,), "ensemble_size": 8, "learning_rate": 0.01, "epochs": 30}
SETTINGS: Mapping[str, tuple[float, int]] = {"same": (1.0, 20), "similar": (0.8, 10)}  # cosine, seeds
# Fewer than the default, which is for fewer pairs.
PERMUTATIONS: Mapping[str, int | None] = {"gradient_cosine": 5, "tag": 5, "label_correlation": None}


def planted(names: Sequence[str]) -> list[list[str]]:
    """The groups as `suggest_task_groups` would name them."""
    return [[n for n, own in zip(names, GROUPS, strict=True) if own == group] for group in sorted(set(GROUPS))]


def run_seed(setting: str, method: str, seed: int) -> dict[str, Any]:
    """What one method says of the tasks of one seed."""
    X, y = make_related_tasks(**TABLE, relatedness=SETTINGS[setting][0], task_groups=GROUPS, random_state=seed)
    start = time.perf_counter()
    affinity = task_affinity(
        MultiTaskKerasRegressor(**NETWORK), X, y, method=method, n_permutations=PERMUTATIONS[method], random_state=seed
    )
    seconds = time.perf_counter() - start
    values, verdicts = affinity.matrix.to_numpy(), affinity.verdicts().to_numpy()
    within = np.equal.outer(GROUPS, GROUPS) & ~np.eye(len(GROUPS), dtype=bool)
    across = ~np.equal.outer(GROUPS, GROUPS)
    return {
        "setting": setting,
        "method": method,
        "seed": seed,
        "recovered": bool(values[within].min() > values[across].max()),
        "found": suggest_task_groups(affinity) == planted(affinity.task_names),
        "mean within": values[within].mean(),
        "lowest within": values[within].min(),
        "mean across": values[across].mean(),
        "highest across": values[across].max(),
        "related within": float((verdicts[within] == "related").mean()),
        "related across": float((verdicts[across] == "related").mean()),
        "opposed across": float((verdicts[across] == "opposed").mean()),
        "seconds": seconds,
    }


def rates(table: pd.DataFrame) -> pd.DataFrame:
    """Per setting and method: seeds recovered and found, and means over the seeds."""
    grouped = table.groupby(["setting", "method"], sort=False)
    counts = grouped[["recovered", "found"]].sum().assign(seeds=grouped.size())
    means = grouped[
        ["mean within", "mean across", "related within", "related across", "opposed across", "seconds"]
    ].mean()
    return counts[["seeds", "recovered", "found"]].join(means).reset_index()


def report(found: pd.DataFrame) -> str:
    """The rates as a page."""
    rows = [
        [f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row] for row in found.to_numpy().tolist()
    ]
    lines = ["| " + " | ".join(row) + " |" for row in [list(found.columns), ["---"] * found.shape[1], *rows]]
    head = "# What the affinities of tasks say of groups that are there by construction\n\n"
    told = (
        "Nine tasks a seed: two groups of three, three tasks of their own. Recovered: every pair within a group has "
        "a higher affinity than any pair across; found: `suggest_task_groups` gives exactly these groups. The shares "
        "of pairs said to be related or opposed are means over the seeds; seconds are those of a busy machine.\n\n"
        '"Same": a group\'s tasks are one function up to noise. "Similar": their directions have a cosine of 0.8. '
        "In these networks of eight hidden units the latter pull against one another for most of the training: once "
        "what they have in common is learnt, their gradients are what they differ in. The correlation of their labels "
        "still tells them. Lookahead calls many pairs across opposed: a step for another task costs one that is near "
        "its minimum a little, which permuted labels, never learnt, do not show.\n\n"
        "`python benchmarks/affinity.py` measures this anew; affinity.csv has every seed.\n\n"
    )
    return head + told + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, help="instead of each setting's own number")
    parser.add_argument("--setting", choices=list(SETTINGS), action="append")
    parser.add_argument("--method", choices=METHODS, action="append")
    arguments = parser.parse_args()
    rows = []
    for setting in arguments.setting or SETTINGS:
        for method in arguments.method or METHODS:
            rows += [run_seed(setting, method, seed) for seed in range(arguments.seeds or SETTINGS[setting][1])]
            print(f"{setting}, {method}: done", flush=True)
    table = pd.DataFrame(rows)
    found = rates(table)
    if not (arguments.setting or arguments.method or arguments.seeds):
        RESULTS.mkdir(exist_ok=True)
        table.round(4).to_csv(RESULTS / "affinity.csv", index=False)
        (RESULTS / "affinity.md").write_text(report(found))
    print(found.to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
