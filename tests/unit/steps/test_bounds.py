"""What a source yields is checked against what it was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.ports import Among, Selection
from perennial.steps.arrays import MOMENT
from perennial.steps.snapshots.bounds import bounded

START = datetime(2024, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SELECTION = Selection(
    relation="conditions",
    columns=("city", "event_at", "known_at"),
    entity=("city",),
    event_at="event_at",
    available_at="known_at",
    interval=Interval(START, START + 24 * HOUR),
    as_of=START + 24 * HOUR,
)
Row = tuple[str | None, int | None, int | None]
CITIES = st.sampled_from(["a", "B", "é", None])


def batch(rows: list[Row], **kinds: pa.DataType) -> pa.RecordBatch:
    """Return rows of (city, hour of the event, hour in which it was known)."""
    columns: dict[str, list[Any]] = {
        "city": [city for city, _, _ in rows],
        "event_at": [None if hour is None else START + hour * HOUR for _, hour, _ in rows],
        "known_at": [None if hour is None else START + hour * HOUR for _, _, hour in rows],
    }
    types = {"city": pa.string(), "event_at": MOMENT, "known_at": MOMENT} | kinds
    return pa.RecordBatch.from_pydict(columns, pa.schema(list(types.items())))


def fault(*batches: list[Row], selection: Selection = SELECTION) -> str:
    """Return what is said of these batches."""
    with pytest.raises(DataError) as error:
        list(bounded((batch(rows) for rows in batches), selection, "conditions"))
    return str(error.value)


def test_what_was_asked_for_passes_unchanged() -> None:
    """The first moment of the interval and the cut-off itself are inside; an empty batch is fine."""
    given_ = [
        batch([]),
        batch([("oslo", 0, 0), ("rome", 0, 24), (None, 0, 1), ("oslo", 1, 1), ("oslo", 1, 2)]),
        batch([("a", 23, 24)]),
    ]
    assert given_ == list(bounded(iter(given_), SELECTION, "conditions"))


@pytest.mark.parametrize("hour", [-1, 24, None])
def test_a_row_outside_the_interval_is_refused_by_its_position(hour: int | None) -> None:
    """Positions count over all batches, from 0; the value is not shown."""
    message = "conditions: row 2: event_at must lie in 2024-03-01T00:00:00Z/2024-03-02T00:00:00Z [TIME_OUT_OF_INTERVAL]"
    assert message in fault([("oslo", 1, 1), ("rome", 1, 1)], [("oslo", hour, 2)])


@pytest.mark.parametrize("hour", [25, None])
def test_a_row_that_was_not_known_yet_is_refused(hour: int | None) -> None:
    """A row that nobody knows when it was known counts as such."""
    message = "conditions: row 1: known_at must not be after the cut-off 2024-03-02T00:00:00Z [TIME_FUTURE]"
    assert message == fault([("oslo", 1, 1), ("rome", 1, hour)])


def test_without_a_column_of_when_it_was_known_an_event_after_the_cut_off_is_refused() -> None:
    """It cannot have been known before it happened."""
    selection = replace(SELECTION, available_at=None, as_of=START + 2 * HOUR)
    message = "conditions: row 1: event_at must not be after the cut-off 2024-03-01T02:00:00Z [TIME_FUTURE]"
    assert message == fault([("oslo", 2, 30), ("rome", 3, 30)], selection=selection)


def test_all_that_is_wrong_with_a_batch_is_said_at_once() -> None:
    """Each kind of fault with the first row that has it."""
    assert [line.rpartition("[")[2] for line in fault([("oslo", 2, 2), ("oslo", 1, 30), ("oslo", 40, 3)]).splitlines()] == [
        "TIME_OUT_OF_INTERVAL]",
        "TIME_FUTURE]",
        "DATA_UNORDERED]",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("oslo", 2, 2), ("oslo", 1, 2)),
        (("rome", 1, 2), ("oslo", 1, 2)),
        (("a", 1, 2), ("B", 1, 2)),
        ((None, 1, 2), ("oslo", 1, 2)),
        (("oslo", 1, 3), ("oslo", 1, 2)),
    ],
    ids=["event", "entity", "code point", "null", "known"],
)
@pytest.mark.parametrize("split", [False, True])
def test_rows_out_of_order_are_refused(one: Row, other: Row, split: bool) -> None:
    """Within a batch, and across the border of two with an empty one between them."""
    order = "must come in the order of event_at, city, known_at: texts by code point, nulls last [DATA_UNORDERED]"
    batches = [[("a", 0, 0), one], [], [other]] if split else [[("a", 0, 0), one, other]]
    assert f"conditions: row 2: {order}" == fault(*batches)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "B", "é", None]), st.integers(0, 3), st.integers(0, 3)), max_size=6), st.integers(0, 6)
)
def test_the_order_is_the_one_that_arrow_sorts_in(rows: list[Row], cut: int) -> None:
    """Sorted rows pass; others pass only where sorting changes nothing."""
    table = pa.Table.from_batches([batch(rows)])
    order = [("event_at", "ascending"), ("city", "ascending"), ("known_at", "ascending")]
    ordered = table.sort_by(order).equals(table)
    try:
        list(bounded(iter([batch(rows[:cut]), batch(rows[cut:])]), SELECTION, "conditions"))
    except DataError:
        assert not ordered
    else:
        assert ordered


def test_a_moment_in_another_unit_is_refused() -> None:
    """Sources promise UTC microseconds."""
    rows = batch([("oslo", 1, 1)], known_at=pa.timestamp("ms", tz="UTC"))
    with pytest.raises(DataError) as error:
        list(bounded(iter([rows]), SELECTION, "conditions"))
    assert str(error.value) == "conditions: known_at: must be timestamp[us, tz=UTC], is timestamp[ms, tz=UTC] [SCHEMA_TYPE]"


def test_columns_that_change_on_the_way_are_refused() -> None:
    """A snapshot has one schema."""
    other = batch([("oslo", 2, 2)], city=pa.large_string())
    with pytest.raises(DataError) as error:
        list(bounded(iter([batch([("oslo", 1, 1)]), other]), SELECTION, "conditions"))
    message = "conditions: must have the same columns, in the same types, from the first row to the last [SCHEMA_TYPE]"
    assert str(error.value) == message


def test_a_source_is_closed_with_its_rows() -> None:
    """A connection does not wait for the garbage collector."""
    closed: list[bool] = []

    def source() -> Iterator[pa.RecordBatch]:
        try:
            yield batch([("oslo", 1, 1)])
            yield batch([("oslo", 2, 2)])
        finally:
            closed.append(True)

    rows = bounded(source(), SELECTION, "conditions")
    next(rows)
    rows.close()
    assert closed == [True]


def test_rows_of_another_segment_are_refused() -> None:
    """A source that does not know of values yields every row; a database that pads them does not."""
    wanted = replace(SELECTION, among=Among(column="city", values=("a",)))
    said = fault([("a", 0, 0), ("b", 0, 0)], selection=wanted)
    assert said == "conditions: row 1: city must be as the definition writes it [SEGMENT_MIXED]"
    assert len(list(bounded(iter([batch([("a  ", 0, 0)])]), wanted, "conditions"))) == 1
    assert "[SEGMENT_MIXED]" in fault(
        [("a", 0, 0)], selection=replace(SELECTION, among=Among(column="city", values=("a",), others=True))
    )
