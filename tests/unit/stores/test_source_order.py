"""Rows of files come in one order, however they lie there and however many they are."""

from __future__ import annotations

import random
import resource
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.core.codes import Code
from perennial.core.errors import DataError, RejectedError, UnavailableError
from perennial.stores.files.disk_sort import disk_sorted
from perennial.stores.files.folder_source import FileSource
from perennial.stores.files.local_sort import locally_sorted
from perennial.stores.key_order import KeyOrder
from perennial.testing.selection import selection

INSTANT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    {"at": INSTANT, "place": pa.string(), "day": pa.date32(), "on": pa.bool_(), "load": pa.float64(), "riders": pa.int64()}
)
START = datetime(2024, 3, 1, tzinfo=UTC)
Rows = Sequence[tuple[Any, ...]]
ROW = st.tuples(
    st.integers(0, 3),
    st.one_of(st.none(), st.sampled_from(["", "a", "B", "ä", "𝄞", "\ufffd", "a\0b", "aa"])),
    st.one_of(st.none(), st.integers(-700_000, 700_000)),
    st.one_of(st.none(), st.booleans()),
    st.one_of(st.none(), st.floats(allow_nan=True).filter(lambda x: x != 0)),
    st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
)


def table(rows: Rows) -> pa.Table:
    """Return *rows* as a table."""
    columns = list(zip(*rows, strict=True)) or [()] * len(SCHEMA)
    kinds = (pa.int64(), pa.string(), pa.int32(), pa.bool_(), pa.float64(), pa.int64())
    arrays = [pa.array(values, kind).cast(field.type) for values, kind, field in zip(columns, kinds, SCHEMA, strict=True)]
    return pa.table(arrays, schema=SCHEMA)


def text(batches: object) -> str:
    """Return rows so that they can be compared, NaN included."""
    return repr(pa.Table.from_batches(batches, schema=SCHEMA).to_pylist())


@settings(max_examples=25, deadline=None)
@given(st.lists(ROW, max_size=12))
def test_sorting_on_disk_and_in_memory_give_one_order(tmp_path_factory: pytest.TempPathFactory, rows: Rows) -> None:
    """Text by code point, NaN after numbers, nulls last, in each type."""
    unsorted = table(rows)
    expected = unsorted.sort_by([(name, "ascending") for name in SCHEMA.names])
    batches = unsorted.to_batches(max_chunksize=5)
    found = disk_sorted(iter(batches), SCHEMA, SCHEMA.names, tmp_path_factory.mktemp("sort"))
    assert text(expected.to_batches()) == text(list(found))


@settings(max_examples=25, deadline=None)
@given(st.lists(ROW, max_size=12), st.integers(1, 5), st.integers(0, 12))
def test_what_is_known_of_an_order_does_not_depend_on_batches_and_parts(rows: Rows, size: int, cut: int) -> None:
    """One batch, several, or two parts of several: the same is known of the whole."""

    def order(part: pa.Table, rows_per_batch: int) -> KeyOrder:
        found = KeyOrder(("at", "place"))
        for batch in part.to_batches(max_chunksize=rows_per_batch):
            found.add(batch)
        return found

    whole = table(sorted(rows, key=lambda row: row[0]) if size % 2 else rows)
    expected = order(whole, 100)
    pieces = order(whole, size)
    parts = KeyOrder.joined([order(whole.slice(0, cut), size), order(whole.slice(cut), size)])
    assert (expected.strict, expected.in_time, expected.most_at_once) == (pieces.strict, pieces.in_time, pieces.most_at_once)
    assert (expected.strict, expected.in_time) == (parts.strict, parts.in_time)
    assert parts.most_at_once >= expected.most_at_once or not expected.in_time


@settings(max_examples=25, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=12))
def test_rows_are_strictly_in_order_when_sorting_changes_nothing_and_none_is_there_twice(rows: Rows) -> None:
    """Nulls are the greatest, as when sorting."""
    whole = table(rows).select(["at", "place"])
    order = KeyOrder(("at", "place"))
    order.add(whole.to_batches()[0])
    ordered = whole.sort_by([("at", "ascending"), ("place", "ascending")])
    assert order.strict == (ordered.equals(whole) and len({tuple(row.items()) for row in whole.to_pylist()}) == whole.num_rows)


