"""Dropout of several fits at once equals that of each fit alone."""

import numpy as np
import pytest

from skmtl.networks import VariableDropout
from skmtl.networks._per_fit_dropout import PerFitDropout

from .test_layers import values

RATES, SEEDS = (0.2, 0.5, 0.0), (3, 4, 5)


@pytest.mark.parametrize("members", [1, 2])
def test_every_fit_has_its_own_random_numbers_and_rate(members):
    x = values(3 * members, 10, 7)
    together = PerFitDropout(3)
    together(x)
    together.rates.assign(RATES)
    together.states.assign([[seed, 0] for seed in SEEDS])
    alone = [VariableDropout(rate, seed=seed) for rate, seed in zip(RATES, SEEDS, strict=True)]
    for _ in range(2):
        found = np.asarray(together(x, training=True)).reshape(3, members, 10, 7)
        for fit, layer in enumerate(alone):
            part = x[fit * members : (fit + 1) * members]
            np.testing.assert_array_equal(found[fit], layer(part, training=True))


def test_prediction_has_no_dropout():
    x = values(4, 10, 3)
    np.testing.assert_array_equal(PerFitDropout(2)(x), x)
