"""Values of labels, names and parameters survive a file with their types."""

import datetime
import json
import math
import zoneinfo
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from skmtl.persistence._coder import Decoder, Encoder
from skmtl.persistence._npy import from_npy, to_npy
from skmtl.persistence._values import VALUES

BY_TYPE = {kind: entry for entry in VALUES for kind in entry.types}
BY_TAG = {entry.tag: entry for entry in VALUES}
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def through_a_file(value):
    encoder = Encoder(lambda one: BY_TYPE.get(type(one)), {})
    text = json.dumps(encoder.encode(value), allow_nan=False)
    arrays = [to_npy(array) for array in encoder.arrays]
    return Decoder(BY_TAG, lambda number: from_npy(arrays[number]), {}).decode(json.loads(text))


SCALARS = [
    None, True, 0, -(10**40), 0.1, -0.0, 5e-324, "größe", "\ud800", "", b"\x00\xff", math.inf, -math.inf,
    Decimal("1.10"), Decimal("NaN"), Fraction(1, 3), datetime.date(2020, 2, 29), datetime.time(1, 2, 3, 4),
    datetime.datetime(2020, 1, 1, 12, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30))),
    datetime.datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=BERLIN), datetime.timedelta(-3, 5, 7),
    pd.Timestamp("2020-01-01 00:00:00.123456789"),
    pd.Timestamp("2020-10-25 02:30", tz="UTC").tz_convert("Europe/Berlin"),
    pd.Timestamp("1500-01-01").as_unit("s"), pd.Timedelta("3 days 00:00:01"), pd.Period("2020-03", "M"), pd.NA, pd.NaT,
    np.float32(0.1), np.int8(-3), np.bool_(True), np.str_("a"), np.bytes_(b"a"), np.datetime64("2020-01-01", "D"),
    np.timedelta64(3, "h"), np.complex64(1 + 2j), np.longdouble(1) / 3,
    (1, (2.0, "a")), [], [[1], ()], {"a": 1, 2: [3], ("x", 1): None}, {1, 2}, frozenset({"a"}), range(2, 9, 3),
]  # fmt: skip


@pytest.mark.parametrize("value", SCALARS, ids=repr)
def test_a_scalar_keeps_its_type(value):
    found = through_a_file(value)
    assert type(found) is type(value)
    assert repr(found) == repr(value)
    assert getattr(found, "dtype", None) == getattr(value, "dtype", None)


def test_nan_is_saved():
    assert math.isnan(through_a_file(math.nan))


ARRAYS = [
    np.arange(6.0).reshape(2, 3), np.arange(999.0),
    np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)), np.array(3),
    np.zeros((0, 4)), np.array([True, False]), np.array(["a", "größe"]), np.array([b"a", b"bc"]),
    np.array(["2020-01-01", "NaT"], "M8[ns]"), np.arange(4, dtype=">i4"), np.arange(10)[::2],
    np.array([1 + 2j]), np.array(["", ""]), np.array([[1, "a"], [None, Fraction(1, 2)]], dtype=object),
]  # fmt: skip


@pytest.mark.parametrize("value", ARRAYS, ids=repr)
def test_an_array_keeps_its_dtype_and_order_and_is_writeable(value):
    found = through_a_file(value)
    np.testing.assert_array_equal(found, value)
    assert found.dtype == value.dtype
    assert found.shape == value.shape
    assert found.flags.writeable
    if value.flags.f_contiguous or value.flags.c_contiguous:
        assert found.flags.f_contiguous == value.flags.f_contiguous
    if value.dtype == object:
        assert [type(item) for item in found.flat] == [type(item) for item in value.flat]


DTYPES = [
    "Int64", "UInt8", "Float32", "boolean", "string", "str", "datetime64[ns]", "datetime64[ns, UTC]", "period[D]",
    "timedelta64[s]", "int8", "bool", "object", "float64", "int64[pyarrow]", "string[pyarrow]",
    "timestamp[ns][pyarrow]", "S3", "U7", "category",
]  # fmt: skip


@pytest.mark.parametrize("name", DTYPES)
def test_a_dtype_is_saved(name):
    dtype = pd.api.types.pandas_dtype(name)
    found = through_a_file(dtype)
    assert type(found) is type(dtype)
    assert found == dtype


def test_a_categorical_dtype_keeps_its_categories_and_order():
    for categories, ordered in ((["b", "a"], True), ([1, 2], False), (pd.date_range("2020", periods=2), False)):
        dtype = pd.CategoricalDtype(categories, ordered)
        found = through_a_file(dtype)
        assert found == dtype
        assert found.ordered == dtype.ordered
        pd.testing.assert_index_equal(found.categories, dtype.categories, exact=True, check_freq=False)


INDEXES = [
    pd.Index(["a", "b"], name="task"), pd.Index([1, 2]), pd.Index([1.5, 2.0]), pd.Index(["a", 1, None], dtype=object),
    pd.RangeIndex(3), pd.to_datetime(["2020-01-01", "2021-01-01"]), pd.to_datetime(["2020-01-01"]).tz_localize("UTC"),
    pd.Index([True, False]), pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None]),
    pd.Index([datetime.date(2020, 1, 1)]), pd.Index([1, 2], dtype="Int64"), pd.CategoricalIndex(["a", "b", "a"]),
    pd.period_range("2020", periods=2, freq="M"), pd.Index([("a", 1)], tupleize_cols=False),
]  # fmt: skip


@pytest.mark.parametrize("index", INDEXES, ids=repr)
def test_an_index_is_saved(index):
    found = through_a_file(index)
    pd.testing.assert_index_equal(found, index, exact=True)


def test_a_table_is_saved():
    table = pd.DataFrame({"a": [1.0, np.nan], 2: ["x", "y"]}, index=["first", "second"])
    pd.testing.assert_frame_equal(through_a_file(table).astype(object), table.astype(object))


def test_a_random_state_continues_where_it_was():
    state = np.random.RandomState(3)
    state.normal()
    found = through_a_file(state)
    assert found.normal() == state.normal()


@pytest.mark.parametrize(
    "value",
    [
        object(), lambda: 0, int, np.zeros(1, [("a", "i4")]), np.ma.masked_array([1]), np.array([object()]), open,
        {"a": {"b": len}}, pd.Series([1]), np.random.default_rng(0),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_other_values_are_refused(value):
    with pytest.raises(TypeError, match="writes data, not code"):
        through_a_file(value)
