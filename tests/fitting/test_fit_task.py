"""scikit-learn's callbacks on the estimators: one task for the fit, and a subtask for every epoch."""

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.callback import FitCallback, ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasEstimator, MultiTaskKerasRegressor, TrainingDivergedError
from skmtl.metrics import make_multimetric_task_scorer
from skmtl.training import counters

from ..estimators._cases import ESTIMATORS, SMALL, features, quantities, targets_for, with_gaps

X = features()
# Six members are two groups, which train on two threads.
GROUPS = {**SMALL, "ensemble_size": 6}


def score(estimator, X, y):
    """A scorer that other processes can import."""
    return {"score": estimator.score(X, y), **estimator.score_tasks(X, y)}


class Recorder:
    """Records every hook as (hook, task, number of the task); ``act`` is called at every end and may stop training."""

    def __init__(self, act=lambda *of_hook: None):
        self.seen = []
        self.act = act

    def setup(self, estimator, context):
        self.seen.append(("setup", context.task_name, context.max_subtasks))

    def on_fit_task_begin(self, estimator, context):
        self.seen.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context):
        self.seen.append(("end", context.task_name, context.task_id))
        return self.act(estimator, context)

    def teardown(self, estimator, context):
        self.seen.append(("teardown", context.task_name, context.max_subtasks))


class Collector(Recorder):
    """Keeps the arguments of the hooks at the ends of tasks."""

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.seen.append({"X": X, "y": y, "metadata": metadata, "fitted": fitted_estimator})


def stop_at(epoch):
    return Recorder(lambda estimator, context: context.task_name == "epoch" and context.task_id + 1 == epoch)


def epochs_of(log):
    return [row for row in log.data if row["task_name"] == "epoch"]


def test_a_recorder_follows_scikit_learns_protocol():
    assert isinstance(Recorder(), FitCallback)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_every_epoch_is_a_task_within_the_fit(kind):
    recorder = Recorder()
    kind(**SMALL).set_callbacks(recorder).fit(X, targets_for(kind, X))
    epochs = [(hook, "epoch", epoch) for epoch in range(3) for hook in ("begin", "end")]
    assert recorder.seen == [
        ("setup", "fit", 3), ("begin", "fit", 0), *epochs, ("end", "fit", 0), ("teardown", "fit", 3)
    ]  # fmt: skip


@pytest.mark.parametrize("settings", [{}, {"ensemble_size": 6, "dropout": 0.3}, {"jit_compile": True}])
def test_observing_callbacks_change_no_bit_of_the_result(settings):
    settings = {**SMALL, "epochs": 9, "early_stopping": True, "n_iter_no_change": 2, "tol": 0.05, **settings}
    plain = MultiTaskKerasRegressor(**settings).fit(X, quantities(X))
    watched = MultiTaskKerasRegressor(**settings).set_callbacks(Recorder()).fit(X, quantities(X))
    np.testing.assert_array_equal(watched.network_.parameters, plain.network_.parameters)
    assert watched.history_ == plain.history_
    assert (watched.n_iter_, watched.stop_reason_) == (plain.n_iter_, plain.stop_reason_)
    np.testing.assert_array_equal(watched.best_epoch_, plain.best_epoch_)


def test_python_is_entered_once_an_epoch_with_callbacks_and_nothing_is_compiled_for_them():
    settings = {**SMALL, "jit_compile": True, "epochs": 9}

    def calls(*callbacks):
        before = counters.snapshot()
        MultiTaskKerasRegressor(**settings).set_callbacks(*callbacks).fit(X, quantities(X))
        after = counters.snapshot()
        return [after.get(name, 0) - before.get(name, 0) for name in ("program_calls", "traces", "compilations")]

    assert calls()[0] == 1
    assert calls(Recorder()) == [9, 0, 0]


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_monitor_scores_the_estimator_of_every_epoch_with_missing_labels(kind):
    monitor = ScoringMonitor(scoring=score)
    y = with_gaps(targets_for(kind, X))
    model = kind(**SMALL).set_callbacks(monitor).fit(X, y)
    rows = epochs_of(monitor.get_logs())
    assert [row["task_id"] for row in rows] == [0, 1, 2]
    assert rows[-1]["score"] == model.score(X, y)
    assert [rows[-1][name] for name in model.task_names_] == model.score_tasks(X, y).tolist()
    shorter = kind(**{**SMALL, "epochs": 1}).fit(X, y)
    assert rows[0]["score"] == shorter.score(X, y)


