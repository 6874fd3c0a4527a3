"""Displays of joint predictions."""

import sys
from functools import cache

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.inspection import JointPredictionDisplay, ResidualCorrelationDisplay

matplotlib.use("agg")
import matplotlib.pyplot as plt

rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(120, 3)), columns=list("abc"))
SHARED = rng.normal(size=120)
Y = pd.DataFrame({f"y{i}": X["a"] + i * (X["b"] + (-1) ** i * SHARED + 0.2 * rng.normal(size=120)) for i in range(8)})
SETTINGS = {
    "hidden_layer_sizes": (8,), "epochs": 5, "jit_compile": False, "random_state": 0, "ensemble_size": 4,
    "blend": None, "oob_score": True,
}  # fmt: skip


@cache
def model():
    return MultiTaskKerasRegressor(**SETTINGS).fit(X, Y)


@cache
def mixed():
    return MultiTaskKerasEstimator(**SETTINGS).fit(X, Y[["y1", "y2", "y3"]].assign(high=Y["y4"] > 0))


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def display(n_tasks=3, n_rows=2, **options):
    tasks = [f"y{i}" for i in range(1, n_tasks + 1)]
    return JointPredictionDisplay.from_estimator(
        model(), X[:n_rows], Y[:n_rows], tasks=tasks, random_state=0, **options
    )


@pytest.mark.parametrize("n_tasks", [2, 3, 6])
@pytest.mark.parametrize("n_rows", [1, 4])
def test_each_pair_of_tasks_has_a_panel_with_draws_regions_and_truth(n_tasks, n_rows):
    shown = display(n_tasks, n_rows)
    shown.figure_.canvas.draw()
    assert shown.axes_.shape == (n_tasks - 1, n_tasks - 1)
    drawn = [panel for panel in shown.axes_.flat if panel.collections]
    assert len(drawn) == n_tasks * (n_tasks - 1) // 2
    for panel in drawn:
        assert [len(part.get_offsets()) for part in panel.collections] == [300] * n_rows
        assert len(panel.lines) == n_rows * 5  # box, ellipse, prediction, truth on its white ground
    assert shown.axes_[-1, 0].get_xlabel() == "y1" and shown.axes_[-1, 0].get_ylabel() == f"y{n_tasks}"
    assert shown.plot() is shown


def test_outlines_are_those_of_the_regions():
    shown = display(2, 1)
    region = model().predict_region(X[:1], tasks=["y1", "y2"], shape="ellipsoid")
    box, ellipse = (np.array(line.get_data()) for line in shown.ax_.lines[:2])
    ends = model().predict_region(X[:1], tasks=["y1", "y2"]).intervals[0]
    np.testing.assert_allclose([box.min(axis=1), box.max(axis=1)], ends.T)
    off = ellipse.T - region.center[0]
    np.testing.assert_allclose(np.einsum("pt,pt->p", off, np.linalg.solve(region.matrix[0], off.T).T), 1.0)
    np.testing.assert_allclose([ellipse.min(axis=1), ellipse.max(axis=1)], region.intervals[0].T, rtol=1e-3)


def test_rows_are_distinguishable_without_colour():
    shown = display(2, 4)
    predictions = [line for line in shown.ax_.lines if line.get_markersize() == 9]
    assert len({line.get_marker() for line in predictions}) == 4
    names = [text.get_text() for text in shown.ax_.get_legend().get_texts()]
    assert names == ["draw", "prediction", "truth", "box, 90%", "ellipsoid, 90%", "row 0", "row 1", "row 2", "row 3"]


def test_frames_hold_the_numbers():
    shown = display(3, 2)
    table, draws = shown.frame(), shown.frame("draws")
    assert table.index.tolist()[:3] == [("row 0", "y1"), ("row 0", "y2"), ("row 0", "y3")]
    np.testing.assert_allclose(table["truth"], Y.loc[:1, ["y1", "y2", "y3"]].to_numpy().ravel())
    assert (table["box_lower"] < table["prediction"]).all() and (table["prediction"] < table["ellipsoid_upper"]).all()
    assert draws.shape == (600, 3) and list(draws) == ["y1", "y2", "y3"]
    with pytest.raises(ValueError, match="values should be 'regions' or 'draws', got 'all'"):
        shown.frame("all")


