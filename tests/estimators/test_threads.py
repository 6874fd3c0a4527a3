"""Concurrent fits and predictions in one process."""

from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor

from ._cases import SMALL, features, labels, quantities

X = features()


@pytest.mark.parametrize("settings", [{}, {"ensemble_size": 3, "dropout": 0.2}], ids=["one", "ensemble"])
def test_eight_threads_fit_and_predict_the_same_as_one(settings):
    jobs = [MultiTaskKerasRegressor(**{**SMALL, "random_state": seed % 4, **settings}) for seed in range(8)]
    y = quantities(X)
    alone = [clone(job).fit(X, y).predict(X) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda job: job.fit(X, y).predict(X), jobs))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(alone[0], alone[1])


def test_threads_that_train_different_structures_do_not_mix():
    structures = [(7,), (9,), (7, 5), (11,)]
    fits = [
        lambda s=s: MultiTaskKerasRegressor(**{**SMALL, "hidden_layer_sizes": s}).fit(X, quantities(X))
        for s in structures
    ]
    fits += [lambda: MultiTaskKerasClassifier(**SMALL).fit(X, labels(X))] * 4
    together = joblib.Parallel(n_jobs=8, backend="threading")(joblib.delayed(fit)() for fit in fits)
    for fit, model in zip(fits, together, strict=True):
        np.testing.assert_array_equal(fit().predict(X), model.predict(X))


def test_one_estimator_predicts_in_eight_threads():
    model = MultiTaskKerasRegressor(**SMALL).fit(X, quantities(X))
    many = features(3000, seed=5)
    with ThreadPoolExecutor(8) as pool:
        small, large = list(pool.map(model.predict, [X] * 8)), list(pool.map(model.predict, [many] * 8))
    for predicted in small:
        np.testing.assert_array_equal(predicted, model.predict(X))
    for predicted in large:
        np.testing.assert_array_equal(predicted, model.predict(many))
