"""Rows to features."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from perennial.core.errors import DataError
from perennial.learning.features import Columns, feature_frame

MOMENT = pa.timestamp("us", "UTC")


def _columns(*, numeric: tuple[str, ...] = (), categorical: tuple[str, ...] = (), time: tuple[str, ...] = ()) -> Columns:
    return Columns(numeric=numeric, categorical=categorical, time=time, event_at="at", timezone="Europe/Berlin")


def _at(*moments: datetime | None) -> pa.Table:
    return pa.table({"at": pa.array(list(moments), MOMENT)})


def test_columns_come_in_the_order_numeric_categorical_time() -> None:
    """The frame has the asked columns, in the order of the definition, whatever the rows' order."""
    rows = pa.table({"at": pa.array([datetime(2024, 3, 1, tzinfo=UTC)], MOMENT), "c": ["x"], "b": [1], "a": [2.5], "more": [0]})
    frame = feature_frame(rows, _columns(numeric=("a", "b"), categorical=("c",), time=("month",)))
    assert list(frame.columns) == ["a", "b", "c", "month"]
    assert [str(kind) for kind in frame.dtypes] == ["float64", "float64", "category", "float64"]


def test_every_kind_of_number_becomes_float64() -> None:
    """Integers, decimals, booleans and columns of nothing but nulls are numbers; a null is missing."""
    rows = pa.table({"i": [1, None], "d": [Decimal("1.5"), Decimal(2)], "b": [True, None], "n": pa.nulls(2)})
    frame = feature_frame(rows, _columns(numeric=("i", "d", "b", "n")))
    expected = pd.DataFrame({"i": [1.0, np.nan], "d": [1.5, 2.0], "b": [1.0, np.nan], "n": [np.nan, np.nan]})
    pd.testing.assert_frame_equal(expected, frame)


def test_an_infinite_number_is_missing() -> None:
    """No estimator sees an infinity."""
    frame = feature_frame(pa.table({"a": [1.0, float("inf"), float("-inf")]}), _columns(numeric=("a",)))
    assert frame["a"].isna().tolist() == [False, True, True]


def test_a_category_is_the_same_value_whatever_type_it_was_read_as() -> None:
    """The integer 1 of a database and the text 1 of a file are one category."""
    columns = _columns(categorical=("c",))
    number = feature_frame(pa.table({"c": [1, 2, None]}), columns)
    text = feature_frame(pa.table({"c": pa.array(["1", "2", None]).dictionary_encode()}), columns)
    pd.testing.assert_frame_equal(number, text)
    assert number["c"].cat.categories.tolist() == ["1", "2"]


def test_time_features_are_told_in_the_timezone() -> None:
    """23:30 UTC on a Friday in summer is half past one on Saturday in Berlin."""
    time = ("hour", "weekday", "weekend", "day_of_year", "month", "elapsed_days")
    frame = feature_frame(_at(datetime(2024, 5, 31, 23, 30, tzinfo=UTC)), _columns(time=time))
    days = (datetime(2024, 6, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    assert frame.iloc[0].tolist() == [1.0, 5.0, 1.0, 153.0, 6.0, days + 1.5 / 24]


def test_both_hours_of_the_night_the_clock_goes_back_are_two_o_clock() -> None:
    """A repeated local hour is no fault."""
    twice = _at(datetime(2024, 10, 27, 0, 30, tzinfo=UTC), datetime(2024, 10, 27, 1, 30, tzinfo=UTC))
    assert feature_frame(twice, _columns(time=("hour",)))["hour"].tolist() == [2.0, 2.0]


def test_a_missing_moment_gives_missing_time_features() -> None:
    """Also for the weekend, which is no number of the calendar."""
    frame = feature_frame(_at(None), _columns(time=("hour", "weekend", "elapsed_days")))
    assert frame.isna().all(axis=None)


def test_no_rows_give_an_empty_frame_with_the_same_types() -> None:
    """An empty night has a schema too."""
    rows = pa.table({"at": pa.array([], MOMENT), "a": pa.array([], pa.float64()), "c": pa.array([], pa.string())})
    frame = feature_frame(rows, _columns(numeric=("a",), categorical=("c",), time=("hour", "weekend", "elapsed_days")))
    assert (len(frame), list(frame.columns)) == (0, ["a", "c", "hour", "weekend", "elapsed_days"])


def test_every_faulty_column_is_told_at_once() -> None:
    """Missing columns and columns of a wrong type are one error."""
    rows = pa.table({"text": ["x"], "list": [[1]], "at": pa.array([1], pa.int64())})
    with pytest.raises(DataError) as caught:
        feature_frame(rows, _columns(numeric=("gone", "text"), categorical=("lost", "list"), time=("hour",)))
    assert str(caught.value).splitlines() == [
        "gone: is not among the rows' columns [SCHEMA_MISSING]",
        "lost: is not among the rows' columns [SCHEMA_MISSING]",
        "text: must be a number, got string [SCHEMA_TYPE]",
        "list: must be a plain value, got list<item: int64> [SCHEMA_TYPE]",
        "at: must be a timestamp, got int64 [SCHEMA_TYPE]",
    ]


def test_a_naive_moment_is_refused() -> None:
    """A timestamp without a timezone has no hour."""
    rows = pa.table({"at": pa.array([datetime(2024, 1, 1)], pa.timestamp("us"))})  # noqa: DTZ001 - the subject
    with pytest.raises(DataError, match=r"^at: must have a timezone \[TIME_NAIVE\]$"):
        feature_frame(rows, _columns(time=("hour",)))


def test_event_at_is_not_needed_without_time_features() -> None:
    """Only what is read must be there."""
    assert feature_frame(pa.table({"a": [1.0]}), _columns(numeric=("a",)))["a"].tolist() == [1.0]
