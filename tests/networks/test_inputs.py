"""The input stage: embedded columns, for one network and for members side by side, under every sharing scheme."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from skmtl.features import CategoryLevels, FeatureEncoder
from skmtl.networks import (
    CategoryEmbedding,
    InputEncoding,
    Periodic,
    PeriodicEmbedding,
    PiecewiseLinear,
    PiecewiseLinearEmbedding,
    StackedNetwork,
    resolve_numeric_embedding,
)

from ._layouts import COSINES, LAYOUTS, LINEAR, network_of_layout, rows_of
from ._schemes import SCHEMES, by_name, forward, random_parameters, spec_of


def reference(layout, values, rows):
    """Expected input of the first hidden layer, column by column."""
    parts = []
    for i in range(layout.embedded):
        x = rows[:, [i]]
        if layout.positions:
            u = rows[:, [layout.embedded + layout.plain + i]]
            bins = np.clip(u - np.arange(4), 0, 1)
            own = {name: values[f"numeric_embedding/{name}"][i] for name in ("slope", "bias", "kernel")}
            parts.append(x * own["slope"] + own["bias"] + bins @ own["kernel"])
        else:
            names = ("frequency", "phase_bias", "kernel", "bias")
            frequency, phase, kernel, bias = (values[f"numeric_embedding/{name}"][i] for name in names)
            parts.append(np.hstack([x, np.cos(2 * np.pi * frequency * x + phase) @ kernel + bias]))
    parts.append(rows[:, layout.embedded : layout.embedded + layout.plain])
    table = np.vstack([values["categories/table"], np.zeros(8)])
    parts += [table[code] for code in rows[:, layout.n_columns - layout.codes :].astype(int).T]
    return np.hstack(parts)


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("name", LAYOUTS)
def test_the_input_of_the_first_layer_follows_the_formulas(name, members):
    layout = LAYOUTS[name]
    network = network_of_layout(layout, members, hidden_layer_sizes=())
    parameters = random_parameters(network)
    rows = rows_of(layout, members)
    found = forward(network, parameters, rows)
    for member in range(members):
        values = by_name(network, parameters, member)
        seen = reference(layout, values, rows[member])
        np.testing.assert_allclose(
            found[member], seen @ values["heads/kernel"] + values["heads/bias"], rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_takes_embedded_columns_and_keeps_members_apart(scheme):
    pair, alone = (network_of_layout(LINEAR, members, scheme) for members in (2, 1))
    parameters = random_parameters(pair)
    rows = rows_of(LINEAR, 2)
    found = forward(pair, parameters, rows)
    for member in range(2):
        single = forward(alone, parameters[[member]], rows[[member]])
        np.testing.assert_allclose(found[member], single[0], rtol=1e-4, atol=1e-5)


def test_a_piecewise_linear_embedding_starts_as_a_linear_one():
    network = network_of_layout(LINEAR, members=2, hidden_layer_sizes=())
    parameters = network.initial_parameters(0)
    rows = rows_of(LINEAR, 2)
    bent = rows.copy()
    bent[..., 4:6] = 0.0
    np.testing.assert_array_equal(forward(network, parameters, rows), forward(network, parameters, bent))
    assert np.ptp(parameters, axis=0).max() > 0


def test_members_start_from_different_embeddings():
    for layout in (LINEAR, COSINES):
        network = network_of_layout(layout, members=3)
        parameters = network.initial_parameters(0)
        for name in ("categories/table", f"numeric_embedding/{'slope' if layout is LINEAR else 'frequency'}"):
            values = [by_name(network, parameters, member)[name] for member in range(3)]
            assert len({value.tobytes() for value in values}) == 3
    np.testing.assert_array_equal(network.initial_parameters(7), network.initial_parameters(7))


def test_float64_networks_take_embedded_columns():
    single, double = (network_of_layout(LINEAR, dtype=dtype) for dtype in ("float32", "float64"))
    parameters, rows = random_parameters(single), rows_of(LINEAR)
    ours = forward(double, parameters.astype(np.float64), rows.astype(np.float64))
    np.testing.assert_allclose(ours, forward(single, parameters, rows), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("members", [None, 3])
@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (lambda m: PiecewiseLinearEmbedding(3, 4, m), 2),
        (lambda m: PeriodicEmbedding(3, 5, 0.1, m), 1),
        (lambda m: CategoryEmbedding(3, 6, m), 1),
    ],
)
def test_layers_know_their_output_shape_and_are_restored_from_their_configuration(layer, inputs, members):
    ours = layer(members)
    shape = (5, 2) if members is None else (members, 5, 2)
    rows = [np.ones(shape, np.float32)] * inputs
    found = ours(*rows)
    assert tuple(found.shape) == (*shape[:-1], 6)
    assert tuple(ours.compute_output_shape(*[shape] * inputs)) == tuple(found.shape)
    again = keras.layers.deserialize(keras.layers.serialize(ours))
    assert again.get_config() == ours.get_config()
    assert [v.shape for v in ours.initial_values(np.random.default_rng(0))] == [
        tuple(v.shape) for v in ours.trainable_weights
    ]


@pytest.mark.parametrize("scaling", ["standard", "robust", "none"])
@pytest.mark.parametrize("most", [0, 4, None])
@pytest.mark.parametrize("n_bins", [None, 0, 4])
def test_the_encoding_layer_equals_the_encoder(scaling, most, n_bins):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=90), rng.integers(0, 3, 90), rng.exponential(size=90), np.arange(90) % 9])
    X[::10, 2], X[5:9, 1] = np.nan, np.nan
    levels = CategoryLevels((1, 3), tuple(np.array(list("abcdefghi"), dtype=object)[:n] for n in (3, 9)))
    encoder = FeatureEncoder.fit(X, levels=levels, one_hot_max_size=most, n_bins=n_bins, scaling=scaling)
    new = X.copy()
    new[::4, 3], new[::3, 1], new[:5, 0] = -1, np.nan, np.nan
    layer = InputEncoding(**encoder.layer_settings())
    again = InputEncoding.from_config(layer.get_config())
    for table in (X, new):
        expected = encoder.transform(table)
        assert layer.compute_output_shape((None, 4)) == (None, expected.shape[1])
        np.testing.assert_allclose(layer(table.astype(np.float32)), expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(again(table.astype(np.float32)), layer(table.astype(np.float32)))


def test_embeddings_by_name_and_by_instance():
    assert resolve_numeric_embedding("piecewise_linear", {"n_bins": 7}) == PiecewiseLinear(n_bins=7)
    assert resolve_numeric_embedding(Periodic(), {"dim": 3}) == Periodic(dim=3)
    assert resolve_numeric_embedding(None, {}) is None


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        ("piecewise", {}, ValueError, "Unknown numeric_embedding 'piecewise'.*'piecewise_linear'"),
        ("periodic", {"n_bins": 3}, ValueError, r"'periodic' has no option 'n_bins' \(numeric_embedding__n_bins\)"),
        (None, {"n_bins": 3}, ValueError, "numeric_embedding__n_bins given, but numeric_embedding is None"),
        (Periodic, {}, TypeError, r"got .*Pass Periodic\(\)"),
        ("piecewise_linear", {"n_bins": 0}, ValueError, "n_bins should be an integer of at least 1, got 0"),
        ("periodic", {"dim": 1}, ValueError, "dim should be an integer of at least 2"),
        ("periodic", {"frequency_scale": 0}, ValueError, "frequency_scale should be a positive number, got 0"),
    ],
)
def test_invalid_embeddings_raise_an_error(given, options, error, message):
    with pytest.raises(error, match=message):
        resolve_numeric_embedding(given, options)


def test_a_spec_without_layout_has_no_input_stage():
    spec = spec_of(SCHEMES["shared_bottom"])
    assert spec.inputs is None
    assert replace(spec, inputs=None) == spec
    assert [layer.name for layer in StackedNetwork(spec).model.layers[1:]] == ["trunk_0", "trunk_1", "heads"]
