"""The few types that rows have."""

from __future__ import annotations

import pyarrow as pa
import pytest

from perennial.stores.arrow_types import INSTANT, canonical, microseconds, settle


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pa.int8(), pa.int64()),
        (pa.uint64(), pa.int64()),
        (pa.float16(), pa.float64()),
        (pa.decimal256(50, 2), pa.float64()),
        (pa.string_view(), pa.string()),
        (pa.dictionary(pa.int8(), pa.large_string()), pa.string()),
        (pa.bool_(), pa.bool_()),
        (pa.date64(), pa.date32()),
        (pa.timestamp("s", tz="Asia/Tokyo"), INSTANT),
        (pa.null(), pa.null()),
        (pa.timestamp("us"), None),
        (pa.binary(), None),
        (pa.list_(pa.int64()), None),
        (pa.time64("us"), None),
        (pa.duration("s"), None),
    ],
)
def test_each_type_is_read_as_one_of_few(kind: pa.DataType, expected: pa.DataType | None) -> None:
    """What has no place among them is refused."""
    assert expected == canonical(kind)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ({pa.int64()}, pa.int64()),
        ({pa.int64(), pa.null()}, pa.int64()),
        ({pa.int64(), pa.float64()}, pa.float64()),
        ({pa.null()}, pa.float64()),
        ({pa.int64(), pa.string()}, None),
        ({pa.bool_(), pa.int64()}, None),
        ({pa.date32(), INSTANT}, None),
    ],
)
def test_parts_settle_on_one_type(kinds: set[pa.DataType], expected: pa.DataType | None) -> None:
    """Nulls give way; numbers widen; all else contradicts."""
    assert expected == settle(kinds)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1969-12-31 23:59:59.999999+00:00", -1),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ("1970-01-01", None),
        ("1970-01-01T00:00", None),
        ("", None),
        (None, None),
        ("noon", None),
    ],
)
def test_microseconds_are_exact(text: str | None, expected: int | None) -> None:
    """No floating point stands between text and count."""
    assert expected == microseconds(text)
