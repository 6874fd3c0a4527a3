"""Prediction in numpy: embedded columns as the compiled network computes them."""

import numpy as np
import pytest

from skmtl.inference import numpy_outputs
from skmtl.inference._numpy import parameter_shapes

from ..networks._layouts import LAYOUTS, network_of_layout, rows_of
from ..networks._schemes import ALIKE, forward, random_parameters


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("name", LAYOUTS)
def test_numpy_computes_what_the_network_does(name, members):
    layout = LAYOUTS[name]
    network = network_of_layout(layout, members, heads=ALIKE, head_layer_sizes=(3,))
    parameters, rows = random_parameters(network), rows_of(layout, members)
    found = numpy_outputs(network.spec, parameters, lambda part, dtype: rows[0, part].astype(dtype), 7, network)
    raw = forward(network, parameters, rows).mean(axis=0)
    np.testing.assert_allclose(np.hstack(found), raw, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LAYOUTS)
def test_variables_lie_where_the_network_has_them(name):
    network = network_of_layout(LAYOUTS[name])
    ours = [int(np.prod(shape)) for shape in parameter_shapes(network.spec)]
    assert ours == [p.stop - p.start for p in network.parameters]
