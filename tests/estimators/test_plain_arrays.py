"""The fast path of plain arrays in prediction gives the same numbers and errors as the general one."""

import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskKerasRegressor

from ._cases import SMALL, features, quantities

X = features()


@pytest.fixture(scope="module")
def fitted():
    return MultiTaskKerasRegressor(**SMALL).fit(X, quantities(X))


def test_lists_and_arrays_get_the_same_predictions(fitted):
    np.testing.assert_array_equal(fitted.predict(X), fitted.predict(X.tolist()))


# scikit-learn adds up what it checks.
@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_refused_also_where_it_cancels_or_a_value_is_missing(fitted, value):
    for others in ({}, {(1, 1): -value}, {(1, 1): np.nan}):
        bad = X.astype(np.float64)
        bad[0, 0] = value
        for place, other in others.items():
            bad[place] = other
        with pytest.raises(ValueError, match="infinity"):
            fitted.predict(bad)


def test_missing_and_huge_numbers_pass(fitted):
    odd = X.astype(np.float64)
    odd[0, 0], odd[1, 1] = np.nan, 1e300
    assert np.isfinite(fitted.predict(odd)).all()


@pytest.mark.parametrize("bad", [X[:, :-1], X[:0], X[0]])
def test_other_shapes_get_scikit_learns_errors(fitted, bad):
    with pytest.raises(ValueError, match=r"features|sample|2D array"):
        fitted.predict(bad)


def test_missing_names_still_give_a_warning():
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = MultiTaskKerasRegressor(**SMALL).fit(frame, quantities(X))
    with pytest.warns(UserWarning, match="valid feature names"):
        model.predict(X)
