import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_score

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.metrics import make_task_scorer
from skmtl.scikeras import MultiTaskTargetEncoder, from_scikeras

from ._builders import diabetes, network, two_heads, wine

SETTINGS = {"optimizer": "adam", "optimizer__learning_rate": 0.02, "epochs": 15, "verbose": 0, "random_state": 0}


def wine_labels():
    """Cultivar (three names) and strength (two names) of each wine; X lacks the column that defines strength."""
    X, y = wine()
    strength = np.where(X[:, 0] > np.median(X[:, 0]), "strong", "light")
    return X[:, 1:], np.column_stack([np.array(["barolo", "grignolino", "barbera"])[y], strength])


@pytest.fixture(scope="module")
def classifier(wrappers):
    class TwoHeadClassifier(wrappers.KerasClassifier):
        @property
        def target_encoder(self):
            return MultiTaskTargetEncoder("classification", loss=self.loss, classes=self.classes_)

        @staticmethod
        def scorer(y_true, y_pred, sample_weight=None):
            return np.average((y_true == y_pred).mean(axis=1), weights=sample_weight)

    return TwoHeadClassifier


@pytest.fixture(scope="module")
def fitted(classifier):
    """A scikeras classifier fitted to the wine labels."""
    return classifier(two_heads, **SETTINGS).fit(*wine_labels())


@pytest.fixture
def regressor(wrappers):
    class TwoHeadRegressor(wrappers.KerasRegressor):
        @property
        def target_encoder(self):
            return MultiTaskTargetEncoder("regression")

    return TwoHeadRegressor


def test_a_scikeras_classifier_learns_two_tasks_with_different_labels(fitted):
    X, y = wine_labels()
    predicted = fitted.predict(X)
    assert predicted.shape == (178, 2)
    assert [set(column) for column in predicted.T] == [{"barolo", "grignolino", "barbera"}, {"strong", "light"}]
    assert (predicted[:, 0] == y[:, 0]).mean() > 0.95
    assert (predicted[:, 1] == y[:, 1]).mean() > 0.85
    assert fitted.score(X, y) > 0.9
    assert [list(labels) for labels in fitted.classes_] == [["barbera", "barolo", "grignolino"], ["light", "strong"]]


def test_probabilities_are_one_array_per_task_in_the_order_of_the_classes(fitted):
    X, _ = wine_labels()
    proba = fitted.predict_proba(X)
    assert [part.shape for part in proba] == [(178, 3), (178, 2)]
    for part, column, labels in zip(proba, fitted.predict(X).T, fitted.classes_, strict=True):
        assert np.allclose(part.sum(axis=1), 1, atol=1e-5)
        assert np.array_equal(labels[part.argmax(axis=1)], column)


def test_heads_may_end_in_one_sigmoid_and_losses_may_need_one_hot_targets(classifier):
    X, y = wine_labels()

    def build(meta, compile_kwargs):
        model = network(meta["n_features_in_"], [(3, "softmax"), (1, "sigmoid")])
        model.compile(compile_kwargs["optimizer"], loss=compile_kwargs["loss"])
        return model

    losses = ["categorical_crossentropy", keras.losses.BinaryCrossentropy()]
    model = classifier(build, loss=losses, **SETTINGS).fit(X, y)
    assert [target.shape for target in model.target_encoder_.transform(y)] == [(178, 3), (178, 1)]
    assert [part.shape for part in model.predict_proba(X)] == [(178, 3), (178, 2)]
    assert (model.predict(X) == y).mean(axis=0).min() > 0.85


@pytest.mark.slow
def test_a_scikeras_regressor_learns_two_regressions(regressor):
    X, y = diabetes(1)
    model = regressor(two_heads, **SETTINGS).fit(X, y)
    assert model.predict(X).shape == (442, 2)
    assert (r2_score(y, model.predict(X), multioutput="raw_values") > [0.45, 0.3]).all()
    assert model.score(X, y) > 0.4


def test_a_classification_and_a_regression_share_a_model(wrappers):
    class Mixed(wrappers.KerasClassifier):
        @property
        def target_encoder(self):
            return MultiTaskTargetEncoder(["classification", "regression"])

    X, cultivar = wine()
    X, colour = np.delete(X, 9, axis=1), X[:, 9]
    model = Mixed(two_heads, **SETTINGS).fit(X, np.column_stack([cultivar, colour]))
    predicted = model.predict(X)
    assert set(predicted[:, 0]) == {0.0, 1.0, 2.0}
    assert (predicted[:, 0] == cultivar).mean() > 0.95
    assert r2_score(colour, predicted[:, 1].astype(float)) > 0.6
    proba = model.predict_proba(X)
    assert proba[0].shape == (178, 3)
    assert proba[1] is None