def test_truth_may_be_missing_or_partly_known():
    without = JointPredictionDisplay.from_estimator(model(), X[5:6], tasks=[1, 2], random_state=0)
    assert "truth" not in without.frame()
    assert [text.get_text() for text in without.ax_.get_legend().get_texts()] == [
        "draw", "prediction", "box, 90%", "ellipsoid, 90%",
    ]  # fmt: skip
    some = JointPredictionDisplay.from_estimator(model(), X[:1], Y[:1].assign(y2=np.nan), tasks=[1, 2, 3])
    assert [len(some.axes_[at].lines) for at in ((0, 0), (1, 0), (1, 1))] == [3, 5, 3]


def test_only_regressions_are_drawn_and_the_first_six_of_many():
    shown = JointPredictionDisplay.from_estimator(mixed(), X[:1], random_state=0)
    assert shown.task_names == ["y1", "y2", "y3"]
    assert len(JointPredictionDisplay.from_estimator(model(), X[:1]).task_names) == 6
    for tasks in (["y1", "high"], ["y1"]):
        with pytest.raises(ValueError, match="two to 6 regressions"):
            JointPredictionDisplay.from_estimator(mixed(), X[:1], tasks=tasks)
    with pytest.raises(ValueError, match="X has 5 rows: choose up to 4"):
        display(2, 5)


def test_pipelines_are_accepted_and_other_estimators_refused():
    pipeline = make_pipeline(StandardScaler(), MultiTaskKerasRegressor(**SETTINGS)).fit(X, Y)
    shown = JointPredictionDisplay.from_estimator(pipeline, X[:1], tasks=["y1", "y2"], random_state=0)
    np.testing.assert_allclose(shown.prediction, pipeline.predict(X[:1])[:, 1:3])
    assert ResidualCorrelationDisplay.from_estimator(pipeline).correlation.shape == (8, 8)
    for make in (lambda one: JointPredictionDisplay.from_estimator(one, X), ResidualCorrelationDisplay.from_estimator):
        with pytest.raises(TypeError, match="from_estimator needs one of skmtl's estimators"):
            make(LinearRegression())


def test_they_are_drawn_in_the_callers_figure():
    figure, (left, right) = plt.subplots(1, 2)
    shown = display(3, 1, ax=right)
    assert shown.figure_ is figure and not left.has_data()
    assert ResidualCorrelationDisplay.from_estimator(model(), ax=left).figure_ is figure
    assert plt.get_fignums() == [figure.number]


def test_tasks_with_correlated_errors_are_adjacent():
    names = ["a", "b", "c", "d"]
    table = pd.DataFrame(np.eye(4), index=names, columns=names)
    table.loc["a", "c"] = table.loc["c", "a"] = -0.9
    table.loc["b", "d"] = table.loc["d", "b"] = 0.8
    shown = ResidualCorrelationDisplay(table).plot()
    assert {frozenset(shown.order_[:2]), frozenset(shown.order_[2:])} == {frozenset("ac"), frozenset("bd")}
    assert {text.get_text() for text in shown.ax_.texts} == {"−0.90", "0.80", "0.00"}
    assert shown.frame().index.tolist()[:2] == [("a", "c"), ("b", "d")]
    assert ResidualCorrelationDisplay(table).plot(cluster=False).order_ == names


@pytest.mark.parametrize("n_tasks", [2, 40])
def test_few_and_many_correlations_are_drawn(n_tasks):
    names = [f"task {i}" for i in range(n_tasks)]
    table = pd.DataFrame(np.corrcoef(rng.normal(size=(n_tasks, 9))), index=names, columns=names)
    shown = ResidualCorrelationDisplay(table).plot()
    shown.figure_.canvas.draw()
    assert bool(shown.ax_.texts) == (n_tasks == 2)
    assert not np.isnan(table.to_numpy()).any()


def test_without_matplotlib_only_drawing_fails(monkeypatch):
    table = pd.DataFrame(np.eye(2), index=["a", "b"], columns=["a", "b"])
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert len(ResidualCorrelationDisplay(table).frame()) == 1
    with pytest.raises(ImportError, match="ResidualCorrelationDisplay requires matplotlib"):
        ResidualCorrelationDisplay(table).plot()
