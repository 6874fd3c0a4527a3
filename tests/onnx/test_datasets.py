"""ONNX models agree with the estimator on real data sets, for default fits and single networks."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
agreement = pytest.importorskip("onnx_agreement")

# Each brings something that the others do not have: few rows; few classes; mixed tasks, many levels and gaps; levels
# alone; an outlying label; rows in time; groups of rows; gaps in most labels; 139 tasks, and 617 (in a single network,
# since a default fit of these takes minutes). The benchmark has the other sets too.
COVERING = ("slump", "flare1", "ames", "adult", "scpf", "atp1d", "parkinsons", "tox21", "school")
SINGLE = ("slump", "flare1", "ames", "tox21", "toxcast")
QUICK = ("slump", "flare1")


def cases():
    """Return data sets and settings, most of them marked as slow; none if the data are not available."""
    try:
        there = agreement.names()
    except FileNotFoundError:
        return []
    pairs = [(name, kind) for kind, sets in zip(agreement.SETTINGS, (COVERING, SINGLE), strict=True) for name in sets]
    return [
        pytest.param(name, kind, marks=() if name in QUICK else pytest.mark.slow)
        for name, kind in pairs
        if name in there
    ]


@pytest.mark.filterwarnings("ignore:Task .* that the features do not explain:UserWarning")
@pytest.mark.parametrize(("name", "kind"), cases())
def test_values_and_probabilities_are_the_same(name, kind):
    """On held-out rows with unseen levels, missing cells and extreme values."""
    settings = agreement.SETTINGS[kind]
    assert agreement.worst_difference(agreement.load(name, agreement.ROWS), **settings) < 1e-5
