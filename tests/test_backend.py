"""How the backend of Keras is found."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from skmtl import MultiTaskKerasRegressor
from skmtl._backend import check_backend

from .estimators._cases import SMALL


def test_an_imported_keras_on_another_backend_is_refused(monkeypatch):
    stub = SimpleNamespace(config=SimpleNamespace(backend=lambda: "torch"))
    monkeypatch.setitem(sys.modules, "keras", stub)
    model = MultiTaskKerasRegressor(**SMALL)
    with pytest.raises(RuntimeError, match="but the backend of the imported Keras is 'torch'"):
        model.fit(np.eye(5), np.eye(5))
    assert not hasattr(model, "n_features_in_")


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_the_settings_file_is_used_if_no_variable_is_set(monkeypatch, tmp_path, backend):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    check_backend()
    (tmp_path / "keras.json").write_text(json.dumps({"backend": backend}), encoding="utf-8")
    if backend == "tensorflow":
        check_backend()
    else:
        with pytest.raises(RuntimeError, match=r"the backend in .*keras.json is 'jax'"):
            check_backend()
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    check_backend()
