"""Memory: fits keep nothing except what the caches are meant to hold."""

from pathlib import Path

import pytest

from .estimators._process import run_python

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="reads memory from /proc, as Linux has it"
)

MANY_FITS = """
import gc
import numpy as np
import resource
from skmtl import MultiTaskKerasRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 6))
y = X[:, :2] * [1.0, 50.0]
sizes = []
for number in range(16):
    width, jit = ((32,), False) if number % 2 else ((24, 16), {second_jit})
    model = MultiTaskKerasRegressor(hidden_layer_sizes=width, epochs=5, jit_compile=jit, random_state=number)
    model.fit(X, y).predict(X)
    gc.collect()
    with open("/proc/self/statm") as resident:
        sizes.append(int(resident.read().split()[1]) * resource.getpagesize())
print((sizes[-1] - sizes[8]) / 2**20)
"""


@pytest.mark.slow
@pytest.mark.parametrize("second_jit", [False, True])
def test_sixteen_fits_of_two_structures_in_turn_grow_by_less_than_6_mb_after_the_ninth(second_jit):
    # On a busy machine, a thread may meet a structure for the first time late, and only then take memory for it.
    assert float(run_python(MANY_FITS.replace("{second_jit}", str(second_jit)))) < 6.0


OWN_MODELS = """
import gc
import keras
import numpy as np
import resource
from skmtl import MultiTaskKerasRegressor

def build(meta):
    inputs = keras.Input((meta["n_features_in_"],))
    hidden = keras.layers.Dense(16, activation="relu")(inputs)
    return keras.Model(inputs, [keras.layers.Dense(1)(hidden) for _ in range(meta["n_tasks_"])])

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 6))
y = X[:, :2] * [1.0, 50.0]
sizes = []
for number in range(16):
    MultiTaskKerasRegressor(model=build, epochs=5, jit_compile=False, random_state=number).fit(X, y).predict(X)
    gc.collect()
    with open("/proc/self/statm") as resident:
        sizes.append(int(resident.read().split()[1]) * resource.getpagesize())
print((sizes[-1] - sizes[4]) / 2**20)
"""


@pytest.mark.slow
def test_sixteen_fits_of_the_callers_model_grow_by_less_than_17_mb_after_the_fifth():
    assert float(run_python(OWN_MODELS)) < 17.0