@pytest.mark.parametrize("settings", [SMALL, {**GROUPS, "epochs": 4, "early_stopping": True}])
def test_the_estimator_of_an_epoch_is_that_of_a_fit_that_ends_there(settings):
    collector = Collector()
    frame = pd.DataFrame(X, columns=list("abcd"))
    weights = np.linspace(1, 2, len(X))
    model = MultiTaskKerasRegressor(**settings).set_callbacks(collector)
    model.fit(frame, quantities(X), weights)
    given = [entry for entry in collector.seen if isinstance(entry, dict)]
    assert len(given) == settings["epochs"] + 1
    second = given[1]["fitted"]
    shorter = MultiTaskKerasRegressor(**{**settings, "epochs": 2}).fit(frame, quantities(X), weights)
    np.testing.assert_array_equal(second.predict(frame), shorter.predict(frame))
    assert second.history_ == shorter.history_
    assert (second.n_iter_, second.task_names_) == (2, ["y0", "y1"])
    assert given[0]["X"] is frame
    assert given[0]["metadata"]["sample_weight"] is weights
    np.testing.assert_array_equal(given[-1]["fitted"].predict(frame), model.predict(frame))


def test_no_estimator_is_made_unless_a_callback_asks_for_it(monkeypatch):
    made = []
    adopt = MultiTaskKerasRegressor._adopt
    monkeypatch.setattr(
        MultiTaskKerasRegressor, "_adopt", lambda self, *a, **kw: made.append(self) or adopt(self, *a, **kw)
    )
    MultiTaskKerasRegressor(**SMALL).set_callbacks(Recorder()).fit(X, quantities(X))
    assert len(made) == 1


@pytest.mark.parametrize("settings", [SMALL, GROUPS], ids=["one", "groups"])
def test_a_callback_ends_training(settings):
    recorder = stop_at(2)
    model = MultiTaskKerasRegressor(**settings).set_callbacks(recorder).fit(X, quantities(X))
    assert (model.n_iter_, model.stop_reason_) == (2, "a callback asked to stop")
    assert recorder.seen[-2:] == [("end", "fit", 0), ("teardown", "fit", 3)]
    shorter = MultiTaskKerasRegressor(**{**settings, "epochs": 2}).fit(X, quantities(X))
    np.testing.assert_array_equal(model.predict(X), shorter.predict(X))


