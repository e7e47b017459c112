"""Groups of one length."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from perennial.steps.snapshots.regroup import regrouped

SCHEMA = pa.schema([("n", pa.int64()), ("text", pa.string())])


def batches(lengths: list[int]) -> Iterator[pa.RecordBatch]:
    """Yield batches of these lengths that number their rows."""
    start = 0
    for length in lengths:
        numbers = range(start, start + length)
        yield pa.RecordBatch.from_pydict({"n": list(numbers), "text": [str(n) if n % 3 else None for n in numbers]}, SCHEMA)
        start += length


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.integers(1, 7))
def test_all_rows_come_in_groups_of_one_length(lengths: list[int], rows: int) -> None:
    """Whatever the batches, the groups are the same; only the last may be shorter."""
    groups = list(regrouped(batches(lengths), rows))
    whole = pa.Table.from_batches(batches(lengths), SCHEMA)
    assert whole.to_pydict() == pa.concat_tables(groups).to_pydict()
    assert [group.num_rows for group in groups[:-1]] == [rows] * (len(groups) - 1)
    assert groups[-1].num_rows <= rows
    assert groups[-1].num_rows or len(groups) == 1


def test_no_rows_are_one_empty_group() -> None:
    """So that the columns are known."""
    (group,) = regrouped(batches([0, 0]), 5)
    assert (group.schema, group.num_rows) == (SCHEMA, 0)


def test_a_group_is_contiguous_and_says_nothing_beside_its_rows() -> None:
    """Neither metadata nor a promise of no nulls reaches the file."""
    field = pa.field("n", pa.int64(), nullable=False, metadata={"origin": "here"})
    found = pa.RecordBatch.from_arrays([pa.array([1, 2])], schema=pa.schema([field], metadata={"origin": "here"}))
    (group,) = regrouped([found, found], 5)
    assert (group.schema.metadata, group.schema.field("n").metadata, group.schema.field("n").nullable) == (None, None, True)
    assert group.column("n").num_chunks == 1