def test_strings_next_to_numbers_pass_if_the_subclass_overrides_type_of_target(wrappers):
    class Mixed(wrappers.KerasClassifier):
        @property
        def target_encoder(self):
            return MultiTaskTargetEncoder()

        def _type_of_target(self, y):
            return "unknown"

    X, cultivar = wine()
    y = np.column_stack([np.array(["a", "b", "c"], dtype=object)[cultivar], X[:, 9].astype(object)])
    model = Mixed(two_heads, **SETTINGS).fit(X, y)
    predicted = model.predict(X)
    assert (predicted[:, 0] == y[:, 0]).mean() > 0.95
    assert all(isinstance(value, float) for value in predicted[:, 1])


@pytest.mark.slow
def test_sample_and_class_weights_reach_the_model(classifier, fitted):
    X, y = wine_labels()
    barbera = y[:, 0] == "barbera"
    model = classifier(two_heads, class_weight="balanced", **SETTINGS)
    model.fit(X, y, sample_weight=np.where(barbera, 1.0, 1e-4))
    assert (model.predict(X)[:, 0] == "barbera").mean() > 1.5 * (fitted.predict(X)[:, 0] == "barbera").mean()


def test_partial_fit_accepts_classes_that_appear_later(classifier):
    X, y = wine_labels()
    first = y[:, 0] == "barolo"
    model = classifier(two_heads, **SETTINGS)
    model.partial_fit(X[first], y[first], classes=[np.unique(y[:, 0]), np.unique(y[:, 1])])
    for _ in range(3):
        model.partial_fit(X, y)
    assert [part.shape for part in model.predict_proba(X)] == [(178, 3), (178, 2)]
    assert set(model.predict(X)[:, 0]) == {"barolo", "grignolino", "barbera"}


@pytest.mark.slow
def test_cross_validation_scores_every_task(classifier):
    folds = KFold(2, shuffle=True, random_state=0)
    model = classifier(two_heads, **SETTINGS)
    scores = cross_val_score(model, *wine_labels(), scoring=make_task_scorer("accuracy"), cv=folds)
    assert (scores > 0.7).all()


def test_the_same_builder_works_after_conversion(classifier, regressor, wrappers):
    X, y = wine_labels()
    with pytest.warns(UserWarning, match="scorer of TwoHeadClassifier"):
        model = from_scikeras(classifier(two_heads, **SETTINGS))
    assert isinstance(model, MultiTaskKerasClassifier)
    assert model.fit(X, y).score(X, y) > 0.9
    converted = from_scikeras(regressor(two_heads, **SETTINGS))
    assert isinstance(converted, MultiTaskKerasRegressor)
    assert converted.fit(*diabetes(1)).n_tasks_ == 2


@pytest.mark.parametrize(
    ("types", "expected"),
    [(None, None), (["classification", "regression"], {"y0": "classification", "y1": "regression"})],
)
def test_a_wrapper_with_both_kinds_of_task_becomes_the_mixed_estimator(wrappers, types, expected):
    class Mixed(wrappers.BaseWrapper):
        @property
        def target_encoder(self):
            return MultiTaskTargetEncoder(types)

    model = from_scikeras(Mixed(two_heads, **SETTINGS))
    assert isinstance(model, MultiTaskKerasEstimator)
    assert model.task_types == expected
    X, cultivar = wine()
    model.fit(X, np.column_stack([cultivar, X[:, 9]]))
    if types:
        assert (model.predict(X)[:, 0].astype(int) == cultivar).mean() > 0.95


def test_predictions_have_the_form_of_y():
    for y in (np.array([1.5, 2.5, 0.5]), np.array([3, 5, 7]), np.array(["a", "b", "a"])):
        kind = "regression" if y.dtype.kind == "f" else "classification"
        encoder = MultiTaskTargetEncoder(kind).fit(y)
        target = encoder.transform(y)
        assert target.shape == (3, 1)
        codes = target[:, 0].astype(int)
        raw = target if kind == "regression" else np.eye(codes.max() + 1)[codes]
        assert np.array_equal(encoder.inverse_transform(raw), y)
    column = np.array([["a"], ["b"]])
    assert MultiTaskTargetEncoder().fit(column).inverse_transform(np.eye(2)).tolist() == [["a"], ["b"]]


def test_integers_stay_integers_and_mixed_types_become_objects():
    outputs = [np.eye(2), np.eye(2)[::-1]]
    numbers = MultiTaskTargetEncoder("classification").fit([[3, 5], [4, 6]])
    assert numbers.inverse_transform(outputs).dtype.kind == "i"
    assert numbers.inverse_transform(outputs).tolist() == [[3, 6], [4, 5]]
    mixed = MultiTaskTargetEncoder().fit(np.array([["a", 5], ["b", 6]], dtype=object))
    assert mixed.inverse_transform(outputs).tolist() == [["a", 6], ["b", 5]]


