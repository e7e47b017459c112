"""Arrow tables as the frames that expectations are checked on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from perennial.quality.frames import frame

LARGE = 2**53 + 1


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "int64"),
        ([1, None], "float64"),
        ([LARGE, 2], "int64"),
        ([LARGE, None], "Int64"),
        ([-LARGE, None], "Int64"),
    ],
)
def test_whole_numbers_keep_every_digit(values: list[int | None], kind: str) -> None:
    """A missing value beside a large number does not round it."""
    converted = frame(pa.table({"x": pa.array(values, pa.int64())}))["x"]

    assert str(converted.dtype) == kind
    assert [None if pd.isna(value) else int(value) for value in converted] == values


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pa.array([1, 2], pa.int8()), "int64"),
        (pa.array([1, None], pa.uint32()), "float64"),
        (pa.array([0.5], pa.float32()), "float64"),
        (pa.array([Decimal("0.10")], pa.decimal128(10, 2)), "float64"),
        (pa.array([Decimal("0.10"), None], pa.decimal128(38, 9)), "float64"),
        (pa.array([Decimal("12345678901234.56")], pa.decimal128(38, 2)), "object"),
        (pa.array([None], pa.decimal128(38, 2)), "float64"),
        (pa.array([date(2024, 3, 1)]), "datetime64[us, UTC]"),
        (pa.array([datetime(2024, 3, 1, tzinfo=UTC)], pa.timestamp("us", "Europe/Berlin")), "datetime64[us, UTC]"),
        (pa.array(["a", "b"]).dictionary_encode(), "str"),
        (pa.array([1, None], pa.int32()).dictionary_encode(), "float64"),
        (pa.array([True, False]), "bool"),
    ],
)
def test_every_kind_becomes_one_that_can_be_compared(column: pa.Array, kind: str) -> None:
    """Narrow, decimal, dated and dictionary-encoded columns are checked like their plain relatives."""
    assert str(frame(pa.table({"x": column}))["x"].dtype) == kind


def test_rows_are_indexed_by_position_across_chunks() -> None:
    """Several record batches count on."""
    batch = pa.record_batch({"x": [1.0, 2.0]})

    assert list(frame(pa.Table.from_batches([batch, batch])).index) == [0, 1, 2, 3]
