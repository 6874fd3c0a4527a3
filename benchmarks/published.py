"""Comparison of skmtl with published figures and with simple models on school, landmine, census and tox21.

    python benchmarks/published.py                           # all cases, then the report
    python benchmarks/published.py --cases school --seeds 5  # these; the others keep their last figures
    python benchmarks/published.py --report                  # only the report, from results/published.csv

Writes results/published.csv (one row per case, seed and model) and published.md (means over splits).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
from _datasets import Record, load
from _harness import RESULTS, report_parser
from _methods_data import Split, split
from _report import markdown, write_page
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import roc_auc_score

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor

ALL_ROWS = 10**6
INTRO = """\
- **school**: explained variance of the exam scores of 139 schools, tested on a quarter of each school's rows. On ten \
other splits, a pooled ridge regression reached .339, and .372 with a shrunk intercept for each school.
- **landmine**: mean AUC over 29 fields, compared with logistic regressions on all fields together and on each field
  alone.
- **census**: AUC for income over 50,000 and for never married, on half of the archive's test part. Published, on the \
whole data set: single-task networks .9198 and .9748, a shared bottom .9148 and .9754 (International Journal of \
Advanced Network, Monitoring and Controls, 2024, doi 10.2478/ijanmc-2024-0005).
- **tox21**: mean AUC of the defaults over 12 assays, from circular fingerprints. Models are trained on 80 % of the \
molecules and tested on the validation tenth, split at random or by scaffold (large scaffolds are training rows, \
smaller ones test rows, as in DeepChem's ScaffoldSplitter: one split, so only the models' seeds differ). Published for \
fingerprints in DeepChem's README of 2017: at random, logistic regression .715, random forest .764, XGBoost .773, \
multi-task network .795, robust multi-task network .773; by scaffold .650, .629, .703, .703 and .710."""
Figures = Iterator[tuple[str, str, float]]  # model, measure, value


