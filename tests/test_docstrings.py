"""Public docstrings are complete, valid numpydoc, and consistent with the signatures."""

import importlib
import inspect
import re

import numpy as np
import pandas as pd
import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc
from numpydoc.validate import validate

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor

from .estimators._cases import SMALL, features, targets_for
from .test_public_api import PACKAGES

ESTIMATORS = [MultiTaskKerasRegressor, MultiTaskKerasClassifier, MultiTaskKerasEstimator]
# The packages that users import from; the others are internal.
FOR_USERS = [
    "skmtl",
    "skmtl.datasets",
    "skmtl.grouping",
    "skmtl.inspection",
    "skmtl.metrics",
    "skmtl.model_selection",
    "skmtl.scikeras",
]

# numpydoc checks that we skip, as scikit-learn does: no extended summary, no "See Also" and no
# example for each method; "self : estimator" among the returns. SS05 takes plural nouns for verbs.
LEFT_OUT = {"ES01", "SA01", "EX01", "RT02", "SS05"}


def resolve(dotted):
    package = max((name for name in PACKAGES if dotted.startswith(f"{name}.")), key=len)
    value = importlib.import_module(package)
    for part in dotted[len(package) + 1 :].split("."):
        value = getattr(value, part)
    return value


def public_objects(packages, methods):
    """Return dotted names of public classes and functions, with the public methods that classes define themselves."""
    found = set()
    for package in packages:
        module = importlib.import_module(package)
        for name in module.__all__:
            value = getattr(module, name)
            if not (inspect.isclass(value) or inspect.isfunction(value)):
                continue
            found.add(f"{package}.{name}")
            for method, function in vars(value).items() if methods and inspect.isclass(value) else ():
                if not method.startswith("_") and inspect.isfunction(function):
                    found.add(f"{package}.{name}.{method}")
    return sorted(found)


def inherited_methods():
    """Return the methods that the estimators inherit from their common base."""
    names = ("fit", "predict", "score", "score_tasks", "get_params", "set_params", "set_callbacks")
    return [f"skmtl.{kind.__name__}.{name}" for kind in ESTIMATORS for name in names]


FULLY_DOCUMENTED = sorted({*public_objects(FOR_USERS, methods=True), *inherited_methods()})
CLASSES_AND_FUNCTIONS = public_objects(PACKAGES, methods=False)


def is_intended(error, value):
    """Return whether an error is intended."""
    # **routed is documented, but left out of the signature that tools are shown.
    if error == ("PR02", "Unknown parameters {'**routed'}"):
        return True
    # A record that functions return has attributes; no user calls its constructor.
    return error[0] == "PR01" and inspect.isclass(value) and bool(ClassDoc(value)["Attributes"])


@pytest.mark.parametrize("dotted", FULLY_DOCUMENTED)
def test_numpydoc_finds_nothing(dotted):
    errors = [error for error in map(tuple, validate(dotted)["errors"]) if error[0] not in LEFT_OUT]
    assert [error for error in errors if not is_intended(error, resolve(dotted))] == []


def parameters_of(value):
    """Return documented parameters without star arguments: name to (type, whether it has its own entry)."""
    doc = ClassDoc(value) if inspect.isclass(value) else FunctionDoc(value)
    entries = [(name, (p.type, p.name == name)) for p in doc["Parameters"] for name in p.name.split(", ")]
    return {name: entry for name, entry in entries if not name.startswith("*")}


def signature_of(value):
    parameters = inspect.signature(value).parameters.values()
    return {
        p.name: p.default for p in parameters if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }


@pytest.mark.parametrize("dotted", sorted({*CLASSES_AND_FUNCTIONS, *FULLY_DOCUMENTED}))
def test_documented_parameters_and_defaults_are_those_of_the_signature(dotted):
    value = resolve(dotted)
    documented = parameters_of(value)
    if not documented:
        assert value.__doc__
        return
    signature = signature_of(value)
    assert list(documented) == list(signature)
    for name, default in signature.items():
        text, alone = documented[name]
        stated = re.search(r"default=(.+)$", text)
        if alone or stated:
            assert (default is inspect.Parameter.empty) == (stated is None), name
        if stated:
            given = eval(stated.group(1), {"__builtins__": {}, "nan": np.nan})
            assert given == default or (given is np.nan and np.isnan(default)), name


def test_the_estimators_describe_shared_parameters_and_attributes_alike():
    for section in ("Parameters", "Attributes"):
        texts = {}
        for kind in ESTIMATORS:
            for entry in ClassDoc(kind)[section]:
                texts.setdefault(entry.name, set()).add((entry.type, "\n".join(entry.desc)))
        # Those of the mixed estimator are None for a regression.
        assert [name for name, variants in texts.items() if len(variants) > 1 and name != "classes_"] == []


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_documented_attributes_exist_after_fit_and_none_before(kind):
    documented = [name for entry in ClassDoc(kind)["Attributes"] for name in entry.name.split(", ")]
    # Some attributes exist only with balancing on gradients, with a blend, or if rows come in groups.
    settings = {**SMALL, "balancing": "pcgrad", "blend": ["network", "laplacian"], "early_stopping": True}
    if "decision" in inspect.signature(kind).parameters:
        settings["decision"] = "balanced_accuracy"
    model, X = kind(**settings), np.repeat(features(), 8, axis=0)
    assert not any(hasattr(model, name) for name in documented if name not in ("model_", "classes_"))
    model.fit(pd.DataFrame(X, columns=list("abcd")), targets_for(kind, X))
    assert [name for name in documented if not hasattr(model, name)] == []


@pytest.mark.parametrize("name", PACKAGES)
def test_every_package_says_what_it_is(name):
    assert importlib.import_module(name).__doc__
