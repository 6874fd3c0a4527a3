"""Joint predictions: known labels, regions and draws."""

import pickle
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmtl
from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.metrics import energy_score, joint_coverage, mean_region_width

from ._cases import LEARNING

# Out-of-fold errors of all rows in a twentieth of a second.
SETTINGS = {**LEARNING, "epochs": 15, "ensemble_size": 4, "blend": None, "oob_score": True}
N = 240


def rows(seed=26):
    """Return features and three quantities with correlated errors, the third negatively."""
    rng = np.random.default_rng(seed)
    X, shared = rng.normal(size=(N, 3)), rng.normal(size=(N, 1))
    noise = shared * [1.0, 1.0, -1.0] + 0.4 * rng.normal(size=(N, 3))
    y = np.column_stack([X[:, 0], X[:, 1], X[:, 0] - X[:, 1]]) + noise
    return X, pd.DataFrame(y * [1.0, 100.0, 1e-3], columns=["length", "mass", "time"])


def mixed_rows(seed=26):
    """Return the same rows with classes instead of two of the quantities."""
    X, y = rows(seed)
    size = np.array(["low", "medium", "high"], dtype=object)[np.digitize(y["mass"], [-70, 70])]
    return X, pd.DataFrame({"length": y["length"], "size": size, "sold": y["time"] > 0})


@cache
def regressor():
    X, y = rows()
    return MultiTaskKerasRegressor(**SETTINGS).fit(X, y.mask(np.random.default_rng(1).random(y.shape) < 0.1))


@cache
def mixed():
    return MultiTaskKerasEstimator(**SETTINGS).fit(*mixed_rows())


@cache
def classifier():
    X, y = mixed_rows()
    return MultiTaskKerasClassifier(**SETTINGS).fit(X, y[["size", "sold"]])


@cache
def lone():
    X, y = rows()
    return MultiTaskKerasRegressor(**SETTINGS).fit(X, y["length"].to_numpy())


X_NEW, Y_NEW = rows(seed=7)
_, MIXED_NEW = mixed_rows(seed=7)
NOTHING = Y_NEW.mask(np.ones(Y_NEW.shape, bool))


def rmse(found, truth):
    return np.sqrt(np.mean((np.asarray(found, float) - np.asarray(truth, float)) ** 2, axis=0))


def test_rows_without_known_labels_get_the_same_bits_as_predict():
    known = Y_NEW.copy()
    known.iloc[::2] = np.nan
    without, given = regressor().predict(X_NEW), regressor().predict(X_NEW, known=known)
    np.testing.assert_array_equal(given[::2], without[::2])
    np.testing.assert_array_equal(regressor().predict(X_NEW, known=NOTHING), without)
    nothing = MIXED_NEW.astype(object).mask(np.ones(MIXED_NEW.shape, bool))
    np.testing.assert_array_equal(mixed().predict(X_NEW, known=nothing), mixed().predict(X_NEW))
    for one, other in zip(mixed().predict_proba(X_NEW, known=nothing), mixed().predict_proba(X_NEW), strict=True):
        np.testing.assert_array_equal(one, other)


def test_known_labels_come_back_exactly():
    known = Y_NEW.mask(np.random.default_rng(0).random(Y_NEW.shape) < 0.5)
    found, there = regressor().predict(X_NEW, known=known), known.notna().to_numpy()
    np.testing.assert_array_equal(found[there], known.to_numpy()[there])
    assert np.isfinite(found).all()
    found = mixed().predict(X_NEW, known=MIXED_NEW)
    pd.testing.assert_frame_equal(found, MIXED_NEW, check_dtype=False)


@pytest.mark.parametrize("task", ["length", "mass", "time"])
def test_known_labels_of_other_tasks_reduce_the_error(task):
    asked = list(Y_NEW).index(task)
    found = regressor().predict(X_NEW, known=Y_NEW.assign(**{task: np.nan}))[:, asked]
    plain = regressor().predict(X_NEW)[:, asked]
    assert rmse(found, Y_NEW[task]) < 0.7 * rmse(plain, Y_NEW[task])


def test_known_classes_inform_quantities_and_vice_versa():
    model = mixed()
    found = model.predict(X_NEW, known=MIXED_NEW[["size", "sold"]])["length"]
    assert rmse(found, MIXED_NEW["length"]) < 0.95 * rmse(model.predict(X_NEW)["length"], MIXED_NEW["length"])
    plain, given = model.predict_proba(X_NEW), model.predict_proba(X_NEW, known=MIXED_NEW[["length"]])
    for task, name in [(1, "size"), (2, "sold")]:
        code = np.searchsorted(model.classes_[task], MIXED_NEW[name])
        before, after = plain[task][np.arange(N), code], given[task][np.arange(N), code]
        assert np.log(after).mean() > np.log(before).mean()
        np.testing.assert_allclose(given[task].sum(axis=1), 1)
    sure = classifier().predict_proba(X_NEW, known=MIXED_NEW[["size"]])[0]
    np.testing.assert_array_equal(sure.max(axis=1), 1.0)
    assert (classifier().classes_[0][sure.argmax(axis=1)] == MIXED_NEW["size"]).all()


