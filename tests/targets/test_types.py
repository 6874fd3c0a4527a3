"""Round trips of column dtypes through plain fields."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from skmtl.targets import ColumnLabels, ColumnType, as_objects, infer_kinds, read_columns
from skmtl.targets._types import families

DTYPES = [
    "float32",
    "int8",
    "bool",
    "object",
    "<U3",
    "datetime64[ns]",
    "timedelta64[s]",
    "datetime64[us, UTC]",
    "period[M]",
    "interval[int64, right]",
    "Int64",
    "UInt8",
    "Float32",
    "boolean",
    "str",
    pd.StringDtype("python"),
    pd.StringDtype("pyarrow"),
    pd.StringDtype("python", na_value=np.nan),
    pd.CategoricalDtype(["low", "high"], ordered=True),
    pd.CategoricalDtype([3, 1]),
    pd.CategoricalDtype(pd.date_range("2020", periods=2, tz="UTC")),
    pd.CategoricalDtype(pd.interval_range(0, 3)),
    pd.ArrowDtype(pa.int64()),
    pd.ArrowDtype(pa.decimal128(10, 2)),
    pd.ArrowDtype(pa.date32()),
    pd.ArrowDtype(pa.timestamp("us", "UTC")),
    pd.ArrowDtype(pa.large_string()),
    pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_dtype_is_restored_from_its_fields(dtype):
    known = dtype if isinstance(dtype, pd.api.extensions.ExtensionDtype) else pd.api.types.pandas_dtype(dtype)
    assert ColumnType.of(known).dtype() == known


@pytest.mark.parametrize(
    ("dtype", "floats"),
    [
        ("float32", "float32"),
        ("int64", "float64"),
        ("object", "float64"),
        ("Int8", "Float64"),
        ("Float32", "Float32"),
        ("int8[pyarrow]", "double[pyarrow]"),
        ("float[pyarrow]", "float[pyarrow]"),
    ],
)
def test_quantities_have_the_float_dtype_of_their_family(dtype, floats):
    kind = ColumnType.of(pd.api.types.pandas_dtype(dtype))
    series = kind.series(np.array([1.5, 2.5]), pd.RangeIndex(2), quantities=True)
    assert str(series.dtype) == floats
    assert series.tolist() == [1.5, 2.5]


@pytest.mark.parametrize(
    "columns",
    [
        pd.Index(["a", "b"]),
        pd.RangeIndex(2, name="year"),
        pd.Index([2020, 2021]),
        pd.to_datetime(["2020", "2021"]),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["block", None]),
        pd.MultiIndex.from_tuples([("a",), ("b",)]),
        pd.CategoricalIndex(["x", "y"]),
        pd.period_range("2020-01", periods=2, freq="M"),
        pd.Index([("a", 1), "b"], tupleize_cols=False),
    ],
    ids=lambda index: type(index).__name__,
)
def test_the_columns_of_a_table_are_restored(columns):
    back = ColumnLabels.of(columns).index()
    assert back.equals(columns)
    assert list(back.names) == list(columns.names)
    assert ColumnLabels.of(columns).take([1, 0]).index().equals(columns[[1, 0]])


def test_numbers_that_numpy_holds_as_objects_are_quantities():
    many = np.arange(1, 31)
    y = pd.DataFrame(
        {
            "decimal": [Decimal(int(i)) / 7 for i in many],
            "fraction": [Fraction(int(i), 7) for i in many],
            "large": [10**20 * int(i) for i in many],
            "arrow": pd.Series([Decimal(int(i)) for i in many], dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
            "two": [Decimal(int(i) % 2) for i in many],
            "mixed": [int(i) if i % 2 else Decimal(int(i)) for i in many],
            "text": [str(i) for i in many],
        }
    )
    kinds = dict(zip(y.columns, infer_kinds(read_columns(y, estimator="E"), None), strict=True))
    classes = {"two", "text"}
    assert kinds == {name: "classification" if name in classes else "regression" for name in y.columns}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array([1, 2]), {"number"}),
        (np.array([True, False], dtype=object), {"number"}),
        (np.array([Decimal(1), Fraction(1, 2)], dtype=object), {"number"}),
        (np.array(["a"]), {"str"}),
        (np.array([b"a"]), {"bytes"}),
        (np.array(["a", b"a"], dtype=object), {"str", "bytes"}),
        (np.array(["2020"], dtype="datetime64[D]"), {"datetime"}),
        (np.array([pd.Timestamp("2020", tz="UTC")], dtype=object), {"datetime"}),
        (np.array([datetime.date(2020, 1, 1)], dtype=object), {"date"}),
        (np.array([], dtype=object), set()),
    ],
)
def test_labels_of_different_families_are_never_equal(labels, expected):
    assert families(labels) == expected


@pytest.mark.parametrize("unit", ["D", "s", "us", "ns"])
def test_dates_as_objects_are_not_counts(unit):
    given = np.array(["2020-01-01"], dtype=f"datetime64[{unit}]")
    assert as_objects(given).tolist() == [pd.Timestamp("2020-01-01")]
    assert as_objects(np.array([1], dtype="timedelta64[ns]")).tolist() == [pd.Timedelta(1)]
