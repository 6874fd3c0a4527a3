"""Which class is predicted: the most probable, or what a metric asks for."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

import skmtl
from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator

RNG = np.random.default_rng(0)
SMALL = {"ensemble_size": 2, "epochs": 15, "blend": ["network", "ridge"], "early_stopping": True, "random_state": 0}


def table(n):
    X = RNG.normal(size=(n, 3))
    rare = np.where(X[:, 0] + RNG.normal(size=n) > 2.2, "ill", "well")
    return X, np.column_stack([rare, np.where(X[:, 1] > 0, "a", "b")]).astype(object)


X, Y = table(500)
TEST, TRUTH = table(1500)


@pytest.fixture(scope="module")
def plain():
    return MultiTaskKerasClassifier(**SMALL).fit(X, Y)


@pytest.fixture(scope="module")
def balanced():
    return MultiTaskKerasClassifier(**SMALL, decision="balanced_accuracy").fit(X, Y)


def test_rare_classes_are_found_more_often_and_probabilities_stay(plain, balanced):
    score = [balanced_accuracy_score(TRUTH[:, 0], model.predict(TEST)[:, 0]) for model in (plain, balanced)]
    assert score[1] > score[0] + 0.1
    np.testing.assert_array_equal(balanced.predict_proba(TEST)[0], plain.predict_proba(TEST)[0])
    assert not hasattr(plain, "decision_factors_")
    assert balanced.decision_factors_[0].argmax() == list(balanced.classes_[0]).index("ill")
    np.testing.assert_array_equal(
        balanced.predict(TEST)[:, 0],
        balanced.classes_[0][(balanced.predict_proba(TEST)[0] * balanced.decision_factors_[0]).argmax(axis=1)],
    )


def test_any_metric_of_labels_works(plain):
    def f1(truth, guess):
        return f1_score(truth, guess, pos_label="ill") if "ill" in truth else 0.0

    model = MultiTaskKerasClassifier(**SMALL, decision=f1).fit(X, Y[:, 0])
    assert f1(TRUTH[:, 0], model.predict(TEST)) > f1(TRUTH[:, 0], plain.predict(TEST)[:, 0])


def test_three_classes_with_regressions(tmp_path):
    grade = np.digitize(X[:, 2] + RNG.normal(size=500), [1.5, 2.5])
    y = np.column_stack([X[:, 0], grade.astype(float)])
    kinds = {"task_types": {"y0": "regression", "y1": "classification"}}
    model = MultiTaskKerasEstimator(**SMALL, **kinds, decision="balanced_accuracy").fit(X, y)
    guess = MultiTaskKerasEstimator(**SMALL, **kinds).fit(X, y).predict(X)
    assert balanced_accuracy_score(grade, model.predict(X)[:, 1]) > balanced_accuracy_score(grade, guess[:, 1])
    np.testing.assert_array_equal(model.predict(X)[:, 0], guess[:, 0])
    assert model.decision_factors_[0] is None
    skmtl.save(model, tmp_path / "model.skmtl")
    np.testing.assert_array_equal(skmtl.load(tmp_path / "model.skmtl").predict(X), model.predict(X))


def test_without_held_out_rows_a_decision_is_refused():
    model = MultiTaskKerasClassifier(ensemble_size=1, epochs=1, decision="balanced_accuracy")
    with pytest.raises(ValueError, match="chosen on held-out rows, and there are none: fit with oob_score=True"):
        model.fit(X, Y)
    with pytest.raises(ValueError, match="partial_fit holds out none"):
        model.partial_fit(X, Y, classes=[np.unique(column) for column in Y.T])
    with pytest.raises(ValueError, match="decision"):
        MultiTaskKerasClassifier(decision="most").fit(X, Y)