def test_keras_callbacks_see_the_same_epochs_and_the_end():
    keras_recorder = keras.callbacks.History()
    ended = []

    class End(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            ended.append(logs)

    model = MultiTaskKerasRegressor(**GROUPS, callbacks=[keras_recorder, End()]).set_callbacks(stop_at(2))
    model.fit(X, quantities(X))
    assert (model.n_iter_, len(ended)) == (2, 1)
    assert ended[0]["loss"] == model.history_["loss"][-1]
    stopping = keras.callbacks.EarlyStopping(monitor="loss", patience=1, min_delta=10.0)
    recorder = Recorder()
    model = MultiTaskKerasRegressor(**SMALL, callbacks=stopping).set_callbacks(recorder).fit(X, quantities(X))
    assert (model.n_iter_, recorder.seen[-3]) == (2, ("end", "epoch", 1))


def test_partial_fit_is_a_task_of_one_epoch_that_continues_the_last():
    collector = Collector()
    model = MultiTaskKerasRegressor(**SMALL).set_callbacks(collector)
    for epoch in (1, 2):
        model.partial_fit(X, quantities(X))
        fitted = collector.seen[-3]["fitted"]
        assert fitted.n_iter_ == epoch
        np.testing.assert_array_equal(fitted.predict(X), model.predict(X))


def test_a_warm_start_is_scored_with_what_was_learnt_before():
    collector = Collector()
    model = MultiTaskKerasRegressor(**SMALL, warm_start=True).fit(X, quantities(X))
    model.set_callbacks(collector).fit(X, quantities(X))
    assert [entry["fitted"].n_iter_ for entry in collector.seen if isinstance(entry, dict)] == [4, 5, 6, 6]


def test_a_callback_that_fails_is_torn_down_and_the_estimator_is_as_it_was():
    def fail(estimator, context):
        raise OSError("no space left")

    recorder = Recorder(fail)
    model = MultiTaskKerasRegressor(**GROUPS).fit(X, quantities(X)).set_callbacks(recorder)
    before = dict(vars(model))
    with pytest.raises(OSError, match="no space left"):
        model.fit(X, quantities(X)[:, :1])
    assert vars(model) == before
    assert recorder.seen[-2:] == [("end", "epoch", 0), ("teardown", "fit", 3)]


def test_bad_input_tears_down_too():
    recorder = Recorder()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        MultiTaskKerasRegressor(**SMALL).set_callbacks(recorder).fit(X, quantities(X)[1:])
    assert [hook for hook, *_ in recorder.seen] == ["setup", "begin", "teardown"]


@pytest.mark.parametrize("settings", [SMALL, GROUPS], ids=["one", "groups"])
def test_interrupted_in_a_callback_the_epochs_so_far_are_kept(settings):
    def interrupt(estimator, context):
        if context.task_id == 1:
            raise KeyboardInterrupt

    model = MultiTaskKerasRegressor(**settings).set_callbacks(Recorder(interrupt))
    with pytest.warns(UserWarning, match="interrupted by the user after epoch 2"):
        model.fit(X, quantities(X))
    assert (model.n_iter_, model.stop_reason_) == (2, "training was interrupted")


def test_a_fit_that_diverges_ends_there_for_all_groups():
    recorder = Recorder()
    model = MultiTaskKerasRegressor(**{**GROUPS, "learning_rate": 1e25}, optimizer="sgd").set_callbacks(recorder)
    with pytest.raises(TrainingDivergedError, match=r"epoch [12]: the loss of task"):
        model.fit(X, quantities(X))
    assert not hasattr(model, "network_")
    assert recorder.seen[-1] == ("teardown", "fit", 3)
    assert ("end", "epoch", 2) not in recorder.seen


def test_clones_and_pickles_keep_their_callbacks():
    monitor = ScoringMonitor(scoring=score)
    model = MultiTaskKerasRegressor(**SMALL).set_callbacks(monitor).fit(X, quantities(X))
    assert clone(model)._skl_callbacks[0] is monitor
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    copy.fit(X, quantities(X))
    assert len(epochs_of(copy._skl_callbacks[0].get_logs())) == 3
    assert not [name for name in vars(copy) if "ctx" in name]
    assert not hasattr(copy.set_callbacks(), "_skl_callbacks")


def test_in_a_search_over_a_pipeline_callbacks_see_the_epochs_of_every_fit(capsys):
    monitor = ScoringMonitor(scoring=make_multimetric_task_scorer("r2"))
    network = MultiTaskKerasRegressor(**SMALL).set_callbacks(monitor)
    y = with_gaps(quantities(X))
    search = GridSearchCV(
        make_pipeline(StandardScaler(), network),
        {"multitaskkerasregressor__learning_rate": [1e-3, 1e-2]},
        cv=2,
        error_score="raise",
    )
    recorder = Recorder()
    recorder.max_propagation_depth = None
    search.set_callbacks(ProgressBar(max_propagation_depth=None), recorder).fit(X, y)
    assert "MultiTaskKerasRegressor - fit" in capsys.readouterr().out
    log = monitor.get_logs()
    assert log.estimator_name == "GridSearchCV"
    assert len(epochs_of(log)) == 3 * 5
    fits = {row["parent_task_id_path"] for row in epochs_of(log)}
    assert len(fits) == 5
    assert [entry[1:] for entry in recorder.seen if entry[:2] == ("end", "epoch")] == [
        ("epoch", epoch) for _ in range(5) for epoch in range(3)
    ]
    scaler, best = search.best_estimator_
    last = [row["r2__y0"] for row in epochs_of(log) if row["task_id"] == 2]
    assert pytest.approx(best.score_tasks(scaler.transform(X), y)["y0"]) in last


@pytest.mark.slow
def test_a_monitor_gets_the_epochs_of_other_processes():
    monitor = ScoringMonitor(scoring=make_multimetric_task_scorer("r2"))
    network = MultiTaskKerasEstimator(**SMALL).set_callbacks(monitor)
    search = GridSearchCV(network, {"learning_rate": [1e-3, 1e-2]}, cv=2, n_jobs=2, error_score="raise")
    search.set_callbacks(ProgressBar()).fit(X, quantities(X))
    assert len(epochs_of(monitor.get_logs())) == 3 * 5


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        ((keras.callbacks.History(),), "History is a Keras callback: pass it as the parameter callbacks="),
        ((Recorder,), "callbacks must be instances following the FitCallback protocol"),
    ],
)
def test_objects_that_are_not_scikit_learn_callbacks_are_refused(callbacks, message):
    with pytest.raises(TypeError, match=message):
        MultiTaskKerasRegressor(ensemble_size=1).set_callbacks(*callbacks)


def test_a_scikit_learn_callback_among_keras_callbacks_is_refused():
    with pytest.raises(TypeError, match=r"callbacks should be Keras callbacks.*to set_callbacks"):
        MultiTaskKerasRegressor(**SMALL, callbacks=[Recorder()]).fit(X, quantities(X))