def test_a_table_by_names_may_leave_columns_out_and_change_their_order():
    complete = Y_NEW.assign(length=np.nan)
    expected = regressor().predict(X_NEW, known=complete)
    np.testing.assert_array_equal(regressor().predict(X_NEW, known=Y_NEW[["time", "mass"]]), expected)
    np.testing.assert_array_equal(regressor().predict(X_NEW, known=complete.to_numpy()), expected)
    np.testing.assert_array_equal(regressor().predict(X_NEW, known=dict(Y_NEW[["mass", "time"]])), expected)


def test_pipelines_pass_known_labels_on():
    pipeline = make_pipeline(StandardScaler(), MultiTaskKerasRegressor(**SETTINGS)).fit(*rows())
    scaled = pipeline[:-1].transform(X_NEW)
    known = Y_NEW[["mass"]]
    np.testing.assert_array_equal(pipeline.predict(X_NEW, known=known), pipeline[-1].predict(scaled, known=known))


def test_known_labels_of_other_libraries_tables():
    polars = pytest.importorskip("polars")
    table = polars.from_pandas(Y_NEW[["mass"]])
    np.testing.assert_array_equal(
        regressor().predict(X_NEW, known=table), regressor().predict(X_NEW, known=Y_NEW[["mass"]])
    )
    gaps = polars.from_pandas(Y_NEW.mask(Y_NEW > 0))
    assert regressor().impute_targets(X_NEW, gaps).notna().all(axis=None)
    assert regressor().predict_region(X_NEW).contains(gaps).mean() > 0.7


def test_invalid_known_labels_are_refused():
    with pytest.raises(ValueError, match=r"column 'mas'.*mass"):
        regressor().predict(X_NEW, known=Y_NEW.rename(columns={"mass": "mas"}))
    with pytest.raises(ValueError, match="239"):
        regressor().predict(X_NEW, known=Y_NEW.iloc[1:])
    with pytest.raises(ValueError, match="known has 2 columns, but there are 3 tasks"):
        regressor().predict(X_NEW, known=Y_NEW.to_numpy()[:, :2])
    with pytest.raises(ValueError, match="huge"):
        mixed().predict(X_NEW, known=MIXED_NEW.assign(size="huge"))
    with pytest.raises(ValueError, match="time"):
        regressor().predict(X_NEW, known=Y_NEW.assign(time=np.inf))


def test_one_target_alone_is_known_or_not():
    model, y = lone(), Y_NEW["length"].to_numpy().copy()
    y[::2] = np.nan
    found, plain = model.predict(X_NEW, known=y), model.predict(X_NEW)
    np.testing.assert_array_equal(found, np.where(np.isnan(y), plain, y))
    np.testing.assert_array_equal(model.impute_targets(X_NEW, y), found)
    assert model.sample_y(X_NEW, 5, random_state=0).shape == (N, 5)
    inside = model.predict_region(X_NEW).contains(Y_NEW["length"].to_numpy())
    assert inside.mean() == pytest.approx(0.9, abs=0.07)
    assert model.residual_correlation_.shape == (1, 1)


def test_intervals_and_deviations_given_known_labels_are_narrower_and_of_the_right_size():
    model, known = regressor(), Y_NEW.assign(mass=np.nan)
    wide, narrow = model.predict_interval(X_NEW), model.predict_interval(X_NEW, known=known)
    np.testing.assert_array_equal(narrow[:, 0, 0], Y_NEW["length"])
    np.testing.assert_array_equal(narrow[:, 2, 1], Y_NEW["time"])
    assert (np.diff(narrow[:, 1]) < 0.8 * np.diff(wide[:, 1])).all()
    inside = (narrow[:, 1, 0] <= Y_NEW["mass"]) & (Y_NEW["mass"] <= narrow[:, 1, 1])
    assert inside.mean() == pytest.approx(0.9, abs=0.07)
    predicted, deviation = model.predict(X_NEW, return_std=True, known=known)
    np.testing.assert_array_equal(predicted, model.predict(X_NEW, known=known))
    assert deviation[:, [0, 2]].tolist() == [[0.0, 0.0]] * N
    assert rmse(predicted[:, 1], Y_NEW["mass"]) == pytest.approx(deviation[0, 1], rel=0.2)


