"""Rows in the binary format of COPY: every byte, whatever the columns hold."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.stores.ledger.copy_encoding import EPOCH_US, encode

MOMENT = pa.timestamp("us", "UTC")
SCHEMA = pa.schema([("n", pa.int64()), ("entity", pa.string()), ("at", MOMENT), ("low", pa.float64()), ("text", pa.string())])
WHOLE = st.integers(-(2**63), 2**63 - 1)
ROWS = st.lists(
    st.tuples(WHOLE, st.text(), st.integers(-(2**62), 2**62), st.none() | st.floats(), st.text(max_size=3)), max_size=20
)


def field(content: bytes | None) -> bytes:
    """Return a field as the manual says: its length and its bytes, or -1."""
    return struct.pack(">i", -1) if content is None else struct.pack(">i", len(content)) + content


def one_by_one(rows: list[tuple[int, str, int, float | None, str]]) -> bytes:
    """Return *rows* as the manual says, in plain Python."""
    return b"".join(
        struct.pack(">h", 5)
        + field(struct.pack(">q", number))
        + field(entity.encode())
        + field(struct.pack(">q", at - EPOCH_US))
        + field(None if low is None else struct.pack(">d", low))
        + field(text.encode())
        for number, entity, at, low, text in rows
    )


def arrow(rows: list[tuple[int, str, int, float | None, str]]) -> pa.RecordBatch:
    """Return *rows* as a record batch."""
    columns = list(zip(*rows, strict=True)) or [()] * 5
    arrays = [pa.array(column, pa.int64() if kind == MOMENT else kind) for column, kind in zip(columns, SCHEMA.types, strict=True)]
    return pa.record_batch([array.view(kind) for array, kind in zip(arrays, SCHEMA.types, strict=True)], schema=SCHEMA)


def test_a_row_by_hand() -> None:
    """Two fields: a text of two characters and three bytes, and the first second of the epoch of PostgreSQL."""
    at = pa.array([datetime(2000, 1, 1, 0, 0, 1, tzinfo=UTC)], MOMENT)
    row = pa.record_batch([pa.array(["aä"]), at], ["entity", "at"])
    expected = "0002 00000003 61c3a4 00000008 00000000000f4240"
    assert bytes(encode(row)).hex() == expected.replace(" ", "")


@given(rows=ROWS)
def test_many_rows_are_their_rows_one_after_the_other(rows: list[tuple[int, str, int, float | None, str]]) -> None:
    """With nulls and without, with texts of any length and none."""
    assert bytes(encode(arrow(rows))) == one_by_one(rows)


@pytest.mark.parametrize("missing", [(None, None, None), (None, 1.5, None), (0.0, 1.5, 2.0)])
def test_a_part_of_a_record_batch_is_encoded_alone(missing: tuple[float | None, ...]) -> None:
    """Its arrays begin in the middle of their buffers."""
    rows = [(at, "x" * at, at, low, "") for at, low in enumerate(missing)]
    assert bytes(encode(arrow(rows).slice(1, 2))) == one_by_one(rows[1:])


def test_no_rows_are_no_bytes() -> None:
    """Of any columns."""
    assert bytes(encode(arrow([]))) == b""
