"""In a process forked after TensorFlow ran, numpy predictions work and everything else is refused at once."""

import os

import pytest

from .estimators._process import run_python

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

CHILD = """
import os, sys
import numpy as np
from skmtl import MultiTaskKerasRegressor

X = np.random.default_rng(0).normal(size=(60, 3))

def network(**changes):
    settings = dict(hidden_layer_sizes=(4,), ensemble_size=1, epochs=1, random_state=0)
    return MultiTaskKerasRegressor(**settings | changes)

def in_child(*calls):
    sys.stdout.flush()
    if os.fork() == 0:
        for call in calls:
            try:
                print(call())
            except RuntimeError as error:
                print("refused" if "spawn" in str(error) and "forkserver" in str(error) else error)
        sys.stdout.flush()
        os._exit(0)
    os.wait()
"""

AFTER_A_FIT = """
plain, mixture = network().fit(X, X[:, :2]), network(architecture="mmoe").fit(X, X[:, :2])
expected = plain.predict(X)
in_child(
    lambda: np.array_equal(plain.predict(X), expected),
    lambda: plain.model_,
    lambda: mixture.predict(X),
    lambda: network().fit(X, X[:, :2]),
    lambda: plain.partial_fit(X, X[:, :2]),
    lambda: np.array_equal(plain.predict(X), expected),
)
print(plain.fit(X, X[:, :2]).n_iter_)
"""

AFTER_AN_IMPORT = """
import tensorflow, keras
in_child(lambda: network().fit(X, X[:, :2]).n_iter_)
"""


def test_after_a_fit_only_numpy_predictions_work() -> None:
    printed = run_python(CHILD + AFTER_A_FIT).split()
    assert printed == ["True", "refused", "refused", "refused", "refused", "True", "1"]


def test_an_import_alone_does_not_matter() -> None:
    assert run_python(CHILD + AFTER_AN_IMPORT).split() == ["1"]