@pytest.mark.parametrize("shape", ["box", "ellipsoid"])
def test_regions_cover_new_rows_at_the_nominal_rate(shape):
    region = regressor().predict_region(X_NEW, 0.8, shape=shape)
    assert region.contains(Y_NEW).mean() == pytest.approx(0.8, abs=0.1)
    assert (region.contains(Y_NEW.assign(time=np.nan)) >= region.contains(Y_NEW)).all()
    assert region.contains(NOTHING).all()
    assert not region.contains(Y_NEW + [100.0, 0.0, 0.0]).any()
    assert (region.mean_width() > 0).all()


def test_an_ellipsoid_is_smaller_than_a_box_if_errors_are_correlated():
    box, ellipsoid = (regressor().predict_region(X_NEW, shape=shape) for shape in ("box", "ellipsoid"))
    assert (ellipsoid.volume() < 0.7 * box.volume()).all()
    np.testing.assert_allclose(box.volume(), np.prod(np.diff(box.intervals, axis=2)[..., 0], axis=1))
    np.testing.assert_allclose(ellipsoid.mean_width() ** 3, ellipsoid.volume())
    axis = np.linalg.eigvalsh(ellipsoid.matrix[0])
    assert ellipsoid.volume()[0] == pytest.approx(4 / 3 * np.pi * np.sqrt(axis.prod()))


def test_metrics_accept_regions_and_draws():
    region = regressor().predict_region(X_NEW, tasks=["mass", "time"])
    y = Y_NEW.mask(np.random.default_rng(0).random(Y_NEW.shape) < 0.3)
    labelled = y[["mass", "time"]].notna().any(axis=1)
    assert joint_coverage(y, region) == pytest.approx(region.contains(y)[labelled].mean())
    assert joint_coverage(y[["mass", "time"]], region) == joint_coverage(y, region)
    assert mean_region_width(region) == pytest.approx(region.mean_width().mean())
    assert mean_region_width(region.intervals) == pytest.approx(region.mean_width().mean())
    assert joint_coverage(MIXED_NEW, mixed().predict_region(X_NEW)) == pytest.approx(0.9, abs=0.07)
    draws, scale = regressor().sample_y(X_NEW, 40, random_state=0), Y_NEW.std()
    apart = np.stack(
        [np.random.default_rng(task).permuted(part, axis=1) for task, part in enumerate(draws.swapaxes(0, 1))], axis=1
    )
    assert energy_score(y, draws, scale=scale) < energy_score(y, apart, scale=scale)


def test_regions_of_some_tasks_by_name_or_position():
    by_name = regressor().predict_region(X_NEW, tasks=["time", "length"])
    by_place = regressor().predict_region(X_NEW, tasks=[0, 2])
    np.testing.assert_array_equal(by_name.intervals, by_place.intervals)
    assert by_name.task_names == ["length", "time"]
    inside = by_name.contains(Y_NEW)
    assert inside.mean() == pytest.approx(0.9, abs=0.07)
    np.testing.assert_array_equal(by_name.contains(Y_NEW[["length", "time"]]), inside)
    np.testing.assert_array_equal(by_name.contains(Y_NEW[["time", "length"]]), inside)
    np.testing.assert_array_equal(by_name.contains(Y_NEW[["length", "time"]].to_numpy()), inside)
    alone = regressor().predict_region(X_NEW, tasks="mass", shape="ellipsoid")
    assert list(alone.to_frame()) == [("mass", "lower"), ("mass", "upper")]
    for tasks, message in [(["weight"], "weight"), ([3], "position 3"), ([], "one task"), ([0, "length"], "once")]:
        with pytest.raises(ValueError, match=message):
            regressor().predict_region(X_NEW, tasks=tasks)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": "elipsoid"}, "ellipsoid"),
        ({"coverage": 1.0}, "coverage"),
        ({"coverage": np.nan}, "coverage"),
        ({"coverage": "90%"}, "coverage"),
    ],
)
def test_invalid_regions_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        regressor().predict_region(X_NEW, **arguments)


@pytest.mark.parametrize("number", [0, -1, 2.5, "3", True])
def test_invalid_numbers_of_draws_are_refused(number):
    with pytest.raises(ValueError, match="n_samples"):
        regressor().sample_y(X_NEW, number)


