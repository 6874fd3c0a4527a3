"""Prediction in numpy: columns are embedded as in the compiled network."""

import numpy as np
import pytest

from skmtl.inference import numpy_outputs
from skmtl.inference._numpy import _ACTIVATIONS, EXACT_ROWS, parameter_shapes

from ..networks._layouts import LAYOUTS, network_of_layout, rows_of
from ..networks._schemes import ALIKE, forward, random_parameters


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("name", LAYOUTS)
def test_numpy_computes_the_same_as_the_network(name, members):
    layout = LAYOUTS[name]
    network = network_of_layout(layout, members, heads=ALIKE, head_layer_sizes=(3,))
    parameters, rows = random_parameters(network), rows_of(layout, members)
    found = numpy_outputs(network.spec, parameters, lambda part, dtype: rows[0, part].astype(dtype), 7, network)
    raw = forward(network, parameters, rows).mean(axis=0)
    np.testing.assert_allclose(np.hstack(found), raw, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LAYOUTS)
def test_variables_are_in_the_order_of_the_network(name):
    network = network_of_layout(LAYOUTS[name])
    ours = [int(np.prod(shape)) for shape in parameter_shapes(network.spec)]
    assert ours == [p.stop - p.start for p in network.parameters]


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-13), (np.float32, 1e-5)])
def test_mish_with_one_exponential_is_mish(dtype, rtol):
    x = np.concatenate([np.linspace(-80, 80, 999), [-700.0, 700.0, 0.0]]).astype(dtype)
    expected = x.astype(float) * np.tanh(np.logaddexp(x.astype(float), 0.0))
    found = _ACTIVATIONS["mish"](x.copy())
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-30)


def test_many_rows_are_predicted_like_a_few_at_a_time():
    layout = LAYOUTS[next(iter(LAYOUTS))]
    network = network_of_layout(layout, 2, heads=ALIKE, head_layer_sizes=(3,))
    parameters, rows = random_parameters(network), np.tile(rows_of(layout, 2)[0], (700, 1))
    assert len(rows) > 2 * EXACT_ROWS

    def outputs(some):
        encode = lambda part, dtype: some[part].astype(dtype)  # noqa: E731
        return np.hstack(numpy_outputs(network.spec, parameters, encode, len(some), network))

    np.testing.assert_allclose(outputs(rows), np.tile(outputs(rows[:7]), (700, 1)), rtol=1e-4, atol=1e-5)
