"""The cosine learning rate: equal to Keras' schedule, but not compiled into the program."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from ._engine import Engine, some_numbers, some_rows

EPOCHS, STEPS = 3, 4


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_cosine_rate_gives_the_weights_of_keras_schedule(jit: bool) -> None:
    rows = some_rows("regression")
    schedule = keras.optimizers.schedules.CosineDecay(0.05, EPOCHS * STEPS)
    theirs = Engine.of_scheme("regression", optimizer=keras.optimizers.Adam(schedule), jit=jit).run(rows)
    engine = Engine.of_scheme("regression", optimizer=keras.optimizers.Adam(0.05), jit=jit)
    constant = engine.run(rows)
    falling = engine.run(rows, numbers=some_numbers(cosine=True))
    np.testing.assert_allclose(falling.parameters, theirs.parameters, rtol=1e-4, atol=2e-6)
    assert np.abs(falling.parameters - constant.parameters).max() > 0.01
