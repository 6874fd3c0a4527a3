"""Fits logged to MLflow: parameters, losses per task and epoch, and scores; alone, in pipelines and in searches."""

import mlflow
import numpy as np
import pandas as pd
import pytest
from sklearn.callback import FitCallback
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasEstimator, MultiTaskKerasRegressor, TrainingDivergedError
from skmtl.mlflow import MLflowCallback

from ..estimators._cases import SMALL, features, mixed, quantities

pytestmark = [pytest.mark.usefixtures("store"), pytest.mark.filterwarnings("ignore::DeprecationWarning")]
X = features()


def watched(kind=MultiTaskKerasRegressor, **settings):
    return kind(**SMALL, **settings).set_callbacks(MLflowCallback(tags={"purpose": "test"}))


def runs():
    return mlflow.search_runs(output_format="list", order_by=["start_time ASC"])


def test_it_follows_scikit_learns_protocol():
    assert isinstance(MLflowCallback(), FitCallback)


def test_a_fit_is_a_run_with_parameters_losses_per_task_and_epoch_and_scores():
    model = watched(MultiTaskKerasEstimator, oob_score=True, optimizer__clipnorm=1.0).fit(X, mixed(X))
    (run,) = runs()
    assert run.data.params["hidden_layer_sizes"] == "(8,)"
    assert run.data.params["optimizer__clipnorm"] == "1.0"
    assert run.data.tags["purpose"] == "test"
    assert run.info.status == "FINISHED"
    for name, values in model.history_.items():
        logged = mlflow.MlflowClient().get_metric_history(run.info.run_id, name)
        assert [(entry.step, entry.value) for entry in logged] == list(enumerate(values))
    assert set(model.history_) >= {"loss", "price_loss", "size_loss", "sold_loss"}
    for task, score in model.score_tasks(X, mixed(X)).items():
        assert run.data.metrics[f"score_{task}"] == pytest.approx(score)
        assert f"oob_score_{task}" in run.data.metrics
    assert run.data.metrics["score"] == pytest.approx(model.score(X, mixed(X)))
    assert run.data.metrics["fit_seconds"] > 0


def test_the_first_fit_is_logged_to_the_active_run_and_others_to_child_runs():
    model = watched()
    with mlflow.start_run() as active:
        model.fit(X, quantities(X))
        model.fit(X, quantities(X))
        assert mlflow.active_run().info.run_id == active.info.run_id
    first, second = runs()
    assert first.info.run_id == active.info.run_id
    assert "score" in first.data.metrics
    assert second.data.tags["mlflow.parentRunId"] == active.info.run_id


def test_a_fit_in_a_pipeline_is_logged_to_the_active_run():
    with mlflow.start_run() as active:
        make_pipeline(StandardScaler(), watched()).fit(X, quantities(X))
    (run,) = runs()
    assert run.info.run_id == active.info.run_id
    assert "y0_loss" in run.data.metrics


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_every_fit_of_a_search_is_a_child_of_the_active_run(n_jobs):
    with mlflow.start_run() as active:
        parent = None if n_jobs == 1 else active.info.run_id
        model = MultiTaskKerasRegressor(**SMALL).set_callbacks(MLflowCallback(parent_run_id=parent))
        pipeline = make_pipeline(StandardScaler(), model)
        search = GridSearchCV(pipeline, {"multitaskkerasregressor__dropout": [0.0, 0.1]}, cv=2, n_jobs=n_jobs)
        search.fit(X, quantities(X))
    children = [run for run in runs() if run.info.run_id != active.info.run_id]
    assert len(children) == 5
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {active.info.run_id}
    places = sorted(run.data.tags["fit"] for run in children)
    assert places[-1].startswith("search 0, candidate-split-evaluation 3")
    assert places[0].startswith("refit-with-best-params")
    assert sorted(run.data.params["dropout"] for run in children).count("0.1") >= 2


def test_without_an_active_run_every_fold_is_a_run():
    cross_validate(watched(), X, quantities(X), cv=2)
    assert len(runs()) == 2


def test_a_fit_that_fails_logs_nothing():
    with pytest.raises(TrainingDivergedError):
        watched(learning_rate=1e30, optimizer="sgd").fit(X, 1e30 * quantities(X))
    assert runs() == []


def test_characters_that_mlflow_does_not_allow_are_replaced_in_task_names():
    y = pd.DataFrame(quantities(X), columns=["price in $ (1,000)", "größe"])
    watched().fit(X, y)
    (run,) = runs()
    assert {"score_price in _ _1_000_", "score_größe"} <= set(run.data.metrics)


def test_tasks_with_missing_labels_are_scored():
    y = quantities(X)
    y[::2, 1] = np.nan
    watched().fit(X, y)
    assert {"score_y0", "score_y1"} <= set(runs()[0].data.metrics)


@pytest.mark.slow
def test_mlflow_autolog_does_not_log_skmtl_estimators():
    """The guide says so. If this fails, MLflow now supports them: update the guide."""
    mlflow.sklearn.autolog()
    try:
        MultiTaskKerasRegressor(**SMALL).fit(X, quantities(X))
    finally:
        mlflow.sklearn.autolog(disable=True)
    assert runs() == []
