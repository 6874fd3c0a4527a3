"""Verdicts are correct for tasks of known relatedness.

benchmarks/verdicts.py measures the rates on more tables.
"""

import pytest

from skmtl import MultiTaskKerasRegressor
from skmtl.datasets import make_related_tasks
from skmtl.inspection import compare_with_single_task

NETWORK = {"ensemble_size": 4, "learning_rate": 0.01, "epochs": 60}


def verdict(network, seed, **table):
    X, y = make_related_tasks(n_tasks=5, n_waves=1, noise=0.5, random_state=seed, **table)
    model = MultiTaskKerasRegressor(**{**NETWORK, **network}, random_state=seed)
    comparison = compare_with_single_task(model, X, y, random_state=seed)
    return comparison.summary().loc["multi_task", "verdict"], comparison.frame()["verdict"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3])
def test_sharing_helps_tasks_that_are_the_same_and_have_few_labels(seed):
    together, tasks = verdict({"hidden_layer_sizes": (16, 8)}, seed, n_samples=800, relatedness=1.0, missing=0.7)
    assert together == "helped"
    assert "hurt" not in set(tasks)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 2])
def test_sharing_two_units_hurts_tasks_that_have_nothing_in_common(seed):
    together, tasks = verdict({"hidden_layer_sizes": (2,)}, seed, n_samples=400, n_features=10, relatedness=0.0)
    assert together == "hurt"
    assert "helped" not in set(tasks)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_sharing_nothing_makes_no_difference(seed):
    nothing = {"hidden_layer_sizes": (), "head_layer_sizes": (8,), "epochs": 30, "early_stopping": False}
    _, tasks = verdict(nothing, seed, n_samples=300, n_features=10, relatedness=0.0)
    assert set(tasks) == {"no difference"}
