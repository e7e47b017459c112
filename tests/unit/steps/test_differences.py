"""What differs between two streams of rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perennial.steps.snapshots.differences import Differences, differences

SCHEMA = pa.schema([("at", pa.int64()), ("city", pa.string()), ("x", pa.float64()), ("y", pa.string())])
KEY = ("at", "city")
Row = tuple[int, str | None, float | None, str | None]
NAN = float("nan")
ROWS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from(["a", "b", "é", None]),
        st.sampled_from([0.0, 1.5, NAN, None]),
        st.sampled_from(["p", "q", None]),
    ),
    max_size=20,
)


def stream(rows: list[Row], size: int) -> Iterator[pa.RecordBatch]:
    """Yield *rows* in the order of their key, in batches of *size*."""
    table = pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)
    table = table.append_column("nth", pa.array(range(len(rows)), pa.int64()))
    table = table.sort_by([(name, "ascending") for name in (*KEY, "nth")]).drop_columns(["nth"])
    yield from table.to_batches(max_chunksize=size)


def by_hand(earlier: list[Row], later: list[Row]) -> Differences:
    """Match row by row in Python."""
    groups: dict[tuple[int, str | None], tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for side, rows in enumerate((earlier, later)):
        for row in rows:
            groups[row[:2]][side].append(row)
    found = Differences()
    for left, right in groups.values():
        for one, other in zip_longest(left, right):
            if one is None or other is None:
                found.added += one is None
                found.removed += other is None
                continue
            columns = {name for name, a, b in zip(SCHEMA.names, one, other, strict=True) if repr(a) != repr(b)}
            found.changed += bool(columns)
            found.columns |= columns
    return found


@given(ROWS, ROWS, st.integers(1, 5), st.integers(1, 5))
@example([(0, "a", 1.5, None)] * 7, [(0, "a", 1.5, None)] * 3 + [(0, "b", NAN, "p")], 2, 3)
def test_differences_are_those_that_are_found_by_hand(earlier: list[Row], later: list[Row], one: int, other: int) -> None:
    """With keys that stand several times, with missing values, and whatever the batches."""
    assert by_hand(earlier, later) == differences(stream(earlier, one), stream(later, other), KEY)


@given(ROWS, st.integers(1, 5), st.integers(1, 5))
def test_a_stream_does_not_differ_from_itself(rows: list[Row], one: int, other: int) -> None:
    """NaN equals NaN here, and missing equals missing."""
    assert Differences() == differences(stream(rows, one), stream(rows, other), KEY)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([(0, "a", 1.0, "p"), (1, "a", 2.0, "p"), (2, "a", 3.0, None)], Differences()),
        ([(1, "a", 2.0, "p"), (2, "a", 3.0, None)], Differences(removed=1)),
        ([(0, "a", 1.0, "p"), (0, "b", 1.0, "p"), (1, "a", 2.0, "p"), (2, "a", 3.0, None)], Differences(added=1)),
        (
            [(0, "a", 1.0, "p"), (1, "a", NAN, "q"), (2, "a", 3.0, "p")],
            Differences(changed=2, columns={"x", "y"}),
        ),
        ([], Differences(removed=3)),
    ],
    ids=["same", "removed", "added", "changed", "all removed"],
)
def test_each_kind_of_difference_is_counted(later: list[Row], expected: Differences) -> None:
    """Hand-computed, over the border of batches of two rows."""
    earlier: list[Row] = [(0, "a", 1.0, "p"), (1, "a", 2.0, "p"), (2, "a", 3.0, None)]
    assert expected == differences(stream(earlier, 2), stream(later, 2), KEY)


def test_both_streams_are_read_side_by_side() -> None:
    """Of streams of any length, only a few batches are held."""
    read = [0, 0]

    def long(side: int) -> Iterator[pa.RecordBatch]:
        for number in range(50):
            read[side] += 1
            assert abs(read[0] - read[1]) <= 2
            yield pa.RecordBatch.from_pydict({"at": [2 * number + side], "city": ["a"], "x": [1.0], "y": ["p"]}, SCHEMA)

    assert differences(long(0), long(1), KEY) == Differences(added=50, removed=50)
