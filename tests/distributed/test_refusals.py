"""What cannot be honoured, and rows that cannot be read, are refused by name before training begins."""

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
        ({"blend": "all"}, 1, "cannot honour blend='all'"),
        ({"sharing": "auto"}, 1, "cannot honour sharing='auto'"),
        ({"oob_score": True}, 1, "cannot honour oob_score=True"),
        ({"validation_split": 3}, 1, "cannot honour validation_split=3"),
        ({"task_sampling": 0.5}, 1, "cannot honour task_sampling=0.5"),
        ({"callbacks": []}, 1, r"cannot honour callbacks=\[\]"),
        ({"warm_start": True}, 1, "cannot honour warm_start=True"),
        ({"balancing": "mgda"}, 2, "With n_workers=2, balancing='mgda' cannot be honoured"),
        ({"balancing": "gradnorm"}, 2, "balancing='gradnorm' cannot be honoured"),
        ({"model": lambda meta: None}, 2, "With n_workers=2, model="),
        ({"jit_compile": True}, 2, "With n_workers=2, jit_compile=True"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_parameter_that_cannot_be_honoured_is_named(parameters, n_workers, message, folder):
    with pytest.raises(ValueError, match=message):
        fit(MultiTaskKerasRegressor(**parameters), folder, ["y", "z"], n_workers=n_workers)


def test_estimators_of_others_and_fitted_ones_are_refused(folder):
    with pytest.raises(TypeError, match="estimator should be one of MultiTaskKerasRegressor"):
        fit(Ridge(), folder, ["y", "z"])
    fitted = MultiTaskKerasRegressor(hidden_layer_sizes=4, epochs=1, ensemble_size=1).fit(np.eye(30), np.eye(30)[:, :2])
    with pytest.raises(ValueError, match="estimator is fitted already"):
        fit(fitted, folder, ["y", "z"])


def broken(path):
    whole = (path / "part-2.parquet").read_bytes()
    (path / "part-2.parquet").write_bytes(whole[: len(whole) // 2])


def damaged_inside(path):
    whole = bytearray((path / "part-1.parquet").read_bytes())
    whole[40:400] = bytes(360)
    (path / "part-1.parquet").write_bytes(bytes(whole))


def rewritten(path, change):
    name = path / "part-1.parquet"
    pq.write_table(pa.Table.from_pandas(change(pd.read_parquet(name)), preserve_index=False), name)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (broken, r"the file .*part-2\.parquet cannot be read as parquet"),
        (damaged_inside, r"the file .*part-1\.parquet cannot be read"),
        (lambda path: rewritten(path, lambda rows: rows.drop(columns="b")), r"part-1\.parquet has no column 'b'"),
        (
            lambda path: rewritten(path, lambda rows: rows.assign(y=rows.y.astype(str))),
            r"Column 'y' is (large_)?string in the file .*part-1\.parquet, but double in",
        ),
        (
            lambda path: rewritten(path, lambda rows: rows.assign(more=1.0)),
            r"part-1\.parquet has the column 'more', which .* has not",
        ),
        (
            lambda path: rewritten(path, lambda rows: rows.assign(a=np.inf)),
            "infinity in column 'a'",
        ),
    ],
    ids=["cut_off", "damaged", "missing", "other_type", "more", "infinite"],
)
def test_files_that_are_broken_or_differ_are_refused_by_file_and_column(spoil, message, tmp_path):
    path = folder_of(numbers(), tmp_path / "rows")
    spoil(path)
    with pytest.raises(ValueError, match=message):
        fit(MultiTaskKerasRegressor(epochs=1), path, ["y", "z"])


def test_other_columns_do_not_matter_where_those_to_use_are_named(tmp_path):
    path = folder_of(numbers(), tmp_path / "rows")
    rewritten(path, lambda rows: rows.assign(more=1.0))
    fit(MultiTaskKerasRegressor(hidden_layer_sizes=4, ensemble_size=1, epochs=1), path, "y", features=NUMBERS)


def rows_of(**columns):
    return lambda: iter([pd.DataFrame(columns)])


@pytest.mark.parametrize(
    ("data", "arguments", "error", "message"),
    [
        ("nowhere", {}, ValueError, "there is no folder nowhere"),
        ([], {}, TypeError, "data should be a folder of parquet files"),
        (iter([1]), {}, TypeError, "data is an iterator, which can be read once alone"),
        (np.zeros((3, 2)), {}, TypeError, "data should be a folder of parquet files"),
        (lambda: iter([np.zeros(3)]), {}, TypeError, "a chunk should be a table with named columns"),
        (lambda: iter([]), {}, ValueError, "makes no chunk at all"),
        (rows_of(a=[1.0], z=[1.0]), {}, ValueError, "targets: data has no column 'y'. Valid names: 'a', 'z'"),
        (rows_of(y=[1.0]), {}, ValueError, "features: there is no column"),
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
        (rows_of(a=[1.0], y=[1.0]), {"n_workers": 2}, ValueError, "data is a function, which one worker can call"),
        (rows_of(a=[1.0], y=[1.0]), {"n_workers": 0}, ValueError, "n_workers should be a whole number >= 1"),
        (rows_of(a=[1.0], y=[1.0]), {"window": 0}, ValueError, "window should be a number of rows >= 1"),
        (
            rows_of(a=pd.to_datetime(["2020-01-01"]), y=[1.0]),
            {},
            ValueError,
            "X has columns of dates or times",
        ),
    ],
)
def test_what_is_no_data_is_refused(data, arguments, error, message, monkeypatch):
    monkeypatch.setattr("skmtl.distributed._fit._crew", lambda n_workers, *_: _Crew(n_workers))
    with pytest.raises(error, match=message):
        fit(MultiTaskKerasRegressor(epochs=1, early_stopping=False), data, "y", **arguments)


class _Crew:
    """Says how many workers there are, and looks through rows as one."""

    def __init__(self, n_workers):
        self.n_workers = n_workers

    def each(self, work, source):
        return [work(source, 0, source.n_rows)]


def test_chunks_of_other_types_are_refused_by_chunk_and_column():
    def chunks():
        yield pd.DataFrame({"a": [1.0], "y": [1.0]})
        yield pd.DataFrame({"a": ["w"], "y": [1.0]})

    with pytest.raises(ValueError, match=r"Column 'a' is .*string in the chunk 1, but double in chunk 0"):
        fit(MultiTaskKerasRegressor(epochs=1), chunks, "y")


def test_holding_rows_out_of_a_few_is_refused_where_it_is_asked_for():
    frame = numbers(3)
    estimator = MultiTaskKerasRegressor(epochs=1, ensemble_size=1, early_stopping=True)
    with pytest.raises(ValueError, match="early_stopping=True holds 10% of the rows out"):
        fit(estimator, lambda: iter([frame]), ["y", "z"])


def test_a_class_weight_of_no_class_is_refused(tmp_path):
    path = folder_of(table(), tmp_path)
    with pytest.raises(ValueError, match="names the class 'hot'"):
        fit(MultiTaskKerasClassifier(class_weight={"hot": 2.0}), path, "label", features=FEATURES)
