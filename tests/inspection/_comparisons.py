"""Comparisons made by hand, without fitting anything."""

import numpy as np
import pandas as pd

from skmtl.inspection import SingleTaskComparison
from skmtl.inspection._scoring import task_metrics


def comparison_of(scores, scoring="r2", fits=None, test_to_train=0.25, budget="full"):
    """Return the comparison of ``scores``: dict of estimator to dict of task to the scores in the folds."""
    names = tuple(next(iter(scores.values())))
    metrics = task_metrics(scoring, names, ("regression",) * len(names))
    rows = [
        {"estimator": estimator, "task": task, "fold": fold, "score": score}
        for estimator, tasks in scores.items()
        for task, folds in tasks.items()
        for fold, score in enumerate(folds)
    ]
    n_folds = len(scores["multi_task"][names[0]])
    if fits is None:
        fits = [
            {"estimator": estimator, "task": task, "fold": fold, "fit_time": 1.0, "n_parameters": 10.0}
            for estimator in scores
            for task in ([None] if estimator == "multi_task" else names)
            for fold in range(n_folds)
        ]
    return SingleTaskComparison(
        fold_scores=pd.DataFrame(rows),
        fits=pd.DataFrame(fits),
        task_names=names,
        n_folds=n_folds,
        budget=budget,
        confidence_level=0.95,
        _metrics={name: metrics[i] for i, name in enumerate(names)},
        _test_to_train=dict.fromkeys(names, test_to_train),
    )


def many_tasks(n_tasks, scoring="r2"):
    """Return a comparison of ``n_tasks`` tasks, some helped, some hurt."""
    rng = np.random.default_rng(n_tasks)
    alone = {f"task {i}": 0.6 + 0.03 * rng.normal(size=5) for i in range(n_tasks)}
    gains = rng.normal(0.0, 0.1, size=n_tasks)
    together = {
        task: folds + gain + 0.01 * rng.normal(size=5) for (task, folds), gain in zip(alone.items(), gains, strict=True)
    }
    return comparison_of({"multi_task": together, "single_task": alone}, scoring)
