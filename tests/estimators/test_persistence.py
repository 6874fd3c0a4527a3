"""Pickles, copies and clones of the estimators."""

import copy
import io
import pickle

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning

from skmtl import MultiTaskKerasRegressor
from skmtl.exceptions import InconsistentSkmtlVersionWarning
from skmtl.grouping import TaskGroupingRegressor

from ._cases import ESTIMATORS, SMALL, features, targets_for
from ._process import run_python

X = features()


def by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


WAYS = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "cloudpickle": lambda model: cloudpickle.loads(cloudpickle.dumps(model)),
    "joblib": by_joblib,
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("way", WAYS)
def test_a_copy_predicts_the_same_bits_and_is_independent_of_the_original(kind, way):
    y = targets_for(kind, X)
    model = kind(**{**SMALL, "ensemble_size": 2}, optimizer__clipnorm=1.0).fit(X, y)
    restored = WAYS[way](model)
    expected = pd.DataFrame(model.predict(X))
    pd.testing.assert_frame_equal(pd.DataFrame(restored.predict(X)), expected, check_exact=True)
    assert restored.get_params() == model.get_params()
    assert restored.history_ == model.history_
    model.set_params(epochs=5).fit(X[::-1], y[::-1])
    pd.testing.assert_frame_equal(pd.DataFrame(restored.predict(X)), expected, check_exact=True)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_copy_continues_training_like_the_original(kind):
    y = targets_for(kind, X)
    model = kind(**SMALL, warm_start=True).fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    first, second = (pd.DataFrame(m.fit(X, y).predict(X)) for m in (model, restored))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_a_fitted_estimator_pickles_small():
    model = MultiTaskKerasRegressor(**SMALL).fit(X, targets_for(MultiTaskKerasRegressor, X))
    weights = model.network_.parameters.nbytes
    assert len(pickle.dumps(model)) < weights + 20_000


def test_a_pickle_predicts_in_a_process_that_never_fitted(tmp_path):
    model = MultiTaskKerasRegressor(**{**SMALL, "ensemble_size": 2}).fit(X, targets_for(MultiTaskKerasRegressor, X))
    joblib.dump(model, tmp_path / "model.joblib")
    np.save(tmp_path / "X.npy", X)
    code = (
        "import sys, joblib, numpy as np\n"
        f"model, X = joblib.load({str(tmp_path / 'model.joblib')!r}), np.load({str(tmp_path / 'X.npy')!r})\n"
        f"np.save({str(tmp_path / 'y.npy')!r}, model.predict(X))"
    )
    run_python(code)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model.predict(X))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_clone_has_the_parameters_and_no_fitted_attributes(kind):
    settings = {"optimizer__clipnorm": 1.0, "callbacks__patience": 3, "model__units": 4, "architecture__x": 1}
    model = kind(**SMALL, **settings, loss_weights=[1, 2])
    restored = clone(model)
    assert restored.get_params() == model.get_params()
    assert {name: restored.get_params()[name] for name in settings} == settings
    assert restored.loss_weights is not model.loss_weights
    fitted = kind(**SMALL, optimizer__clipnorm=1.0).fit(X, targets_for(kind, X))
    learnt = [name for name in vars(clone(fitted)) if name.endswith("_")]
    assert learnt == []


def test_a_default_fit_is_unpickled_and_predicts_without_tensorflow(tmp_path):
    """With its blend and the embedding of its columns."""
    model = MultiTaskKerasRegressor(epochs=1, random_state=0).fit(X, targets_for(MultiTaskKerasRegressor, X))
    joblib.dump(model, tmp_path / "model.joblib")
    code = (
        "import sys, joblib, numpy as np\n"
        "model = joblib.load('model.joblib')\n"
        "model.predict(np.zeros((1, 4)))\n"
        "print('tensorflow' in sys.modules)"
    )
    assert run_python(code, cwd=tmp_path) == "False\n"


def pickled_by(version, estimator, monkeypatch):
    monkeypatch.setattr("skmtl._versions.__version__", version)
    data = pickle.dumps(estimator)
    monkeypatch.undo()
    return data


@pytest.mark.parametrize("estimator", [*(kind() for kind in ESTIMATORS), TaskGroupingRegressor()])
def test_a_pickle_of_another_version_warns_and_says_what_to_do(estimator, monkeypatch):
    data = pickled_by("0.0.9", estimator, monkeypatch)
    name = type(estimator).__name__
    with pytest.warns(InconsistentVersionWarning, match=f"{name} was pickled by skmtl 0.0.9.*skmtl.save") as caught:
        restored = pickle.loads(data)
    assert isinstance(caught[0].message, InconsistentSkmtlVersionWarning)
    assert restored.get_params().keys() == estimator.get_params().keys()
    assert sorted(vars(restored)) == sorted(vars(estimator))


def test_a_pickle_without_a_version_is_an_old_one(monkeypatch):
    data = pickled_by("0.1.0", MultiTaskKerasRegressor(), monkeypatch).replace(b"_skmtl_version", b"_other_version")
    with pytest.warns(InconsistentSkmtlVersionWarning, match="0.1.0 or older"):
        pickle.loads(data)
