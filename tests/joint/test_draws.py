"""Joint draws of errors."""

import numpy as np
import pytest
from scipy.special import ndtr

from skmtl.joint import fit_joint_model

rng = np.random.default_rng(2)
FIRST = rng.gamma(2.0, size=500)
ERRORS = np.column_stack([FIRST, FIRST**2 + 0.1 * rng.normal(size=500), rng.normal(size=500)])


def model(values, observed, quantities, n_classes):
    return fit_joint_model(values, observed, quantities, n_classes, shifted=False, seed=0)


def test_errors_of_a_row_stay_together():
    copula = model(ERRORS, np.ones((500, 3), bool), [np.zeros(500)] * 3, [0, 0, 0]).copula
    rows = np.arange(500)[:, None]
    found = np.column_stack([copula.draws(rows, task)[:, 0] for task in range(3)])
    np.testing.assert_allclose(found, ERRORS)


def test_a_missing_label_is_drawn_given_the_others():
    observed = np.ones((500, 3), bool)
    observed[::2, 1] = False
    copula = model(ERRORS, observed, [np.zeros(500)] * 3, [0, 0, 0]).copula
    drawn = copula.draws(np.arange(0, 500, 2)[:, None], 1)[:, 0]
    assert np.corrcoef(drawn, ERRORS[::2, 1])[0, 1] > 0.6
    assert np.isin(drawn, ERRORS[1::2, 1]).all()
    assert drawn.mean() == pytest.approx(ERRORS[:, 1].mean(), rel=0.25)


def test_classes_are_drawn_from_their_probabilities_and_depend_on_other_errors():
    proba = rng.dirichlet([1, 1, 1], size=3000)
    latent = rng.normal(size=3000)
    codes = (proba.cumsum(axis=1) < (latent.argsort().argsort()[:, None] + 0.5) / 3000).sum(axis=1)
    values = np.column_stack([codes, latent])
    copula = model(values, np.ones((3000, 2), bool), [proba, np.zeros(3000)], [3, 0]).copula
    rows = rng.integers(0, 3000, size=(3000, 20))
    drawn = copula.classes(rows, proba, 0)
    shares = np.stack([(drawn == code).mean(axis=1) for code in range(3)], axis=1)
    assert np.abs(shares - proba).mean() < 0.09
    other = copula.draws(rows, 1)
    assert np.corrcoef(drawn.ravel(), other.ravel())[0, 1] > 0.3


def test_classes_and_errors_stay_correlated_in_rows_with_other_probabilities():
    random = np.random.default_rng(0)
    latent = random.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=2000)
    share = random.uniform(0.05, 0.95, size=2000)
    codes = (ndtr(latent[:, 1]) > 1 - share).astype(float)
    proba = np.column_stack([1 - share, share])
    values = np.column_stack([latent[:, 0], codes])
    copula = model(values, np.ones((2000, 2), bool), [np.zeros(2000), proba], [0, 2]).copula
    rows = np.arange(2000)[:, None]
    drawn = copula.classes(rows, proba[::-1], 1)[:, 0]
    assert np.corrcoef(drawn - share[::-1], copula.draws(rows, 0)[:, 0])[0, 1] > 0.55
    assert drawn.mean() == pytest.approx(share.mean(), abs=0.03)
    np.testing.assert_array_equal(copula.classes(rows, proba, 1)[:, 0], codes)
