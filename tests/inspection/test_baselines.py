"""Single-task baselines: the same settings, for one task."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.inspection._baselines import seeded, single_task_baseline, with_kinds

NAMES = ("price", "size")


@pytest.mark.parametrize("loss", [{"size": "mae"}, [None, "mae"], (None, "mae")])
def test_a_baseline_gets_the_loss_of_its_task(loss):
    model = MultiTaskKerasRegressor(loss=loss, loss_weights={"price": 3.0}, ensemble_size=1)
    baselines = [single_task_baseline(model, task, NAMES) for task in (0, 1)]
    assert [baseline.loss for baseline in baselines] == [None, "mae"]
    assert [baseline.loss_weights for baseline in baselines] == [None, None]
    assert model.loss == loss


def test_settings_for_all_tasks_are_kept():
    model = MultiTaskKerasRegressor(loss="mae", hidden_layer_sizes=(7, 5), optimizer__clipnorm=1.0, ensemble_size=1)
    assert single_task_baseline(model, 0, NAMES).get_params() == model.get_params()


def test_a_baseline_gets_the_class_weights_and_kind_of_its_task():
    classifier = MultiTaskKerasClassifier(class_weight={"price": {"low": 2.0}, "size": "balanced"}, ensemble_size=1)
    assert single_task_baseline(classifier, 0, NAMES).class_weight == {"low": 2.0}
    assert single_task_baseline(classifier, 1, NAMES).class_weight == "balanced"
    mixed = MultiTaskKerasEstimator(task_types={"price": "regression", "size": "classification"}, ensemble_size=1)
    assert single_task_baseline(mixed, 1, NAMES).task_types == {"y0": "classification"}


def test_a_baseline_of_a_pipeline_keeps_its_steps():
    model = make_pipeline(StandardScaler(), MultiTaskKerasRegressor(loss=["mse", "mae"], ensemble_size=1))
    baseline = single_task_baseline(model, 1, NAMES)
    assert [type(step) for _, step in baseline.steps] == [type(step) for _, step in model.steps]
    assert baseline[-1].loss == "mae"
    assert model[-1].loss == ["mse", "mae"]


def test_kinds_are_set_explicitly_for_mixed_estimators_only():
    kinds = ("regression", "classification")
    mixed = with_kinds(make_pipeline(MultiTaskKerasEstimator(ensemble_size=1)), NAMES, kinds)
    assert mixed[-1].task_types == {"price": "regression", "size": "classification"}
    assert "task_types" not in with_kinds(MultiTaskKerasRegressor(ensemble_size=1), NAMES, kinds).get_params()


def test_an_integer_seed_becomes_a_reproducible_seed_per_fold():
    model = make_pipeline(StandardScaler(), RandomForestRegressor(random_state=7))
    seeds = [seeded(model, fold, seed=99)[-1].random_state for fold in range(4)]
    assert len(set(seeds)) == 4
    assert seeds == [seeded(model, fold, seed=1)[-1].random_state for fold in range(4)]
    assert model[-1].random_state == 7


def test_an_estimator_without_seed_gets_that_of_the_comparison():
    seeds = {seeded(RandomForestRegressor(), 0, seed=seed).random_state for seed in (1, 2)}
    assert len(seeds) == 2
    assert seeded(RandomForestRegressor(), 0, seed=1).random_state in seeds


def test_a_generator_is_not_advanced_and_yields_a_seed_per_fold():
    state = np.random.RandomState(0)
    before = state.get_state()[1].copy()
    seeds = [seeded(RandomForestRegressor(random_state=state), fold, seed=0).random_state for fold in (0, 1, 0)]
    assert seeds[0] == seeds[2] != seeds[1]
    np.testing.assert_array_equal(state.get_state()[1], before)


def test_an_estimator_without_random_state_is_only_cloned():
    class Plain(BaseEstimator):
        def __init__(self, alpha=1.0):
            self.alpha = alpha

    model = Plain(2.0)
    copy = seeded(model, 0, 0)
    assert copy is not model
    assert copy.get_params() == {"alpha": 2.0}