def school(seed: int) -> Figures:
    """Compare a task-conditioned network, with tasks weighted by their rows, with linear models."""
    data = split("school", ALL_ROWS, seed)
    train, y = _own(data.y)
    test, truth = _own(data.test_y)
    mean, scale = y.mean(), y.std()
    model = MultiTaskKerasRegressor(
        architecture="task_conditioned", architecture__embedding_dim=2, hidden_layer_sizes=(16,), ensemble_size=8,
        validation_fraction=0.125, batch_size=256, learning_rate=0.01, weight_decay=0.1, epochs=25, random_state=seed,
        # The mean of a school with few rows must be shrunk: use one scale for all schools, and weight all rows alike.
        scale_targets=False, loss_weights=np.bincount(train).astype(float).tolist(),
    )  # fmt: skip
    model.fit(data.X, (data.y - mean) / scale)
    own = mean + scale * model.predict(data.test_X)[np.arange(len(test)), test]
    ridge = RidgeCV(np.logspace(-3, 4, 15)).fit(data.X, y)
    residuals = y - ridge.predict(data.X)
    shrunk = np.bincount(train, residuals) / (np.bincount(train) + 10)
    pooled = ridge.predict(data.test_X)
    for name, predicted in (("skmtl", own), ("pooled ridge", pooled), ("shrunk intercepts", pooled + shrunk[test])):
        yield name, "explained variance", 1 - ((truth - predicted) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()


def landmine(seed: int) -> Figures:
    """Compare multi-task networks with logistic regressions."""
    data = split("landmine", ALL_ROWS, seed)
    train, y = _own(data.y)
    settings = {"ensemble_size": 4, "batch_size": 256, "learning_rate": 0.005, "epochs": 60, "random_state": seed}
    for name, options in LANDMINE.items():
        model = MultiTaskKerasClassifier(**settings, **options).fit(data.X, data.y)
        proba = model.predict_proba(data.test_X)
        yield name, "mean AUC", _mean_auc(data, lambda task, rows, proba=proba: proba[task][rows, 1])
    pooled = LogisticRegression(max_iter=1000).fit(data.X, y)
    yield "pooled logistic", "mean AUC", _mean_auc(data, lambda _, rows: pooled.predict_proba(data.test_X[rows])[:, 1])
    single = [LogisticRegression(max_iter=1000).fit(data.X[train == t], y[train == t]) for t in range(train.max() + 1)]
    scores = _mean_auc(data, lambda task, rows: single[task].predict_proba(data.test_X[rows])[:, 1])
    yield "single-task logistic", "mean AUC", scores


LANDMINE = {
    "skmtl shared_bottom": {"hidden_layer_sizes": (32, 16)},
    "skmtl task_conditioned": {"architecture": "task_conditioned", "hidden_layer_sizes": (32,)},
}


def census(seed: int) -> Figures:
    """Compare a shared bottom with single-task networks on all rows."""
    data = split("census_kdd", ALL_ROWS, seed)
    settings = {
        "ensemble_size": 1,
        "hidden_layer_sizes": (128, 64),
        "dropout": 0.2,
        "batch_size": 512,
        "epochs": 20,
        "random_state": seed,
    }
    model = MultiTaskKerasClassifier(**settings).fit(data.X, data.y)
    for number, task in enumerate(data.y):
        yield "skmtl shared_bottom", f"AUC {task}", _auc(model, number, data, task)
        single = MultiTaskKerasClassifier(**settings).fit(data.X, data.y[[task]])
        yield "skmtl single task", f"AUC {task}", _auc(single, 0, data, task)


def _own(y: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's task and label."""
    task = y.notna().to_numpy().argmax(axis=1)
    return task, y.to_numpy()[np.arange(len(y)), task]


def _mean_auc(data: Split, scores: Callable[[int, np.ndarray], np.ndarray]) -> float:
    task, truth = _own(data.test_y)
    rows = [np.flatnonzero(task == number) for number in range(task.max() + 1)]
    return float(np.mean([roc_auc_score(truth[own], scores(number, own)) for number, own in enumerate(rows)]))


def _auc(model: MultiTaskKerasClassifier, number: int, data: Split, task: str) -> float:
    proba = model.predict_proba(data.test_X)[number]
    return roc_auc_score(data.test_y[task] == model.classes_[number][1], proba[:, 1])


def tox21(seed: int) -> Figures:
    """Compare the defaults with random forests, one per assay."""
    record = load("tox21")
    n = len(record.X)
    order = np.random.default_rng(seed).permutation(n)
    splits = {"random": (order[: int(0.8 * n)], order[int(0.8 * n) : int(0.9 * n)]), "scaffold": _by_scaffold(record)}
    for split_name, (train, valid) in splits.items():
        train_set, test = record.take(train), record.take(valid)
        model = MultiTaskKerasClassifier(random_state=seed).fit(train_set.X, train_set.Y)
        proba = model.predict_proba(test.X)
        own, forest = [], []
        for number, task in enumerate(record.Y):
            seen, known = (part.Y[task].notna().to_numpy() for part in (train_set, test))
            truth = test.Y[task][known] == model.classes_[number][1]
            own.append(roc_auc_score(truth, proba[number][known, 1]))
            trees = RandomForestClassifier(n_jobs=2, random_state=seed).fit(train_set.X[seen], train_set.Y[task][seen])
            forest.append(roc_auc_score(truth, trees.predict_proba(test.X[known])[:, 1]))
        yield "skmtl defaults", f"mean AUC, {split_name}", float(np.mean(own))
        yield "random forest", f"mean AUC, {split_name}", float(np.mean(forest))


def _by_scaffold(record: Record) -> tuple[np.ndarray, np.ndarray]:
    """Return training and validation rows: scaffolds in order of size, the largest first."""
    groups = pd.Series(record.scaffolds)
    first = groups.drop_duplicates().index.to_series(index=groups.drop_duplicates().to_numpy())
    sizes = pd.DataFrame({"size": groups.value_counts(), "first": first})
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    limits = (0.8 * len(groups), 0.9 * len(groups))
    rows_of = groups.groupby(groups).indices
    for scaffold in sizes.sort_values(["size", "first"], ascending=False).index:
        rows = rows_of[scaffold]
        taken = len(parts[0]), len(parts[0]) + len(parts[1])
        into = 0 if taken[0] + len(rows) <= limits[0] else 1 if taken[1] + len(rows) <= limits[1] else 2
        parts[into].extend(rows)
    return np.sort(parts[0]), np.sort(parts[1])


CASES: dict[str, tuple[Callable[[int], Figures], int]] = {
    "school": (school, 10),
    "landmine": (landmine, 5),
    "census": (census, 1),
    "tox21": (tox21, 3),
}


def write_report(table: pd.DataFrame) -> None:
    """Write results/published.md: means over the splits."""
    found = table.groupby(["case", "measure", "model"])["value"].agg(["mean", "std", "count"]).reset_index()
    rows = [
        [*row[:3], f"{row[3]:.4f}", "" if row[5] == 1 else f"{row[4]:.4f}", row[5]]
        for row in found.itertuples(index=False)
    ]
    write_page(
        "published",
        "# Comparison with published figures and simple models",
        "`python benchmarks/published.py`: skmtl and simple models on the same splits. Published figures are from "
        "other splits.",
        INTRO,
        markdown(["case", "measure", "model", "mean", "standard deviation", "splits"], rows),
    )


def main() -> None:
    """Run the cases asked for and write the report."""
    parser = report_parser(__doc__)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument(
        "--seeds",
        type=int,
        help="number of splits; by default ten of school, five of landmine, three of tox21, one of census",
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    path = RESULTS / "published.csv"
    for name in () if arguments.report else arguments.cases:
        figures, seeds = CASES[name]
        for seed in range(arguments.seeds or seeds):
            rows = [(name, seed, model, measure, round(value, 4)) for model, measure, value in figures(seed)]
            print(*rows, sep="\n", flush=True)
            found = pd.DataFrame(rows, columns=["case", "seed", "model", "measure", "value"])
            kept = pd.read_csv(path) if path.exists() else found.iloc[:0]
            kept = kept[(kept["case"] != name) | (kept["seed"] != seed)]
            pd.concat([kept, found]).sort_values(["case", "seed"], kind="stable").to_csv(path, index=False)
    write_report(pd.read_csv(path))
    print(pd.read_csv(path).groupby(["case", "measure", "model"])["value"].agg(["mean", "std", "count"]).round(4))


if __name__ == "__main__":
    main()
