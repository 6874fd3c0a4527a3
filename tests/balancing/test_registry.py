"""Registry of the methods."""

from __future__ import annotations

import subprocess
import sys

import pytest

from skmtl import balancing
from skmtl.balancing import CAGrad, Equal

from ._cases import METHODS


def test_all_methods_are_listed() -> None:
    assert balancing.names() == METHODS


@pytest.mark.parametrize("name", METHODS)
def test_a_name_gives_an_instance_whose_class_is_public(name: str) -> None:
    method = balancing.get(name)
    assert getattr(balancing, type(method).__name__) is type(method)
    assert type(method).__name__ in balancing.__all__


def test_every_public_name_resolves() -> None:
    for name in balancing.__all__:
        assert getattr(balancing, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nope'"):
        _ = balancing.Nope


def test_constants_are_set_on_a_named_method() -> None:
    options = {"c": 0.3, "rescale": "none", "gradients_of": "representation"}
    assert balancing.get("cagrad", **options).get_params() == options


def test_an_instance_is_copied_and_not_modified() -> None:
    mine = CAGrad(c=0.2)
    assert balancing.get(mine, c=0.9).c == 0.9
    assert mine.c == 0.2
    assert balancing.get(mine) is not mine


@pytest.mark.parametrize(
    ("wrong", "right"), [("pcgard", "pcgrad"), ("CAGrad", "cagrad"), ("uncertainity", "uncertainty")]
)
def test_a_misspelt_name_gets_a_suggestion(wrong: str, right: str) -> None:
    with pytest.raises(ValueError, match=rf"Unknown balancing method '{wrong}'\. Did you mean '{right}'\?"):
        balancing.get(wrong)


def test_a_wrong_parameter_gets_a_suggestion() -> None:
    with pytest.raises(ValueError, match=r"DWA has no parameter 'temprature'\. Did you mean 'temperature'\?"):
        balancing.get("dwa", temprature=1.0)
    with pytest.raises(ValueError, match="Equal has no parameter 'c'"):
        balancing.get("equal", c=1.0)


@pytest.mark.parametrize("wrong", [None, 3, Equal])
def test_other_types_raise_an_error(wrong: object) -> None:
    with pytest.raises(TypeError, match="name of a method or an instance"):
        balancing.get(wrong)


@pytest.mark.parametrize(
    ("name", "constants"),
    [("cagrad", {"rescale": "cubic"}), ("dwa", {"temperature": 0.0}), ("dwa", {"temperature": "hot"})],
)
def test_parameters_out_of_bounds_raise_an_error(name: str, constants: dict) -> None:
    with pytest.raises(ValueError, match="parameter of"):
        balancing.get(name, **constants)


def test_listing_names_does_not_import_tensorflow() -> None:
    code = "import sys; from skmtl import balancing; balancing.names(); assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