def test_rows_of_one_moment_are_sorted_in_memory() -> None:
    """More rows than are looked at together, and the rows of a moment across several batches."""
    shuffled = [(number // 40_000, str(number * 7919 % 40_000), None, None, None, None) for number in range(120_000)]
    unsorted = table(shuffled)
    batches = list(locally_sorted(iter(unsorted.to_batches(max_chunksize=30_000)), SCHEMA, SCHEMA.names))
    expected = unsorted.sort_by([(name, "ascending") for name in SCHEMA.names])
    assert expected.equals(pa.Table.from_batches(batches))
    assert len(batches) > 1


def test_what_goes_wrong_while_rows_are_sorted_is_said_as_it_is(tmp_path: Path) -> None:
    """A fault of a file that is met then is one of the file, and not of the sorting."""

    def batches() -> object:
        yield from table([(1, "a", None, None, None, None)]).to_batches()
        raise DataError(Code.FILE_CORRUPT, "is no Parquet file that can be read", where="demand.parquet")

    with pytest.raises(DataError) as error:
        list(disk_sorted(batches(), SCHEMA, SCHEMA.names, tmp_path))  # type: ignore[arg-type] # an iterator
    assert str(error.value) == "demand.parquet: is no Parquet file that can be read [FILE_CORRUPT]"


def test_sorting_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    """Whoever stops reading need not wait for the rest."""
    rows = disk_sorted(table([(1, "a", None, None, None, None)] * 9).to_batches(), SCHEMA, SCHEMA.names, tmp_path)
    next(rows)
    rows.close()  # type: ignore[attr-defined] # a generator
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("parts", [1, 3])
def test_a_folder_in_any_order_gives_the_same_rows(tmp_path: Path, parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, in order of time only, and in none; by memory and by disk; in one file and in several that overlap."""
    monkeypatch.setattr("perennial.stores.files.rows.MOST_AT_ONCE", 40)
    rows = [
        {"place": f"p{number % 10}", "event_at": START + timedelta(minutes=number // 30), "riders": number} for number in range(900)
    ]
    expected = sorted(rows, key=lambda row: (row["event_at"], row["place"], row["riders"]))
    by_time = sorted(rows, key=lambda row: (row["event_at"], -int(str(row["riders"]))))
    mixed = random.Random(7).sample(rows, len(rows))  # noqa: S311 - no secret
    for order in (expected, by_time, mixed, list(reversed(expected))):
        folder = tmp_path / "demand"
        folder.mkdir(exist_ok=True)
        for part in range(parts):
            kinds = pa.schema({"place": pa.string(), "event_at": INSTANT, "riders": pa.int64()})
            pq.write_table(pa.Table.from_pylist(order[part::parts], schema=kinds), folder / f"{part}.parquet", row_group_size=100)
        assert expected == pa.Table.from_batches(FileSource(tmp_path).read(selection("demand", "riders"))).to_pylist()


def test_nothing_is_left_in_the_scratch_folder(tmp_path: Path) -> None:
    """Neither after all rows were read, nor when somebody stops in between."""
    scratch = tmp_path / "scratch"
    (tmp_path / "demand.csv").write_text("place,event_at,riders\n" + "a,2024-03-01T01:00:00Z,1\n" * 9)
    source = FileSource(tmp_path, scratch=scratch)
    assert sum(batch.num_rows for batch in source.read(selection("demand.csv", "riders"))) == 9
    rows = source.read(selection("demand.csv", "riders"))
    next(rows)
    assert list(scratch.iterdir()) != []
    rows.close()  # type: ignore[attr-defined] # a generator
    assert list(scratch.iterdir()) == []


def test_a_full_scratch_is_not_said_of_the_files(tmp_path: Path) -> None:
    """Whoever frees space must know where; a limit of the process stands for a disk."""
    (tmp_path / "demand.csv").write_text("place,event_at,riders\n" + "a,2024-03-01T01:00:00Z,1\n" * 9_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(RejectedError) as error:
            list(FileSource(tmp_path).read(selection("demand.csv", "riders")))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(error.value) == "scratch: has no space left [STORE_FULL]"


def test_a_scratch_that_is_no_folder_is_not_said_of_the_files(tmp_path: Path) -> None:
    """Nor of the system."""
    (tmp_path / "demand.csv").write_text("place,event_at,riders\n" + "a,2024-03-01T01:00:00Z,1\n")
    with pytest.raises(UnavailableError) as error:
        list(FileSource(tmp_path, scratch=tmp_path / "demand.csv").read(selection("demand.csv", "riders")))
    assert str(error.value) == "scratch: could not be used (File exists) [STORE_UNAVAILABLE]"


def test_sorting_that_cannot_begin_is_one_of_our_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB refuses its settings, say."""
    monkeypatch.setattr("perennial.stores.files.disk_sort.MEMORY", "a lot")
    with pytest.raises(UnavailableError) as error:
        list(disk_sorted(table([(1, "a", None, None, None, None)]).to_batches(), SCHEMA, SCHEMA.names, tmp_path))
    assert str(error.value) == "scratch: rows could not be sorted (ParserException) [STORE_UNAVAILABLE]"
