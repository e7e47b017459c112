"""The latest revision of each label, batch by batch, and rows with theirs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.core.errors import DataError
from perennial.definition.models import Definition
from perennial.steps.arrays import MOMENT
from perennial.steps.snapshots.labels import latest, latest_batches, with_labels

START = datetime(2024, 3, 1, tzinfo=UTC)
SCHEMA = pa.schema([("city", pa.string()), ("event_at", MOMENT), ("rides", pa.int64())])


@pytest.fixture(scope="session")
def ours(small: dict[str, Any]) -> Definition:
    """The small definition: labels by city and event_at."""
    return Definition.model_validate(small)


def moments(hours: list[int]) -> pa.Array:
    """Return the moments of these hours."""
    return pa.array([START + timedelta(hours=hour) for hour in hours], MOMENT)


def labels(keys: list[tuple[int, str]]) -> pa.Table:
    """Return labels of these hours and cities, in order, numbered."""
    rows = [{"city": city, "event_at": START + timedelta(hours=hour), "rides": n} for n, (hour, city) in enumerate(sorted(keys))]
    return pa.Table.from_pylist(rows, SCHEMA)


@given(keys=st.lists(st.tuples(st.integers(0, 4), st.sampled_from("ab")), max_size=15), size=st.integers(1, 4))
def test_the_last_of_each_event_is_taken_over_any_border(ours: Definition, keys: list[tuple[int, str]], size: int) -> None:
    """In one batch or in many."""
    table = labels(keys)
    expected = {key: n for n, key in enumerate(sorted(keys))}
    found = pa.Table.from_batches(latest_batches(table.to_batches(max_chunksize=size), ours), SCHEMA)
    assert list(expected.values()) == found.column("rides").to_pylist()
    assert found.equals(latest(table, ours))


def test_nothing_is_held_back_but_one_row(ours: Definition) -> None:
    """The labels of a batch come out before the next one is asked for."""
    asked: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for hour in range(3):
            asked.append(hour)
            yield labels([(2 * hour, "a"), (2 * hour + 1, "a")]).to_batches()[0]

    assert next(latest_batches(batches(), ours)).num_rows == 1
    assert asked == [0]


def test_rows_get_their_label_and_keep_their_order(ours: Definition) -> None:
    """Rows without one are left out; a row that stands twice gets it twice; an empty label is null."""
    hours = [0, 1, 1, 2, 3]
    rows = pa.table(
        {
            "city": pa.array(["a", "a", "a", "b", "a"]),
            "event_at": moments(hours),
            "x": pa.array([0.5, 1.5, 2.5, 3.5, 4.5]),
        }
    )
    known = [(0, 7), (1, None), (2, 9), (3, 8)]
    found = pa.Table.from_pylist(
        [{"city": "a", "event_at": START + timedelta(hours=hour), "rides": rides} for hour, rides in known], SCHEMA
    )
    labelled = with_labels(ours, rows, found)
    assert (labelled.column_names, labelled.column("x").to_pylist(), labelled.column("rides").to_pylist()) == (
        ["city", "event_at", "x", "rides"],
        [0.5, 1.5, 2.5, 4.5],
        [7, None, None, 8],
    )


def test_rows_without_any_label_are_none(ours: Definition) -> None:
    """The label column is there all the same."""
    rows = labels([(0, "a")]).drop_columns(["rides"])
    found = with_labels(ours, rows, labels([]))
    assert (found.num_rows, found.schema.field("rides").type) == (0, pa.int64())


@given(
    mine=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", None])), max_size=12),
    theirs=st.sets(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", "c"])), max_size=8),
)
def test_labels_are_found_as_a_join_finds_them(
    ours: Definition, mine: list[tuple[int, str | None]], theirs: set[tuple[int, str]]
) -> None:
    """Whatever is missing on either side; what is null matches nothing."""
    found = labels(list(theirs))
    keys = pa.table({"city": pa.array([city for _, city in mine], pa.string()), "event_at": moments([hour for hour, _ in mine])})
    rows = keys.append_column("n", pa.array(range(len(mine)), pa.int64()))
    expected = rows.join(found, keys=["city", "event_at"], join_type="inner").sort_by("n").select(["n", "rides"])
    assert expected.to_pydict() == with_labels(ours, rows, found).select(["n", "rides"]).to_pydict()


def test_labels_in_step_with_their_rows_are_not_searched(ours: Definition, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where both come from one table. Out of step, or with a key that is null, they are."""
    found = labels([(0, "a"), (0, "b"), (1, "a")])
    rows = found.drop_columns(["rides"])
    rest, later = rows.slice(1), labels([(0, "b"), (2, "a")])
    nameless = rest.set_column(0, "city", pa.array(["b", None], pa.string()))

    def none(_: Any) -> Any:
        raise LookupError

    monkeypatch.setattr("perennial.steps.snapshots.labels._codes", none)
    assert with_labels(ours, rows, found).column("rides").to_pylist() == [0, 1, 2]
    for known, theirs in ((rest, found), (rest, later), (nameless, nameless.append_column("rides", pa.array([0, 1])))):
        with pytest.raises(LookupError):
            with_labels(ours, known, theirs)


def test_labels_of_another_type_of_entity_are_refused(ours: Definition) -> None:
    """A number is not a text, so no row would find its label."""
    rows = labels([(0, "a")]).drop_columns(["rides"])
    found = labels([(0, "a")]).set_column(0, "city", pa.array([1]))
    with pytest.raises(DataError) as error:
        with_labels(ours, rows, found)
    assert str(error.value) == "labels: city: must be string as in the rows, is int64 [SCHEMA_TYPE]"
