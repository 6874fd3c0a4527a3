"""Displays follow scikit-learn's convention."""

import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from skmtl import MultiTaskKerasRegressor
from skmtl.inspection import (
    SingleTaskComparisonDisplay,
    TaskAffinityDisplay,
    TaskImportanceDisplay,
    TaskPartialDependenceDisplay,
    TrainingHistoryDisplay,
    compare_with_single_task,
    task_affinity,
    task_partial_dependence,
    task_permutation_importance,
)

from ._affinities import planted
from ._comparisons import many_tasks

matplotlib.use("agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def history(n_tasks, members=3, epochs=6, weighed=False):
    rng = np.random.default_rng(0)
    names = [f"task {i}" for i in range(n_tasks)]
    keys = ["loss", *(f"{name}_loss" for name in names)]
    keys += [f"val_{key}" for key in keys]
    losses = {key: np.linspace(1, 0.3, epochs)[:, None] + 0.05 * rng.random((epochs, members)) for key in keys}
    weights = {f"{name}_weight": i + rng.random((epochs, members)) for i, name in enumerate(names)}
    series = {**losses, **weights} if weighed else losses
    return TrainingHistoryDisplay(series, task_names=names, best_epochs=[epochs] * members)


def weighed_history(n_tasks):
    return history(n_tasks, weighed=True)


def importance(n_tasks):
    rng = np.random.default_rng(0)
    names = pd.Index([f"task {i}" for i in range(n_tasks)], name="task")
    features = pd.Index([f"feature {i}" for i in range(30)], name="feature")
    mean = pd.DataFrame(rng.normal(0.2, 0.2, size=(30, n_tasks)), index=features, columns=names)
    return TaskImportanceDisplay(mean, mean.abs() / 10, metrics=pd.Series("r2", index=names))


def dependence(n_tasks):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    model = LinearRegression().fit(X, rng.normal(size=(40, n_tasks)))
    return TaskPartialDependenceDisplay(task_partial_dependence(model, X, [0, 2], grid_resolution=5, kind="both"))


def comparison(n_tasks):
    return SingleTaskComparisonDisplay(many_tasks(n_tasks))


def affinity(n_tasks):
    return TaskAffinityDisplay(planted(n_tasks, method="tag"))


ALL = [history, weighed_history, importance, dependence, comparison, affinity]


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("n_tasks", [2, 16, 60])
def test_plot_returns_the_display_with_figure_and_axes(make, n_tasks):
    display = make(n_tasks)
    assert display.plot() is display
    assert isinstance(display.figure_, matplotlib.figure.Figure)
    assert display.ax_ in display.figure_.axes
    display.figure_.canvas.draw()


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("n_tasks", [2, 30])
def test_plot_draws_in_the_callers_figure(make, n_tasks):
    figure, (left, right) = plt.subplots(1, 2)
    display = make(n_tasks).plot(ax=right)
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    box = right.get_subplotspec().get_position(figure)
    for panel in np.atleast_1d(getattr(display, "axes_", display.ax_)).ravel():
        assert panel.get_position().x0 >= box.x0 - 1e-6
    assert not left.has_data()


@pytest.mark.parametrize("make", [history, importance, dependence])
def test_axes_that_cannot_be_divided_are_refused(make):
    ax = plt.figure().add_axes((0.1, 0.1, 0.8, 0.8))
    with pytest.raises(ValueError, match="ax should be axes that"):
        make(2).plot(ax=ax)


@pytest.mark.parametrize("make", ALL)
def test_frame_holds_the_numbers_without_drawing(make):
    display = make(2)
    assert isinstance(display.frame(), pd.DataFrame)
    assert len(display.frame()) > 0
    assert not hasattr(display, "figure_")
    assert plt.get_fignums() == []


@pytest.mark.parametrize("make", [history, importance, dependence])
def test_an_unknown_task_or_kind_gets_a_proposal(make):
    with pytest.raises(ValueError, match=r"There is no task 'task 9'\..* Valid names: "):
        make(2).plot(tasks=["task 9"])
    with pytest.raises(ValueError, match="kind should be 'auto'"):
        make(2).plot(kind="pie")


@pytest.mark.parametrize("make", ALL)
def test_without_matplotlib_only_drawing_fails(make, monkeypatch):
    display = make(2)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert len(display.frame()) > 0
    with pytest.raises(ImportError, match=rf"{type(display).__name__} requires matplotlib"):
        display.plot()


def test_importing_the_package_imports_neither_matplotlib_nor_tensorflow():
    code = "import sys, skmtl.inspection; print([m for m in ('matplotlib', 'tensorflow', 'keras') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
    code = "import sys, skmtl; print([m for m in sys.modules if m.startswith(('skmtl.inspection', 'skmtl.datasets'))])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_from_estimator_computes_and_plots():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = np.column_stack([X[:, 0], X[:, 1]])
    model = LinearRegression().fit(X, y)
    drawn = TaskImportanceDisplay.from_estimator(model, X, y, random_state=0, n_repeats=2)
    given = TaskImportanceDisplay.from_importances(
        task_permutation_importance(model, X, y, random_state=0, n_repeats=2), max_features=2
    )
    pd.testing.assert_frame_equal(drawn.frame(), given.frame())
    assert len(drawn.ax_.patches) == 3 and len(given.ax_.patches) == 2
    dependent = TaskPartialDependenceDisplay.from_estimator(model, X, "x1", grid_resolution=4)
    assert dependent.frame()["feature"].unique().tolist() == ["x1"]
    compared = SingleTaskComparisonDisplay.from_estimator(model, X, y, cv=3)
    pd.testing.assert_index_equal(compared.frame().index, compare_with_single_task(model, X, y, cv=3).frame().index)


def test_comparison_marks_each_verdict_and_sorts_by_gain():
    display = comparison(16).plot()
    table = display.frame()
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    counts = table["verdict"].value_counts()
    assert labels == [f"{verdict} ({counts[verdict]})" for verdict in ("helped", "no difference", "hurt")]
    shown = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert shown == table.sort_values("difference", ascending=False).index.tolist()
    kept = comparison(16).plot(sort=False)
    assert [text.get_text() for text in kept.ax_.get_yticklabels()] == table.index.tolist()


def test_comparison_with_several_metrics_is_in_per_cent():
    mixed = SingleTaskComparisonDisplay(many_tasks(4, {0: "r2", 1: "r2", 2: "r2", 3: "explained_variance"})).plot()
    assert mixed.ax_.get_xlabel().startswith("loss reduction relative to single-task baselines, in %")
    drawn = sorted(x for line in mixed.ax_.lines[1:] for x in line.get_xdata())
    np.testing.assert_allclose(drawn, sorted(mixed.frame()["relative_gain"]))
    with pytest.raises(ValueError, match="quantity should be"):
        mixed.plot(quantity="both")


def test_history_has_a_panel_per_task_up_to_24_and_a_map_beyond():
    few, many = history(24).plot(), history(25).plot()
    assert sum(panel.get_visible() for panel in few.axes_.flat) == 25
    assert many.axes_.shape == (2, 1)
    assert len(many.axes_[1, 0].images) == 1
    assert history(2).plot(kind="heatmap").axes_.shape == (2, 1)
    chosen = history(30).plot(tasks=["task 3", "task 7"])
    assert [panel.get_title() for panel in chosen.axes_.flat] == ["all tasks", "task 3", "task 7"]


def test_history_draws_the_mean_the_band_and_the_best_epochs():
    display = history(2, members=3).plot()
    frame = display.frame()
    panel = display.axes_[0, 1]
    drawn = {line.get_label(): line.get_ydata() for line in panel.lines}
    for rows in ("training", "validation"):
        own = frame[(frame["task"] == "task 0") & (frame["rows"] == rows)]
        np.testing.assert_allclose(drawn[rows], own["mean"])
        assert (own["low"] <= own["mean"]).all() and (own["mean"] <= own["high"]).all()
    names = [type(part).__name__ for part in panel.collections]
    assert names.count("FillBetweenPolyCollection") == 2
    assert names.count("LineCollection") == 1


def test_history_draws_weights_of_few_tasks_as_lines_in_the_order_of_their_ends():
    display = weighed_history(3).plot()
    panel, frame = display.weights_ax_, display.frame("weight")
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["task 2", "task 1", "task 0"]
    for line in panel.lines[:3]:
        own = frame[frame["task"] == line.get_label()]
        np.testing.assert_allclose(line.get_ydata(), own["mean"])
        assert (own["low"] < own["mean"]).all() and (own["mean"] < own["high"]).all()
    assert len({str(line.get_linestyle()) for line in panel.lines[:3]}) == 3
    assert display.axes_.shape == (2, 2)


@pytest.mark.parametrize("n_tasks", [16, 60])
def test_history_draws_weights_of_many_tasks_as_a_labelled_map(n_tasks):
    display = weighed_history(n_tasks).plot()
    values = display.weights_ax_.images[0].get_array()
    names = [text.get_text() for text in display.weights_ax_.get_yticklabels()]
    means = display.frame("weight").pivot(index="task", columns="epoch", values="mean")
    np.testing.assert_allclose(values, means.loc[names])
    if n_tasks == 60:
        assert names == [text.get_text() for text in display.axes_[1, 0].get_yticklabels()]


def test_history_without_weights_has_no_weight_panel():
    display = history(2).plot()
    assert display.weights_ax_ is None
    assert len(display.figure_.axes) == 3
    assert display.frame("weight").empty
    with pytest.raises(ValueError, match="values should be 'loss' or 'weight', got 'size'"):
        display.frame("size")


def test_history_shows_the_weights_of_a_balancing_method():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    settings = {"hidden_layer_sizes": 4, "epochs": 3, "random_state": 0, "ensemble_size": 1}
    model = MultiTaskKerasRegressor(**settings, balancing="uncertainty").fit(X, X[:, :2])
    frame = TrainingHistoryDisplay.from_estimator(model, tasks=["y1"]).frame("weight")
    np.testing.assert_allclose(frame.query("task == 'y1'")["mean"], model.history_["y1_weight"])


def test_history_of_one_network_without_held_out_rows_has_no_band_and_no_validation():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    model = MultiTaskKerasRegressor(hidden_layer_sizes=4, epochs=3, random_state=0, ensemble_size=1).fit(X, X[:, :2])
    display = TrainingHistoryDisplay.from_estimator(model)
    assert display.frame()["rows"].unique().tolist() == ["training"]
    assert display.frame()["epoch"].max() == 3
    names = [type(part).__name__ for part in display.ax_.collections]
    assert names == ["LineCollection"]
    np.testing.assert_allclose(display.frame().query("task == 'all tasks'")["mean"], model.history_["loss"])


def test_history_needs_a_fitted_network():
    with pytest.raises(TypeError, match="from_estimator needs one of skmtl's estimators"):
        TrainingHistoryDisplay.from_estimator(LinearRegression())
    with pytest.raises(ValueError, match="not fitted yet"):
        TrainingHistoryDisplay.from_estimator(MultiTaskKerasRegressor(ensemble_size=1))


def test_importances_are_sorted_by_the_largest_of_any_task():
    mean = pd.DataFrame({"a": [0.1, 10.0, 0.0], "b": [0.0, 0.1, 0.2]}, index=["x", "y", "z"])
    display = TaskImportanceDisplay(mean, mean * 0, metrics=pd.Series("r2", index=["a", "b"])).plot(max_features=2)
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["y", "z"]
    assert display.frame().query("task == 'b' and feature == 'z'")["mean"].tolist() == [0.2]
    with pytest.raises(ValueError, match="max_features should be"):
        display.plot(max_features=0)


def test_dependence_draws_a_curve_per_response_and_feature_and_maps_of_many():
    few = dependence(2).plot()
    assert few.axes_.shape == (2, 2)
    curve = few.axes_[1, 0].lines[-1]
    own = few.frame().query("feature == 'x0' and task == 'y1'")
    np.testing.assert_allclose(curve.get_ydata(), own["average"].astype(float))
    many = dependence(12).plot()
    assert many.axes_.shape == (1, 2)
    assert many.axes_[0, 0].images[0].get_array().shape == (12, 5)


def test_similar_tasks_are_adjacent_with_signs_and_numbers_if_they_fit():
    measured = planted(8, 2)
    display = TaskAffinityDisplay.from_affinity(measured)
    order = measured.matrix.loc[display.order_, display.order_].to_numpy()
    close = order > 0.15
    # Two blocks: similarity changes once along a row.
    assert (np.diff(close.astype(int), axis=1) != 0).sum(axis=1).max() == 1
    drawn = np.ma.filled(display.ax_.images[0].get_array().astype(float), np.nan)
    np.testing.assert_array_equal(drawn[~np.eye(8, dtype=bool)], order[~np.eye(8, dtype=bool)])
    texts = {text.get_position(): text.get_text() for text in display.ax_.texts}
    assert len(texts) == 8 * 7
    verdicts = measured.verdicts().loc[display.order_, display.order_].to_numpy()
    for (column, row), text in texts.items():
        assert text.startswith(f"{np.round(order[row, column], 2) + 0:.2f}")
        assert text.endswith("\n+") == (verdicts[row, column] == "related")
        assert text.endswith("\n−") == (verdicts[row, column] == "opposed")
    kept = TaskAffinityDisplay(measured).plot(cluster=False)
    assert tuple(kept.order_) == measured.task_names


def test_affinities_of_many_tasks_show_signs_only():
    measured = planted(30)
    display = TaskAffinityDisplay(measured).plot()
    verdicts = measured.verdicts().loc[display.order_, display.order_].to_numpy()
    assert len(display.ax_.texts) == 0
    for points, verdict in zip(display.ax_.collections, ("related", "opposed"), strict=True):
        drawn = {(int(row), int(column)) for column, row in points.get_offsets()}
        assert drawn == set(map(tuple, np.argwhere(verdicts == verdict)))


def test_affinity_from_estimator_measures_and_plots():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(40, 3))
    options = {"method": "label_correlation", "random_state": 0}
    drawn = TaskAffinityDisplay.from_estimator(None, y, y, **options)
    pd.testing.assert_frame_equal(drawn.frame(), task_affinity(None, y, y, **options).frame())
    assert drawn.ax_.get_xlabel() == ""
