"""Label correlations agree with pandas and scikit-learn, on the rows that have both labels."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from skmtl.inspection import task_affinity
from skmtl.inspection._label_correlation import canonical_correlation


def correlate(y, **options):
    return task_affinity(None, np.zeros((len(y), 1)), y, method="label_correlation", random_state=0, **options)


def quantities(missing=0.3, n=200):
    rng = np.random.default_rng(0)
    y = rng.normal(size=(n, 4)) @ rng.normal(size=(4, 5)) * [1, 1e4, 1e-4, 1, 1] + [0, 1e6, 0, -3, 5]
    y[rng.random(y.shape) < missing] = np.nan
    return pd.DataFrame(y, columns=list("abcde"))


def test_correlations_of_quantities_agree_with_pandas():
    y = quantities()
    np.testing.assert_allclose(correlate(y, n_permutations=0).matrix, y.corr().abs(), atol=1e-12)


def test_two_classes_count_as_a_number():
    y = quantities(missing=0.0).assign(
        dear=lambda t: t["a"] > 1, side=lambda t: np.where(t["b"] > 1e6, "left", "right")
    )
    matrix = correlate(y, n_permutations=0).matrix
    numbers = y.assign(dear=y["dear"].astype(float), side=(y["side"] == "left").astype(float))
    np.testing.assert_allclose(matrix, numbers.corr().abs(), atol=1e-12)


def test_many_classes_and_a_quantity_have_the_correlation_ratio():
    y = quantities(missing=0.2)[["a", "b"]]
    y["town"] = np.array(["x", "y", "z"])[np.digitize(y["a"].fillna(0), [-0.5, 1])]
    known = y["b"].notna()
    dummies = pd.get_dummies(y.loc[known, "town"]).to_numpy(dtype=float)
    ratio = np.sqrt(LinearRegression().fit(dummies, y.loc[known, "b"]).score(dummies, y.loc[known, "b"]))
    assert correlate(y, n_permutations=0).matrix.loc["b", "town"] == pytest.approx(ratio)


def test_renamed_classes_are_perfectly_correlated():
    labels = np.random.default_rng(0).integers(4, size=60)
    y = pd.DataFrame({"number": labels.astype(str), "letter": np.array(list("pqrs"))[labels]})
    assert correlate(y, n_permutations=0).matrix.loc["number", "letter"] == pytest.approx(1.0)


def test_a_constant_or_too_few_common_rows_have_no_correlation():
    y = quantities(missing=0.0)[["a", "b", "c"]]
    y.loc[2:, "a"], y.loc[:1, "b"], y["c"] = np.nan, np.nan, 1e9 + 0.1
    matrix = correlate(y).matrix.to_numpy()
    assert np.isnan(matrix[~np.eye(3, dtype=bool)]).all()
    assert np.isnan(canonical_correlation(np.ones((9, 3)), np.eye(9)[:, :2]))


def test_the_standard_error_is_near_the_theoretical_one():
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(20):
        common = rng.normal(size=400)
        y = np.column_stack([common + rng.normal(size=400), common + rng.normal(size=400)])
        errors.append(correlate(y, n_permutations=0).std_error.iloc[0, 1])
    # (1 - r^2) / sqrt(n), of a normal distribution.
    assert np.mean(errors) == pytest.approx(0.75 / 20, rel=0.2)


def test_chance_findings_among_all_pairs_keep_to_the_level():
    rng = np.random.default_rng(0)
    findings = [
        (correlate(rng.normal(size=(40, 6)), n_permutations=60, level=0.2).frame()["verdict"] == "related").any()
        for _ in range(60)
    ]
    assert 0.05 < np.mean(findings) < 0.4