def test_logits_become_probabilities_if_the_loss_has_from_logits():
    y = [["a", 0], ["b", 1], ["c", 0]]
    losses = [
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        keras.losses.BinaryCrossentropy(from_logits=True),
    ]
    encoder = MultiTaskTargetEncoder("classification", loss=losses).fit(y)
    many, one = encoder.inverse_transform([np.array([[-4.0, 9.0, 2.0]]), np.array([[-3.0]])], return_proba=True)
    assert many.sum() == pytest.approx(1)
    assert many.argmax() == 1
    assert one.tolist() == [[pytest.approx(1 / (1 + np.exp(-3))), pytest.approx(1 / (1 + np.exp(3)))]]


def test_outputs_that_are_not_probabilities_are_refused():
    encoder = MultiTaskTargetEncoder().fit(["a", "b", "a"])
    for bad in ([[1.7, -0.7]], [[np.nan, 0.5]], [[3.2]]):
        with pytest.raises(ValueError, match=r"'y0' should be probabilities in \[0, 1\].*from_logits=True"):
            encoder.inverse_transform(np.array(bad))


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ([np.zeros((4, 2))], "1 outputs, but y has 2 tasks"),
        ([np.zeros((4, 2)), np.zeros((4, 2))], r"'y1' should have shape \(n_samples, 1\), got \(4, 2\)"),
        ([np.zeros((4, 3)), np.zeros((4, 1))], r"'y0' should have shape \(n_samples, 1 or 2\), got \(4, 3\)"),
        ({"a": np.zeros((4, 2)), "b": np.zeros((4, 1))}, "alphabetical"),
    ],
)
def test_outputs_that_do_not_match_the_tasks_are_refused(outputs, message):
    encoder = MultiTaskTargetEncoder(["classification", "regression"]).fit([[0, 1.5], [1, 2.5], [0, 3.5]])
    with pytest.raises(ValueError, match=message):
        encoder.inverse_transform(outputs)


@pytest.mark.parametrize("missing", [None, np.nan])
def test_missing_labels_are_refused_with_an_alternative(missing):
    complete = np.array([["a", 1.0], ["b", 2.0], ["a", 3.0]], dtype=object)
    holes = complete.copy()
    holes[1] = missing
    with pytest.raises(ValueError, match=r"Task 'y0' has 1 missing labels.*from_scikeras"):
        MultiTaskTargetEncoder().fit(holes)
    with pytest.raises(ValueError, match=r"missing labels.*from_scikeras"):
        MultiTaskTargetEncoder().fit(complete).transform(holes)


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (MultiTaskTargetEncoder(["regression"]), "task_types has 1 entries, but y has 2 columns"),
        (MultiTaskTargetEncoder("regresion"), "Did you mean 'regression'"),
        (MultiTaskTargetEncoder({"price": "regression"}), "task 'price', which y does not have"),
        (MultiTaskTargetEncoder("classification", classes=[["a"]]), "classes has 1 entries, but y has 2 columns"),
        (MultiTaskTargetEncoder("classification", loss=["mse"]), "loss has 1 entries"),
        (MultiTaskTargetEncoder("classification", classes=[[0], [1, 2]]), r"labels \[1\] that are not among"),
    ],
)
def test_settings_that_do_not_match_y_are_refused(encoder, message):
    y = [[0, 1], [1, 2], [0, 1]]
    with pytest.raises(ValueError, match=message):
        encoder.fit(y).transform(y)
    if "not among" not in message:
        assert not hasattr(encoder, "targets_")


def test_a_clone_is_unfitted_and_a_pickle_stays_fitted():
    encoder = MultiTaskTargetEncoder("classification").fit([["a", 0], ["b", 1]])
    assert clone(encoder).get_params() == encoder.get_params()
    assert not hasattr(clone(encoder), "targets_")
    restored = pickle.loads(pickle.dumps(encoder))
    assert restored.inverse_transform([np.eye(2), np.eye(2)]).tolist() == [["a", 0], ["b", 1]]


def test_the_encoders_metadata_is_what_skmtl_passes_to_its_own_builders():
    seen = {}

    def build(meta):
        seen.update(meta)
        return network(meta["n_features_in_"], [(units, "softmax") for units in meta["output_units_"]])

    X, y = wine_labels()
    MultiTaskKerasClassifier(model=build, epochs=1).fit(X, y)
    metadata = MultiTaskTargetEncoder().fit(y).get_metadata()
    for name, value in metadata.items():
        assert str(seen[name]) == str(value)
