"""The schemes' networks follow their formulas, with and without members, in both precisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from skmtl.networks import StackedNetwork, architecture_names

from ._references import REPRESENTATIONS, raw_outputs
from ._schemes import ALIKE, SCHEMES, by_name, forward, random_parameters, rows_for, spec_of

NETWORKS: dict[str, dict[str, Any]] = {
    "mixed tasks": {},
    "tasks alike, towers": {"heads": ALIKE, "head_layer_sizes": (3, 2)},
    "mixed tasks, towers, three hidden layers": {"hidden_layer_sizes": (6, 5, 4), "head_layer_sizes": (3,)},
    "one task": {"heads": ALIKE[:1]},
}


@pytest.fixture(params=NETWORKS)
def changes(request: pytest.FixtureRequest) -> dict[str, Any]:
    return NETWORKS[request.param]


def layout(network: StackedNetwork) -> list[tuple[str, int, int, bool]]:
    return [(p.name, p.start, p.stop, p.shared) for p in network.parameters]


def test_every_scheme_has_a_formula_and_cases() -> None:
    assert set(REPRESENTATIONS) == set(architecture_names()) == {scheme.name for scheme in SCHEMES.values()}


@pytest.mark.parametrize("name", SCHEMES)
def test_a_network_computes_its_scheme_s_formula(name: str, changes: dict[str, Any]) -> None:
    network = StackedNetwork(spec_of(SCHEMES[name], dtype="float64", **changes))
    parameters, rows = random_parameters(network), rows_for(network)
    expected = raw_outputs(by_name(network, parameters), rows[0], network.spec)
    np.testing.assert_allclose(forward(network, parameters, rows)[0], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SCHEMES)
def test_members_side_by_side_equal_separate_networks(name: str, changes: dict[str, Any], dtype: str) -> None:
    several = StackedNetwork(spec_of(SCHEMES[name], members=3, dtype=dtype, **changes))
    alone = StackedNetwork(replace(several.spec, members=1))
    assert layout(several) == layout(alone)
    parameters, rows = random_parameters(several), rows_for(several)
    together = forward(several, parameters, rows)
    for member in range(3):
        one = slice(member, member + 1)
        single = forward(alone, parameters[one], rows[one])
        np.testing.assert_allclose(together[one], single, rtol=2e-4 if dtype == "float32" else 1e-9, atol=2e-6)


@pytest.mark.parametrize("name", SCHEMES)
def test_both_precisions_compute_the_same_from_the_same_parameters(name: str, changes: dict[str, Any]) -> None:
    single = StackedNetwork(spec_of(SCHEMES[name], dropout=True, **changes))
    double = StackedNetwork(replace(single.spec, dtype="float64"))
    assert layout(single) == layout(double)
    parameters, rows = random_parameters(single), rows_for(single)
    exact = forward(double, parameters.astype("float64"), rows.astype("float64"))
    np.testing.assert_allclose(forward(single, parameters, rows), exact, rtol=2e-4, atol=2e-6)
