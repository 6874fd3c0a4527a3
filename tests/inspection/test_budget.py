"""Single-task baselines that together are as large as the network."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor
from skmtl.inspection._baselines import single_task_baseline
from skmtl.inspection._budget import check_scalable, shrink_baselines


def fitted(model, n_tasks=4, n_features=10):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, n_features))
    if isinstance(model, MultiTaskKerasClassifier):
        y = np.column_stack([rng.integers(0, 2 + 3 * task, 60) for task in range(n_tasks)])
    else:
        y = rng.normal(size=(60, n_tasks))
    return model.fit(X, y), X, y


def scaled_baselines(model, n_tasks):
    names = tuple(f"y{task}" for task in range(n_tasks))
    return shrink_baselines([single_task_baseline(model, task, names) for task in range(n_tasks)], model.network_.spec)


@pytest.mark.parametrize(
    "model",
    [
        MultiTaskKerasRegressor(hidden_layer_sizes=(64, 32), epochs=1, ensemble_size=1),
        MultiTaskKerasRegressor(hidden_layer_sizes=(40,), head_layer_sizes=(8,), ensemble_size=2, epochs=1),
        MultiTaskKerasClassifier(hidden_layer_sizes=(50, 20), epochs=1, ensemble_size=1),
    ],
)
def test_baselines_together_have_as_many_parameters_as_the_network(model):
    model, X, y = fitted(model)
    baselines = scaled_baselines(model, 4)
    sizes = [baseline.fit(X, y[:, task]).network_.parameters.size for task, baseline in enumerate(baselines)]
    assert sum(sizes) == pytest.approx(model.network_.parameters.size, rel=0.1)
    assert max(sizes) < model.network_.parameters.size / 2


def test_layers_keep_their_proportions():
    model, *_ = fitted(MultiTaskKerasRegressor(hidden_layer_sizes=(200, 100), epochs=1, ensemble_size=1))
    first, second = scaled_baselines(model, 4)[0].hidden_layer_sizes
    assert first == pytest.approx(2 * second, abs=1)


def test_networks_inside_pipelines_are_scaled():
    model, *_ = fitted(MultiTaskKerasRegressor(hidden_layer_sizes=(64,), epochs=1, ensemble_size=1), n_tasks=2)
    baselines = [make_pipeline(StandardScaler(), MultiTaskKerasRegressor(ensemble_size=1)) for _ in range(2)]
    scaled = shrink_baselines(baselines, model.network_.spec)
    assert all(baseline[-1].hidden_layer_sizes[0] < 64 for baseline in scaled)


def test_a_budget_that_no_widths_meet_is_refused():
    model, *_ = fitted(
        MultiTaskKerasRegressor(hidden_layer_sizes=(4,), epochs=1, ensemble_size=1), n_tasks=8, n_features=30
    )
    with pytest.raises(
        ValueError, match="no widths of the hidden layers give 8 single-task networks with 164 parameters"
    ):
        scaled_baselines(model, 8)


@pytest.mark.parametrize(
    "estimator", [Ridge(), MultiTaskKerasRegressor(model=len), make_pipeline(StandardScaler(), Ridge())]
)
def test_estimators_without_layers_to_scale_are_refused(estimator):
    with pytest.raises(ValueError, match="scales hidden_layer_sizes"):
        check_scalable(estimator)
    check_scalable(make_pipeline(StandardScaler(), MultiTaskKerasRegressor(ensemble_size=1)))
