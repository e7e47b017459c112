"""How an entity is written as one text."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perennial.core.digest import canonical_json
from perennial.steps.columns import entity_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.none()


def test_one_column_is_its_own_text() -> None:
    """A number is written as such, a null stays null."""
    rows = pa.table({"station": pa.array([7, None, -1])})
    assert entity_text(rows, ("station",)).to_pylist() == ["7", None, "-1"]


@given(st.lists(st.tuples(TEXTS, st.integers(-(2**63), 2**63 - 1) | st.none(), TEXTS)))
@example([('say "hi"\\', 1, "\x00\x1f\x7f\n\t\r\b\f/"), ("é", None, None), ("\u2028", 0, "😀"), ("", -1, '"')])
def test_several_columns_are_canonical_json(rows: list[tuple[str | None, int | None, str | None]]) -> None:
    """Whatever the texts hold, the list is written exactly as a digest would read it."""
    kinds = pa.schema([("city", pa.string()), ("number", pa.int64()), ("part", pa.string())])
    table = pa.Table.from_pylist([dict(zip(kinds.names, row, strict=True)) for row in rows], kinds)
    expected = [canonical_json([city, None if number is None else str(number), part]).decode() for city, number, part in rows]
    assert expected == entity_text(table, ("city", "number", "part")).to_pylist()


@pytest.mark.parametrize("entity", [("city",), ("city", "number")])
def test_a_record_batch_is_written_like_a_table(entity: tuple[str, ...]) -> None:
    """Whoever streams writes what others write."""
    batch = pa.RecordBatch.from_pydict({"city": ["oslo", 'r"me'], "number": [1, 2]})
    assert entity_text(pa.Table.from_batches([batch]), entity).equals(entity_text(batch, entity))
