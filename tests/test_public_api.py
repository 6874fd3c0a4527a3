"""The public names of the package and of its subpackages."""

import importlib
import os
import pkgutil

import pytest

import skmtl

from .estimators._process import run_python


def packages():
    """Return the package and every subpackage without a private part in its path."""
    names = [module.name for module in pkgutil.walk_packages(skmtl.__path__, "skmtl.") if module.ispkg]
    return ["skmtl", *sorted(name for name in names if "._" not in name)]


PACKAGES = packages()


def order(name):
    """Order constants, classes and functions, each by name, as ruff requires of __all__."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_the_package_offers_these_names():
    assert skmtl.__all__ == [
        "MultiTaskKerasClassifier",
        "MultiTaskKerasEstimator",
        "MultiTaskKerasRegressor",
        "TrainingDivergedError",
        "combine_task_datasets",
        "load",
        "save",
        "to_onnx",
    ]
    assert set(skmtl.__all__) <= set(dir(skmtl))


@pytest.mark.parametrize("name", PACKAGES)
def test_all_is_sorted_without_repeats_and_resolves(name):
    module = importlib.import_module(name)
    assert list(module.__all__) == sorted(set(module.__all__), key=order)
    for public in module.__all__:
        assert getattr(module, public) is not None


@pytest.mark.parametrize("name", PACKAGES)
def test_a_star_import_gives_the_public_names(name):
    namespace = {}
    exec(f"from {name} import *", namespace)
    assert set(importlib.import_module(name).__all__) <= set(namespace)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'skmtl' has no attribute 'Nonsense'"):
        _ = skmtl.Nonsense


IN_CHILDREN = """
import os, traceback
import keras, pandas, scipy.stats, sklearn.model_selection, tensorflow  # once, since they take long
for name in {names}:
    child = os.fork()
    if child == 0:
        try:
            __import__(name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        print(name)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a process for each package")
def test_every_package_can_be_the_first_of_skmtl_that_a_process_imports():
    assert run_python(IN_CHILDREN.replace("{names}", repr(PACKAGES))) == ""
