"""ONNX models agree with the estimator on real data sets, for default fits and single networks."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
agreement = pytest.importorskip("onnx_agreement")

QUICK = ("flare1", "slump")


def sets():
    """Names of the data sets, most of them marked as slow; empty if the data are not available."""
    try:
        names = agreement.names()
    except FileNotFoundError:
        return []
    return [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.filterwarnings("ignore:Task .* that the features do not explain:UserWarning")
@pytest.mark.parametrize("settings", agreement.SETTINGS.values(), ids=agreement.SETTINGS)
@pytest.mark.parametrize("name", sets())
def test_values_and_probabilities_are_the_same(name, settings):
    """On held-out rows with unseen levels, missing cells and extreme values."""
    assert agreement.worst_difference(agreement.load(name, agreement.ROWS), **settings) < 1e-5
