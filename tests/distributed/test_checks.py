"""Unsupported parameters, and data that cannot be read, are refused by name before training begins."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import Ridge

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor
from skmtl.distributed import fit

from ._data import FEATURES, NUMBERS, folder_of, numbers, table


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return folder_of(numbers(), tmp_path_factory.mktemp("rows") / "all")


@pytest.mark.parametrize(
    ("parameters", "n_workers", "message"),
    [
        ({"blend": "all"}, 1, "does not support blend='all'"),
        ({"sharing": "auto"}, 1, "does not support sharing='auto'"),
        ({"oob_score": True}, 1, "does not support oob_score=True"),
        ({"validation_split": 3}, 1, "does not support validation_split=3"),
        ({"task_sampling": 0.5}, 1, "does not support task_sampling=0.5"),
        ({"callbacks": []}, 1, r"does not support callbacks=\[\]"),
        ({"warm_start": True}, 1, "does not support warm_start=True"),
        ({"balancing": "mgda"}, 2, "n_workers=2 does not support balancing='mgda'"),
        ({"balancing": "gradnorm"}, 2, "n_workers=2 does not support balancing='gradnorm'"),
        ({"model": lambda meta: None}, 2, "n_workers=2 does not support model="),
        ({"jit_compile": True}, 2, "n_workers=2 does not support jit_compile=True"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_unsupported_parameter_is_named(parameters, n_workers, message, folder):
    with pytest.raises(ValueError, match=message):
        fit(MultiTaskKerasRegressor(**parameters), folder, ["y", "z"], n_workers=n_workers)


def test_other_estimators_and_fitted_ones_are_refused(folder):
    with pytest.raises(TypeError, match="estimator should be one of MultiTaskKerasRegressor"):
        fit(Ridge(), folder, ["y", "z"])
    fitted = MultiTaskKerasRegressor(hidden_layer_sizes=4, epochs=1, ensemble_size=1).fit(np.eye(30), np.eye(30)[:, :2])
    with pytest.raises(ValueError, match="estimator is already fitted"):
        fit(fitted, folder, ["y", "z"])


def truncate(path):
    content = (path / "part-2.parquet").read_bytes()
    (path / "part-2.parquet").write_bytes(content[: len(content) // 2])


def damage(path):
    content = bytearray((path / "part-1.parquet").read_bytes())
    content[40:400] = bytes(360)
    (path / "part-1.parquet").write_bytes(bytes(content))


def rewrite(path, change):
    name = path / "part-1.parquet"
    pq.write_table(pa.Table.from_pandas(change(pd.read_parquet(name)), preserve_index=False), name)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (truncate, r"the file .*part-2\.parquet cannot be read as parquet"),
        (damage, r"the file .*part-1\.parquet cannot be read"),
        (
            lambda path: rewrite(path, lambda rows: rows.drop(columns="b")),
            r"Column 'b' is in .*, but not in .*part-1\.parquet",
        ),
        (
            lambda path: rewrite(path, lambda rows: rows.assign(y=rows.y.astype(str))),
            r"Column 'y' is (large_)?string in .*part-1\.parquet, but double in",
        ),
        (
            lambda path: rewrite(path, lambda rows: rows.assign(extra=1.0)),
            r"Column 'extra' is in .*part-1\.parquet, but not in",
        ),
        (
            lambda path: rewrite(path, lambda rows: rows.assign(a=np.inf)),
            "infinity in column 'a'",
        ),
    ],
    ids=["truncated", "damaged", "missing", "other_type", "extra", "infinite"],
)
def test_files_that_are_broken_or_differ_are_refused_by_file_and_column(spoil, message, tmp_path):
    path = folder_of(numbers(), tmp_path / "rows")
    spoil(path)
    with pytest.raises(ValueError, match=message):
        fit(MultiTaskKerasRegressor(epochs=1), path, ["y", "z"])


def test_extra_columns_do_not_matter_if_features_are_named(tmp_path):
    path = folder_of(numbers(), tmp_path / "rows")
    rewrite(path, lambda rows: rows.assign(extra=1.0))
    fit(MultiTaskKerasRegressor(hidden_layer_sizes=4, ensemble_size=1, epochs=1), path, "y", features=NUMBERS)


def rows_of(**columns):
    return lambda: iter([pd.DataFrame(columns)])


@pytest.mark.parametrize(
    ("data", "arguments", "error", "message"),
    [
        ("nowhere", {}, ValueError, "there is no file or folder nowhere"),
        ([], {}, TypeError, "data should be a folder of parquet files"),
        (iter([1]), {}, TypeError, "data is an iterator, which can be read only once"),
        (np.zeros((3, 2)), {}, TypeError, "data should be a folder of parquet files"),
        (lambda: iter([np.zeros(3)]), {}, TypeError, "a chunk should be a table with named columns"),
        (lambda: iter([]), {}, ValueError, "the function returned no chunks"),
        (rows_of(a=[1.0], z=[1.0]), {}, ValueError, "targets: data has no column 'y'. Valid names: 'a', 'z'"),
        (rows_of(y=[1.0]), {}, ValueError, "features: no column is left"),
        (rows_of(a=[1.0], y=[1.0]), {"features": ["b"]}, ValueError, "features: data has no column 'b'"),
        (rows_of(a=[1.0], y=[1.0]), {"features": ["a", "y"]}, ValueError, "Column 'y' is named twice"),
        (rows_of(a=[1.0], y=[None]), {}, ValueError, "has no label"),
        (rows_of(a=[1.0], y=["w"]), {}, ValueError, "Task 'y' is a regression, but its labels are not numbers"),
        (
            rows_of(a=[1.0, 2.0], y=[1.0, 2.0], w=[1.0, -1.0]),
            {"sample_weight": "w"},
            ValueError,
            "sample_weight: column 'w' should hold finite numbers >= 0",
        ),
        (rows_of(a=[1.0], y=[1.0]), {"n_workers": 2}, ValueError, "data is a function, which only one worker can call"),
        (rows_of(a=[1.0], y=[1.0]), {"n_workers": 0}, ValueError, "n_workers should be an integer >= 1"),
        (rows_of(a=[1.0], y=[1.0]), {"window": 0}, ValueError, "window should be a number of rows >= 1"),
        (
            rows_of(a=pd.to_datetime(["2020-01-01"]), y=[1.0]),
            {},
            ValueError,
            "X has columns of dates or times",
        ),
    ],
)
def test_invalid_data_is_refused(data, arguments, error, message, monkeypatch):
    monkeypatch.setattr("skmtl.distributed._fit._make_executor", lambda n_workers, *_: _Executor(n_workers))
    with pytest.raises(error, match=message):
        fit(MultiTaskKerasRegressor(epochs=1, early_stopping=False), data, "y", **arguments)


class _Executor:
    """Claims to have several workers, but reads all rows in this process."""

    def __init__(self, n_workers):
        self.n_workers = n_workers

    def map_shards(self, work, source):
        return [work(source, 0, source.n_rows)]


def test_chunks_of_other_types_are_refused_by_chunk_and_column():
    def chunks():
        yield pd.DataFrame({"a": [1.0], "y": [1.0]})
        yield pd.DataFrame({"a": ["w"], "y": [1.0]})

    with pytest.raises(ValueError, match=r"Column 'a' is .*string in chunk 1, but double in chunk 0"):
        fit(MultiTaskKerasRegressor(epochs=1), chunks, "y")


def test_early_stopping_is_refused_with_too_few_rows_to_hold_any_out():
    frame = numbers(3)  # the hash of these rows holds out none with this seed
    estimator = MultiTaskKerasRegressor(epochs=1, ensemble_size=1, early_stopping=True, random_state=3)
    with pytest.raises(ValueError, match="early_stopping=True holds out 10% of the rows"):
        fit(estimator, lambda: iter([frame]), ["y", "z"])


def test_a_class_weight_of_an_unknown_class_is_refused(tmp_path):
    path = folder_of(table(), tmp_path)
    with pytest.raises(ValueError, match="names the class 'hot'"):
        fit(MultiTaskKerasClassifier(class_weight={"hot": 2.0}), path, "label", features=FEATURES)
