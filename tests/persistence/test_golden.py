"""Files of all past formats can be loaded, and predict the same as before."""

import numpy as np
import pytest

import skmtl
from skmtl.persistence._archive import FORMAT

from ._golden import FOLDER, MODELS, plain_answers, read_rows

FILES = sorted(FOLDER.glob("format_*/*.skmtl"))


def test_every_model_has_a_file_of_the_current_format():
    assert {path.stem for path in FILES if path.parent.name == f"format_{FORMAT}"} == set(MODELS)


def test_the_files_are_small():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 600_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_file_predicts_the_same_as_before(path):
    """Up to rounding, which depends on the processor."""
    model = skmtl.load(path)
    with np.load(path.with_suffix(".npz")) as expected:
        found = plain_answers(model, read_rows(path))
        assert sorted(found) == sorted(expected)
        for name in expected:
            if expected[name].dtype.kind == "f":
                np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-6, err_msg=name)
            else:
                check_cells(found[name], expected[name])


def check_cells(found, expected):
    """Compare cells as strings, but numbers among them with a tolerance."""
    assert found.shape == expected.shape
    for one, other in zip(found.ravel(), expected.ravel(), strict=True):
        try:
            assert float(one) == pytest.approx(float(other), rel=1e-5)
        except ValueError:
            assert one == other
