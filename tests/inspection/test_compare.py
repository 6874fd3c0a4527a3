"""A multi-task estimator against its single-task baselines."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LinearRegression, MultiTaskLasso, Ridge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl._counters import counters
from skmtl.inspection import compare_with_single_task

from ._recorders import SEEN, RecordingClassifier, RecordingRegressor, regression_table

SMALL = {"hidden_layer_sizes": (8,), "epochs": 3, "learning_rate": 0.01, "random_state": 0, "ensemble_size": 1}


def scores_of(comparison, estimator, task):
    own = comparison.fold_scores
    return own[(own["estimator"] == estimator) & (own["task"] == task)].sort_values("fold")["score"].to_numpy()


def test_scores_are_those_of_fits_by_hand():
    X, y = regression_table(missing=0.0)
    linear = compare_with_single_task(LinearRegression(), X, y, cv=KFold(3))
    for fold, (train, test) in enumerate(KFold(3).split(X)):
        for task in (0, 1):
            expected = r2_score(y[test, task], LinearRegression().fit(X[train], y[train, task]).predict(X[test]))
            assert scores_of(linear, "single_task", f"y{task}")[fold] == pytest.approx(expected)
            # Least squares shares nothing, so the joint fit is the same.
            assert scores_of(linear, "multi_task", f"y{task}")[fold] == pytest.approx(expected)


def test_a_seed_makes_a_comparison_repeatable():
    X, y = regression_table(missing=0.0)
    first, again, other = (
        compare_with_single_task(RandomForestRegressor(5), X, y, cv=2, random_state=state).fold_scores
        for state in (5, 5, 6)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_networks_are_fitted_as_by_hand_and_baselines_to_the_labelled_rows():
    X, y = regression_table()
    model = MultiTaskKerasRegressor(**{**SMALL, "random_state": None})
    comparison = compare_with_single_task(model, X, y, cv=KFold(2), random_state=3)
    seed = int(np.random.RandomState(3).randint(2**31 - 1))
    for fold, (train, test) in enumerate(KFold(2).split(X)):
        state = int(np.random.SeedSequence((seed, fold)).generate_state(1)[0] >> 1)
        own = clone(model).set_params(random_state=state)
        known, asked = train[~np.isnan(y[train, 1])], test[~np.isnan(y[test, 1])]
        baseline = r2_score(y[asked, 1], clone(own).fit(X[known], y[known, 1]).predict(X[asked]))
        joint = r2_score(y[asked, 1], clone(own).fit(X[train], y[train]).predict(X[asked])[:, 1])
        assert scores_of(comparison, "single_task", "y1")[fold] == pytest.approx(baseline, abs=1e-5)
        assert scores_of(comparison, "multi_task", "y1")[fold] == pytest.approx(joint, abs=1e-5)


def test_the_callers_estimators_stay_unfitted():
    X, y = regression_table(missing=0.0)
    model, other = LinearRegression(), Ridge()
    compare_with_single_task(model, X, y, cv=2, other_estimators={"ridge": other})
    assert not hasattr(model, "coef_") and not hasattr(other, "coef_")


def test_other_estimators_get_only_labelled_rows_if_labels_are_missing():
    X, y = regression_table()
    SEEN.clear()
    comparison = compare_with_single_task(
        MultiTaskKerasRegressor(**SMALL), X, y, cv=KFold(2), other_estimators={"least squares": RecordingRegressor()}
    )
    assert len(SEEN) == 4
    folds = [train for train, _ in KFold(2).split(X)]
    expected = [train[~np.isnan(y[train, task])] for task in (0, 1) for train in folds]
    for (own_X, own_y), rows, task in zip(SEEN, expected, (0, 0, 1, 1), strict=True):
        np.testing.assert_array_equal(own_X, X[rows])
        np.testing.assert_array_equal(own_y, y[rows, task])
    assert comparison.summary().loc["least squares", "n_fits"] == 2


def test_other_estimators_are_fitted_to_all_tasks_at_once_if_possible():
    X, y = regression_table(missing=0.0)
    others = {
        "ridge": Ridge(),
        "lasso": MultiTaskLasso(0.1),
        "wrapped": make_pipeline(StandardScaler(), MultiOutputRegressor(Ridge())),
        "alone": RecordingRegressor(),
    }
    counts = compare_with_single_task(LinearRegression(), X, y, cv=2, other_estimators=others).summary()["n_fits"]
    assert counts.to_dict() == {"multi_task": 1, "single_task": 2, "ridge": 1, "lasso": 1, "wrapped": 1, "alone": 2}


def test_wrappers_that_need_a_2d_y_get_one_column_if_labels_are_missing():
    X, y = regression_table()
    others = {"wrapped": make_pipeline(StandardScaler(), MultiOutputRegressor(Ridge())), "ridge": Ridge()}
    comparison = compare_with_single_task(MultiTaskKerasRegressor(**SMALL), X, y, cv=2, other_estimators=others)
    assert comparison.summary().loc["wrapped", "n_fits"] == 2
    frame = comparison.frame()
    np.testing.assert_allclose(frame["wrapped"], frame["ridge"], atol=0.01)


@pytest.mark.slow
def test_classifiers_with_missing_labels_work_with_an_integer_cv():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    y = pd.DataFrame({"warm": np.where(X[:, 0] > 0, "yes", "no"), "grade": np.digitize(X[:, 1], [-0.5, 0.5])})
    y = y.astype(object).mask(rng.random(y.shape) < 0.3, None)
    comparison = compare_with_single_task(
        MultiTaskKerasClassifier(**{**SMALL, "epochs": 20}),
        X,
        y,
        cv=3,
        scoring={"warm": "roc_auc", "grade": "log_loss"},
        other_estimators={"forest": RandomForestClassifier(10, random_state=0)},
    )
    frame = comparison.frame()
    assert frame["metric"].to_dict() == {"warm": "roc_auc", "grade": "log_loss"}
    assert frame.loc["warm", "multi_task"] > 0.8
    assert frame["n_folds"].tolist() == [3, 3]
    better = frame.loc["grade", "single_task"] - frame.loc["grade", "multi_task"]
    assert frame.loc["grade", "difference"] == pytest.approx(better)


def test_tasks_of_mixed_kinds_are_compared_each_by_its_own_metric():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    y = pd.DataFrame({"price": 3 * X[:, 0], "type": np.where(X[:, 1] > 0, "house", "flat")})
    others = {"forest": {"regression": RandomForestRegressor(5), "classification": RandomForestClassifier(5)}}
    comparison = compare_with_single_task(MultiTaskKerasEstimator(**SMALL), X, y, cv=2, other_estimators=others)
    assert comparison.frame()["metric"].tolist() == ["r2", "accuracy"]
    assert comparison.summary().loc["forest", "n_fits"] == 2
    assert comparison.frame()["forest"].gt(0.3).all()


def test_the_kind_of_a_task_does_not_depend_on_the_fold():
    X = np.arange(40.0)[:, None]
    y = pd.DataFrame({"count": [0.0] * 19 + [1.0] * 19 + [2.0, 3.0], "size": X[:, 0]})
    cv = [(np.arange(30), np.arange(30, 40)), (np.arange(10, 40), np.arange(10))]
    # The task has two distinct values in the first training part, four in the second.
    comparison = compare_with_single_task(MultiTaskKerasEstimator(**SMALL), X, y, cv=cv, scoring="r2")
    assert np.isfinite(scores_of(comparison, "single_task", "count")).all()
    assert np.isfinite(scores_of(comparison, "multi_task", "count")).all()


def test_tasks_without_a_metric_are_trained_but_not_compared():
    X, y = regression_table(missing=0.0)
    comparison = compare_with_single_task(LinearRegression(), X, y, cv=2, scoring={"y1": "r2"})
    assert comparison.task_names == ("y1",)
    assert comparison.summary().loc["single_task", "n_fits"] == 1
    full = compare_with_single_task(LinearRegression(), X, y, cv=2)
    np.testing.assert_allclose(scores_of(comparison, "multi_task", "y1"), scores_of(full, "multi_task", "y1"))


def test_equal_parameters_shrink_the_baselines():
    X, y = regression_table(missing=0.0)
    model = MultiTaskKerasRegressor(**{**SMALL, "hidden_layer_sizes": (64,)})
    sizes = {
        budget: compare_with_single_task(model, X, y, cv=2, budget=budget).summary()["n_parameters"]
        for budget in ("full", "equal_parameters")
    }
    assert sizes["full"]["single_task"] > 1.5 * sizes["full"]["multi_task"]
    assert sizes["equal_parameters"]["single_task"] == pytest.approx(sizes["full"]["multi_task"], rel=0.1)


def test_equal_parameters_need_a_network_to_scale():
    X, y = regression_table(missing=0.0)
    with pytest.raises(ValueError, match='Use budget="full"'):
        compare_with_single_task(LinearRegression(), X, y, cv=2, budget="equal_parameters")


@pytest.mark.parametrize("container", ["frame", "list", "sparse"])
def test_results_do_not_depend_on_containers(container):
    X, y = regression_table(missing=0.0)
    plain = compare_with_single_task(LinearRegression(), X, y, cv=KFold(3))
    other = {
        "frame": (pd.DataFrame(X, index=np.arange(90) + 5), pd.DataFrame(y, columns=["y0", "y1"])),
        "list": (X.tolist(), y.tolist()),
        "sparse": (sparse.csr_array(X), y),
    }[container]
    compared = compare_with_single_task(LinearRegression(), *other, cv=KFold(3))
    np.testing.assert_allclose(compared.fold_scores["score"], plain.fold_scores["score"], atol=1e-8)


def test_searches_are_compared_like_any_estimator():
    X, y = regression_table()
    search = GridSearchCV(MultiTaskKerasRegressor(**SMALL), {"learning_rate": [1e-3, 1e-2]}, cv=2)
    comparison = compare_with_single_task(search, X, y, cv=2)
    assert comparison.frame()["n_parameters_single_task"].eq(41).all()


def test_undefined_scores_are_left_out_with_one_warning():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = np.column_stack([(X[:, 0] > 0).astype(int), (X[:, 1] > 0).astype(int)])
    y[:20, 1] = 0  # the first fold's test rows have one class
    with pytest.warns(UndefinedMetricWarning, match=r"of 'y1' \(1\); the comparison leaves") as caught:
        comparison = compare_with_single_task(RandomForestClassifier(5), X, y, cv=KFold(3), scoring="roc_auc")
    assert len(caught) == 1
    assert comparison.frame()["n_folds"].tolist() == [3, 2]
    assert comparison.frame()[["difference", "ci_low"]].notna().all().all()


def test_an_error_in_a_fit_names_fold_and_estimator():
    X, y = regression_table(missing=0.0)
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN") as caught:
        compare_with_single_task(LinearRegression(), X, y, cv=KFold(3))
    assert caught.value.__notes__[-1] == "This happened in fold 0 with the estimator 'multi_task', fitted to all tasks."


def test_accuracy_of_string_labels_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = np.column_stack([np.where(X[:, 0] > 0, "a", "b"), np.where(X[:, 1] > 0, "c", "d")]).astype(object)
    comparison = compare_with_single_task(RandomForestClassifier(5, random_state=0), X, y, cv=KFold(2))
    train, test = next(KFold(2).split(X))
    state = int(np.random.SeedSequence((0, 0)).generate_state(1)[0] >> 1)
    forest = RandomForestClassifier(5, random_state=state).fit(X[train], y[train, 1])
    expected = accuracy_score(y[test, 1], forest.predict(X[test]))
    assert scores_of(comparison, "single_task", "y1")[0] == expected


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"y": np.ones(20)}, ValueError, "y has one task"),
        ({"y": np.column_stack([np.arange(20.0), np.full(20, np.nan)])}, ValueError, "Task 'y1' has no label at all"),
        ({"budget": "same"}, ValueError, "budget='same'"),
        ({"confidence_level": 95}, ValueError, "confidence_level should be a number in"),
        ({"estimator": RecordingRegressor()}, ValueError, "RecordingRegressor takes one target at a time"),
        ({"other_estimators": [Ridge()]}, TypeError, "other_estimators should be a dict"),
        ({"other_estimators": {"multi_task": Ridge()}}, ValueError, "names an estimator 'multi_task'"),
        ({"other_estimators": {"ridge": Ridge}}, TypeError, "should be an estimator"),
        ({"other_estimators": {"ridge": {"regressor": Ridge()}}}, ValueError, "should have keys of"),
        (
            {"other_estimators": {"c": RecordingClassifier()}},
            ValueError,
            "is a RecordingClassifier, but the task 'y0' is",
        ),
        ({"other_estimators": {"c": {"classification": Ridge()}}}, ValueError, "has no estimator for a regression"),
        ({"scoring": "nothing"}, ValueError, "Unknown metric 'nothing'"),
        ({"X": np.ones((19, 1))}, ValueError, "inconsistent numbers of samples"),
    ],
)
def test_bad_input_is_refused_in_the_callers_words(arguments, error, message):
    given = {"estimator": LinearRegression(), "X": np.arange(20.0)[:, None], "y": np.ones((20, 2)), **arguments}
    with pytest.raises(error, match=message):
        compare_with_single_task(**given, cv=2)


def test_missing_labels_need_an_estimator_that_takes_them():
    X, y = regression_table()
    with pytest.raises(ValueError, match="DecisionTreeRegressor does not take missing labels"):
        compare_with_single_task(DecisionTreeRegressor(), X, y, cv=2)


def test_a_task_without_label_in_a_training_part_is_named():
    X, y = regression_table(60)
    y[:30, 1] = np.nan
    cv = [(np.arange(30, 60), np.arange(30)), (np.arange(30), np.arange(30, 60))]
    with pytest.raises(ValueError, match="'y1' has no label") as caught:
        compare_with_single_task(MultiTaskKerasRegressor(**SMALL), X, y, cv=cv)
    assert "in fold 1" in caught.value.__notes__[-1]


def test_constant_predictions_make_no_difference_and_a_line_counts_the_fits(capsys):
    X, y = regression_table(missing=0.0)
    comparison = compare_with_single_task(
        DummyRegressor(), X, y, cv=3, other_estimators={"mean": DummyRegressor()}, verbose=1
    )
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith("fit 12/12, ")
    assert comparison.frame()["verdict"].tolist() == ["no difference", "no difference"]
    assert comparison.summary().loc["multi_task", "delta_m"] == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("model", [MultiTaskKerasRegressor(**{**SMALL, "random_state": None}), LinearRegression()])
def test_results_do_not_depend_on_the_number_of_processes(model, capsys):
    X, y = regression_table(missing=0.3 if isinstance(model, MultiTaskKerasRegressor) else 0.0)
    others = {"forest": RandomForestRegressor(5)}
    one, two = (
        compare_with_single_task(
            model, X, y, cv=2, n_repeats=2, other_estimators=others, random_state=0, n_jobs=n_jobs, verbose=n_jobs - 1
        )
        for n_jobs in (1, 2)
    )
    counted = capsys.readouterr().out.strip().splitlines()
    n_fits = 4 * (1 + 2 + len(set(one.fits.loc[one.fits["estimator"] == "forest", "task"])))
    assert counted[-1].startswith(f"fit {n_fits}/{n_fits}, ")
    pd.testing.assert_frame_equal(one.fold_scores, two.fold_scores, rtol=1e-4)


def test_baselines_of_similar_tasks_share_one_program():
    X, y = regression_table(missing=0.0)
    y = pd.DataFrame(np.column_stack([y, y[:, 0] - y[:, 1]]), columns=["a", "b", "c"])
    model = MultiTaskKerasRegressor(**{**SMALL, "hidden_layer_sizes": (11,)})
    before = counters.snapshot().get("traces", 0)
    compare_with_single_task(model, X, y, cv=2)
    assert counters.snapshot()["traces"] - before == 2
