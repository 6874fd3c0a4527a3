"""Prediction under covariate shift: rows of other times and groups than the training rows."""

import pickle

import keras
import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.blending._shift_detector import ShiftDetector


def table(seed, n_groups=24, size=12):
    """Consecutive groups, each with its own values in the first columns and its own effect on both targets."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), size)
    own = rng.normal(size=(n_groups, 3))
    effect = rng.normal(size=(n_groups, 2))
    shared = rng.normal(size=(len(group), 3))
    X = np.hstack([own[group] + 0.02 * rng.normal(size=(len(group), 3)), shared])
    y = 2 * effect[group] + shared[:, :2] + 0.1 * rng.normal(size=(len(group), 2))
    return X, y, group


@pytest.fixture(scope="module")
def split():
    """Return (X, y) to train on, of known groups, and of new groups."""
    X, y, group = table(0, n_groups=32)
    known, every = group < 24, np.arange(len(group)) % 6 == 0
    return [(X[rows], y[rows]) for rows in (known & ~every, known & every, ~known)]


@pytest.fixture(scope="module")
def fitted(split):
    return MultiTaskKerasRegressor(random_state=0).fit(*split[0])


@pytest.fixture(scope="module")
def ignoring(split):
    return MultiTaskKerasRegressor(covariate_shift="ignore", random_state=0).fit(*split[0])


def error(model, X, y):
    return np.sqrt(np.mean((model.predict(X) - y) ** 2))


def test_new_groups_are_predicted_better_and_known_ones_about_as_well(split, fitted, ignoring):
    assert error(fitted, *split[2]) < 0.95 * error(ignoring, *split[2])
    assert error(fitted, *split[1]) < 1.1 * error(ignoring, *split[1])


def test_rows_of_new_groups_are_separated_from_those_of_known_groups(split, fitted, ignoring):
    known, new = (fitted.shift_probability(X) for X, _ in split[1:])
    assert np.median(known) < 0.1
    assert np.median(new) > 0.9
    assert not ignoring.shift_probability(split[2][0]).any()


def test_weights_of_both_blends_are_shown(fitted, ignoring):
    assert list(fitted.shifted_blend_weights_.columns) == ["y0", "y1"]
    assert list(fitted.shifted_blend_weights_.index) == list(fitted.blend_weights_.index)
    assert not hasattr(ignoring, "shifted_blend_weights_")


def test_in_distribution_rows_are_predicted_as_without_a_second_blend(fitted, ignoring):
    """The first blend has the same bits as without a second one."""
    pd.testing.assert_frame_equal(fitted.blend_weights_, ignoring.blend_weights_)
    np.testing.assert_array_equal(fitted.oob_prediction_, ignoring.oob_prediction_)


def test_intervals_of_new_groups_are_wider_and_have_their_coverage(split, fitted, ignoring):
    X, y = split[2]
    ends = fitted.predict_interval(X)
    inside = ((ends[..., 0] <= y) & (y <= ends[..., 1])).mean()
    narrow = ignoring.predict_interval(X)
    assert inside > 0.8 > ((narrow[..., 0] <= y) & (y <= narrow[..., 1])).mean()
    _, known = fitted.predict(split[1][0], return_std=True)
    _, new = fitted.predict(X, return_std=True)
    assert np.median(new) > 1.5 * np.median(known)


def test_regions_and_draws_of_new_groups_use_errors_of_held_out_blocks(split, fitted, ignoring):
    X, y = split[2]
    for shape in ("box", "ellipsoid"):
        region, narrow = (model.predict_region(X, shape=shape) for model in (fitted, ignoring))
        # Coverage varies, as there are only eight groups and each has its own error.
        assert region.contains(y).mean() > max(0.65, 0.1 + narrow.contains(y).mean())
        at_home = fitted.predict_region(split[1][0], shape=shape)
        assert np.median(region.mean_width()) > 1.5 * np.median(at_home.mean_width())
    spread = [np.median(fitted.sample_y(rows, 50, random_state=0).std(axis=2)) for rows, _ in split[1:]]
    assert spread[1] > 1.5 * spread[0]


def test_known_labels_of_new_groups_use_errors_of_held_out_blocks(split, fitted):
    X, y = split[2]
    known = np.where([True, False], np.nan, y)
    given = fitted.predict(X, known=known)
    np.testing.assert_array_equal(given[:, 1], y[:, 1])
    assert np.mean((given[:, 0] - y[:, 0]) ** 2) < 1.05 * np.mean((fitted.predict(X)[:, 0] - y[:, 0]) ** 2)
    ends = fitted.predict_interval(X, known=known)[:, 0]
    assert ((ends[:, 0] <= y[:, 0]) & (y[:, 0] <= ends[:, 1])).mean() > 0.75


@pytest.mark.parametrize(
    "ask",
    [
        "predict",
        "predict_interval",
        "score_tasks",
        "shift_probability",
        "predict with return_std",
        "predict_region",
        "sample_y",
    ],
)
def test_distances_of_rows_are_searched_once(split, fitted, monkeypatch, ask):
    """They take most of the time when many wide rows are predicted."""
    X, y = split[2]
    searches = []
    search = ShiftDetector.probability
    monkeypatch.setattr(ShiftDetector, "probability", lambda self, X: searches.append(len(X)) or search(self, X))
    method, *options = ask.split(" with ")
    more = [y] if method == "score_tasks" else []
    getattr(fitted, method)(X, *more, **dict.fromkeys(options, True))
    assert searches == [len(X)]


def test_keras_model_predicts_the_same_and_survives_saving(split, fitted, tmp_path):
    X = np.concatenate([split[1][0], split[2][0]])
    fitted.model_.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    columns = np.column_stack(loaded.predict(X, verbose=0))
    np.testing.assert_allclose(columns, fitted.predict(X), rtol=1e-3, atol=1e-3)


def test_pickles_and_repeats(split, fitted):
    X = split[2][0]
    expected = fitted.predict(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), expected)
    np.testing.assert_array_equal(MultiTaskKerasRegressor(random_state=0).fit(*split[0]).predict(X), expected)


def test_rows_in_random_order_lead_to_no_second_blend(split):
    X, y = split[0]
    order = np.random.default_rng(0).permutation(len(X))
    model = MultiTaskKerasRegressor(random_state=0).fit(X[order], y[order])
    assert not hasattr(model, "shifted_blend_weights_")


def test_with_a_validation_split_there_is_one_blend(split):
    model = MultiTaskKerasRegressor(validation_split=4, random_state=0).fit(*split[0])
    assert not hasattr(model, "shifted_blend_weights_")


def test_a_new_fit_forgets_the_second_blend(split):
    X, y = split[0]
    model = MultiTaskKerasRegressor(ensemble_size=3, blend=["network", "rbf"], validation_fraction=0.3, random_state=0)
    model.set_params(epochs=5).fit(X, y)
    assert list(model.shifted_blend_weights_.index) == ["network", "rbf"]
    assert model.predict_interval(X).shape == (len(X), 2, 2)
    model.set_params(covariate_shift="ignore").fit(X[:200], y[:200])
    assert not hasattr(model, "shifted_blend_weights_")
    assert not model.shift_probability(X).any()
    assert np.isfinite(model.predict_interval(X)).all()
    assert np.isfinite(model.predict(X, return_std=True)[1]).all()


def test_labels_in_one_block_alone_rule_a_second_blend_out(split):
    X, y = split[0]
    y = y.copy()
    y[30:, 1] = np.nan
    model = MultiTaskKerasRegressor(random_state=0).fit(X, y)
    assert not hasattr(model, "shifted_blend_weights_")


def test_rows_sorted_by_class_lead_to_no_second_blend():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 24)
    X = rng.normal(size=(10, 5))[labels] * 3 + rng.normal(size=(240, 5))
    model = MultiTaskKerasClassifier(random_state=0).fit(X, labels)
    assert not hasattr(model, "shifted_blend_weights_")


def test_one_network_is_enough(split):
    """It holds out a tenth of the rows: the detector then uses random folds for in-distribution rows."""
    settings = {"ensemble_size": 1, "blend": ["network", "laplacian"], "epochs": 20, "early_stopping": True}
    model = MultiTaskKerasRegressor(**settings, random_state=0).fit(*split[0])
    known, new = (np.median(model.shift_probability(X)) for X, _ in split[1:])
    assert known < 0.1 < 0.9 < new


def test_a_task_with_few_labels_does_not_rule_it_out(split):
    X, y = split[0]
    y = y.copy()
    y[np.setdiff1d(np.arange(len(y)), (3, 60, 130)), 1] = np.nan
    model = MultiTaskKerasRegressor(random_state=0).fit(X, y)
    assert hasattr(model, "shifted_blend_weights_")
    assert np.isfinite(model.predict(X)).all()


def test_few_members_hold_out_the_last_block_and_intervals_stay_finite(split):
    X, y = split[0]
    settings = {"ensemble_size": 2, "blend": ["network", "ridge", "laplacian"], "epochs": 10, "early_stopping": True}
    model = MultiTaskKerasRegressor(**settings, random_state=0).fit(X, y)
    shifted = model.blend_.shifted.blend
    assert shifted.rows[-1] == len(X) - 1
    assert len(shifted.rows) == len(X) // 4
    assert np.isfinite(model.predict_interval(split[2][0])).all()


def test_tasks_may_have_the_names_of_layers_in_the_keras_model(split):
    X, y = split[0]
    names = ["shift_probability", "get_item"]
    settings = {"ensemble_size": 2, "blend": ["network", "laplacian"], "epochs": 3, "early_stopping": True}
    model = MultiTaskKerasRegressor(**settings, random_state=0).fit(X, pd.DataFrame(y, columns=names))
    columns = np.column_stack(model.model_.predict(X, verbose=0))
    np.testing.assert_allclose(columns, model.predict(X), rtol=1e-3, atol=1e-3)


def test_regressions_of_mixed_tasks_have_their_own_weights_for_new_groups(split):
    (X, y), _, (shifted, _) = split
    mixed = pd.DataFrame({"size": y[:, 0], "level": np.where(y[:, 1] > 0, "high", "low")})
    model = MultiTaskKerasEstimator(task_types={"level": "classification"}, epochs=10, random_state=0).fit(X, mixed)
    assert "regression_network" in model.shifted_blend_weights_.index
    first, second = (part.network for part in model.blend_.shifted.blend.parts[:2])
    assert not np.array_equal(first.parameters, second.parameters)
    np.testing.assert_allclose(
        np.ravel(model.model_(shifted.astype(np.float32))[0]), model.predict(shifted)["size"].astype(float), atol=1e-3
    )


def test_classes_of_new_groups_are_predicted_with_less_confidence(split):
    (X, y), _, (shifted, _) = split
    labels = np.where(y > 0, "high", "low").astype(object)
    labels[:3, 0] = "rare"
    model = MultiTaskKerasClassifier(random_state=0).fit(X, labels)
    assert hasattr(model, "shifted_blend_weights_")
    other = MultiTaskKerasClassifier(covariate_shift="ignore", random_state=0).fit(X, labels)
    confidence = [np.mean([p.max(axis=1).mean() for p in one.predict_proba(shifted)]) for one in (model, other)]
    assert confidence[0] < confidence[1] - 0.05