def test_regions_of_classes_are_sets_of_labels():
    region = mixed().predict_region(X_NEW)
    assert region.contains(MIXED_NEW).mean() == pytest.approx(0.9, abs=0.07)
    for place, proba in enumerate(mixed().predict_proba(X_NEW)):
        if proba is None:
            assert region.label_sets[place] is None
            continue
        best = mixed().classes_[place][proba.argmax(axis=1)]
        assert [labels[0] for labels in region.label_sets[place]] == best.tolist()
    assert list(region.to_frame()) == [("length", "lower"), ("length", "upper")]
    with pytest.raises(ValueError, match=r"\['size', 'sold'\].*tasks="):
        mixed().predict_region(X_NEW, shape="ellipsoid")
    assert mixed().predict_region(X_NEW, shape="ellipsoid", tasks=["length"]).matrix.shape == (N, 1, 1)


def test_classes_alone_have_no_width():
    region = classifier().predict_region(X_NEW)
    assert region.contains(MIXED_NEW[["size", "sold"]]).mean() == pytest.approx(0.9, abs=0.07)
    assert region.to_frame().shape == (N, 0)
    np.testing.assert_array_equal(region.volume(), 1.0)


def test_draws_depend_on_the_seed_and_preserve_correlation():
    draws = regressor().sample_y(X_NEW, 200, random_state=3)
    assert draws.shape == (N, 3, 200)
    np.testing.assert_array_equal(regressor().sample_y(X_NEW, 200, random_state=3), draws)
    assert (regressor().sample_y(X_NEW, 200, random_state=4) != draws).any()
    centred = draws - draws.mean(axis=2, keepdims=True)
    pooled = centred.transpose(0, 2, 1).reshape(-1, 3)
    correlation = np.corrcoef(pooled.T)
    np.testing.assert_allclose(correlation, regressor().residual_correlation_, atol=0.1)


def test_marginals_of_draws_agree_with_the_intervals():
    draws = regressor().sample_y(X_NEW[:20], 4000, random_state=0)
    ends = regressor().predict_interval(X_NEW[:20], 0.8)
    for end, share in enumerate([0.1, 0.9]):
        below = (draws <= ends[..., end, None]).mean(axis=2)
        np.testing.assert_allclose(below, share, atol=0.04)


def test_draws_of_mixed_tasks_have_labels_of_their_types_with_their_probabilities():
    draws = mixed().sample_y(X_NEW[:20], 500, random_state=0)
    assert draws.shape == (20, 3, 500)
    assert isinstance(draws[0, 0, 0], float) and isinstance(draws[0, 1, 0], str) and isinstance(draws[0, 2, 0], bool)
    for task in (1, 2):
        classes, proba = mixed().classes_[task], mixed().predict_proba(X_NEW[:20])[task]
        shares = (draws[:, task, :, None] == classes).mean(axis=1)
        assert np.abs(shares - proba).mean() < 0.04
    sold, length = (draws[:, task].astype(float) - draws[:, task].mean(axis=1, keepdims=True) for task in (2, 0))
    expected = mixed().residual_correlation_.loc["length", "sold"]
    assert np.corrcoef(length.ravel().astype(float), sold.ravel().astype(float))[0, 1] == pytest.approx(
        expected, abs=0.1
    )


def test_missing_labels_are_filled_and_others_stay():
    X, y = mixed_rows(seed=7)
    table = pd.DataFrame(
        {
            "length": y["length"].mask(y.index % 3 == 0),
            "size": y["size"].astype("category").mask(y.index % 4 == 0),
            "sold": y["sold"].astype("boolean").mask(y.index % 5 == 0),
        }
    ).set_index(np.array([f"row {i}" for i in y.index]))
    before = table.copy(deep=True)
    filled = mixed().impute_targets(X, table)
    pd.testing.assert_frame_equal(table, before)
    assert filled.dtypes.tolist() == table.dtypes.tolist() and filled.notna().all(axis=None)
    pd.testing.assert_index_equal(filled.index, table.index)
    pd.testing.assert_frame_equal(filled.where(table.notna()), table)
    expected = mixed().predict(X, known=table)
    assert filled.to_numpy(dtype=object).tolist() == expected.to_numpy(dtype=object).tolist()
    pd.testing.assert_frame_equal(mixed().impute_targets(X, y), y)
    as_array = mixed().impute_targets(X, table.to_numpy(dtype=object))
    assert as_array.tolist() == expected.to_numpy(dtype=object).tolist()


def test_a_column_of_whole_numbers_becomes_one_of_floats_if_it_gets_predictions():
    complete = pd.DataFrame(
        {"length": Y_NEW["length"].round().astype("Int64"), "mass": Y_NEW["mass"].round().astype(int)}
    )
    gaps = complete.assign(time=Y_NEW["time"].astype(object))
    gaps.loc[::2, "length"] = pd.NA
    gaps.loc[::3, "time"] = None
    filled = regressor().impute_targets(X_NEW, gaps)
    assert filled.dtypes.astype(str).tolist() == ["Float64", "int64", "object"]
    assert filled.notna().all(axis=None)


def test_a_filled_column_keeps_its_type():
    gaps = Y_NEW.mask(Y_NEW > 0).astype("float32")
    assert set(regressor().impute_targets(X_NEW, gaps).dtypes.astype(str)) == {"float32"}
    assert regressor().impute_targets(X_NEW, gaps.to_numpy()).dtype == np.float32
    arrow = regressor().impute_targets(X_NEW, gaps.round().astype("int64[pyarrow]"))
    assert set(arrow.dtypes.astype(str)) == {"double[pyarrow]"} and arrow.notna().all(axis=None)
    sizes = MIXED_NEW.assign(size=MIXED_NEW["size"].mask(MIXED_NEW["size"] != "low").astype("category"))
    filled = mixed().impute_targets(X_NEW, sizes)["size"]
    assert filled.notna().all() and set(filled.cat.categories) >= set(filled.unique())
    series = pd.Series(Y_NEW["length"].mask(Y_NEW["length"] > 0), name="length")
    filled = lone().impute_targets(X_NEW, series)
    assert filled.name == "length" and filled.notna().all()
    pd.testing.assert_series_equal(filled[series.notna()], series.dropna())


@pytest.mark.parametrize(
    "ask",
    [
        lambda model: model.predict(X_NEW, known=Y_NEW),
        lambda model: model.predict(X_NEW, return_std=True, known=Y_NEW),
        lambda model: model.predict_interval(X_NEW, known=Y_NEW),
        lambda model: model.impute_targets(X_NEW, NOTHING),
        lambda model: model.predict_region(X_NEW),
        lambda model: model.sample_y(X_NEW),
        lambda model: model.residual_correlation_,
    ],
)
def test_joint_predictions_need_out_of_fold_errors(ask):
    model = MultiTaskKerasRegressor(**{**SETTINGS, "oob_score": False, "epochs": 1}).fit(*rows())
    with pytest.raises(AttributeError, match="oob_score=True, or with blend"):
        ask(model)
    with pytest.raises(ValueError, match="not fitted"):
        ask(MultiTaskKerasRegressor())


@pytest.mark.parametrize("model", [regressor, mixed, classifier, lone], ids=["regressor", "mixed", "classifier", "1-D"])
def test_pickled_and_saved_estimators_predict_the_same(model, tmp_path):
    skmtl.save(model(), tmp_path / "model.skmtl")
    for other in (pickle.loads(pickle.dumps(model())), skmtl.load(tmp_path / "model.skmtl")):
        first, second = model().predict_region(X_NEW), other.predict_region(X_NEW)
        np.testing.assert_array_equal(first.intervals, second.intervals)
        assert str(first.label_sets) == str(second.label_sets)
        np.testing.assert_array_equal(
            model().sample_y(X_NEW, 3, random_state=0), other.sample_y(X_NEW, 3, random_state=0)
        )
        pd.testing.assert_frame_equal(model().residual_correlation_, other.residual_correlation_)


def test_a_region_is_pickled_with_what_it_needs():
    region = regressor().predict_region(X_NEW, shape="ellipsoid")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(region)).contains(Y_NEW), region.contains(Y_NEW))


def test_a_degenerate_table_stays_finite():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5))
    y = X @ rng.normal(size=(5, 16)) + rng.normal(size=(300, 1)) + rng.normal(size=(300, 16))
    y[:, 3], y[:, 8] = 7.0, y[:, 2]
    y[::2, 5] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MultiTaskKerasRegressor(**SETTINGS).fit(X, y)
        known = y.copy()
        known[:, :4] = np.nan
        found = model.predict(X, known=known)
        draws = model.sample_y(X, 10, random_state=0)
        regions = [model.predict_region(X, shape=shape) for shape in ("box", "ellipsoid")]
        intervals = model.predict_interval(X, known=known)
    for values in (found, draws, intervals, model.residual_correlation_, *(region.intervals for region in regions)):
        assert np.isfinite(np.asarray(values)).all()
    assert (draws[:, 3] == 7.0).all() and (found[:, 3] == 7.0).all()
    np.testing.assert_allclose(found[:, 2], y[:, 8], atol=0.2 * y[:, 8].std())
    for region in regions:
        assert 0.85 < region.contains(y).mean() < 0.99
        assert np.isfinite(region.mean_width()).all()
    assert next(iter(model.residual_correlation_)) == "y0"
