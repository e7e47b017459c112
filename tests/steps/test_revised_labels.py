"""Labels that are corrected: in place, without saying when, or by a revision that nobody believes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from perennial.core.interval import Interval
from perennial.core.receipts import Purpose
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.extract import extract
from perennial.steps.loop import score
from perennial.steps.snapshots.rows import snapshot_rows
from perennial.stores.query import query
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Any]
OUTCOMES = "SELECT event_at, value, available_at FROM perennial.outcome WHERE event_at = :at ORDER BY available_at"
ALL = "SELECT max(event_at), bool_and(available_at = event_at + interval '24 hours') FROM perennial.outcome"
NOON = day(30.5)


def replaced(rides: pa.Table, column: str, values: list[Any]) -> pa.Table:
    """Return *rides* with other values in a column, of the same type."""
    at = rides.column_names.index(column)
    return rides.set_column(at, rides.schema.field(at), pa.array(values, rides.schema.field(at).type))


def relabelled(rides: pa.Table, value: int, within: Interval) -> pa.Table:
    """Return *rides* with one value for all events of an interval."""
    dated = zip(rides.column("event_at").to_pylist(), rides.column("rides").to_pylist(), strict=True)
    return replaced(rides, "rides", [value if at in within else old for at, old in dated])


@pytest.fixture
def undated(define: Define, tables: dict[str, pa.Table]) -> Definition:
    """The small definition with labels of which nobody says when they came; they are complete after 24 hours."""
    tables["rides"] = tables["rides"].drop_columns(["available_at"])
    return define(label={"source": {"available_at": None}})


def test_undated_labels_count_as_known_when_they_are_matured(
    undated: Definition, postgres_stores: Stores, ledger_url: str, tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """The value of the first day, which is still being counted, is not recorded; the value after the delay is."""
    retrained(undated, postgres_stores, day(30))
    final = tables["rides"]
    tables["rides"] = relabelled(final, 1, night(30))
    score(undated, night(30), postgres_stores, as_of=day(31))
    assert query(ledger_url, OUTCOMES, {"at": NOON}) == []
    assert query(ledger_url, ALL) == [(day(30), True)]
    tables["rides"] = relabelled(final, 700, night(30))
    score(undated, night(31), postgres_stores, as_of=day(32))
    assert query(ledger_url, OUTCOMES, {"at": NOON}) == [(NOON, 700.0, NOON + timedelta(hours=24))]


def test_undated_labels_that_are_not_matured_are_in_no_snapshot(
    undated: Definition, stores: Stores, tables: dict[str, pa.Table]
) -> None:
    """So a training is the same, whatever stood there before the delay had passed; and it has all that monitoring has."""
    window = training_window(undated, day(30))
    before = extract(undated, window, stores, purpose=Purpose.TRAIN, as_of=day(30))
    tables["rides"] = relabelled(tables["rides"], 1, Interval(day(29) + timedelta(hours=1), day(30)))
    assert extract(undated, window, stores, purpose=Purpose.TRAIN, as_of=day(30)) == before
    assert max(snapshot_rows(undated, stores, before).column("event_at").to_pylist()) == day(29)


def test_a_revision_that_is_not_believed_does_not_bring_the_older_label_back(
    definition: Definition, postgres_stores: Stores, ledger_url: str, tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """Monitoring has no label where training has none."""
    first = tables["rides"].filter([at in night(30) for at in tables["rides"].column("event_at").to_pylist()])
    moments = [at + timedelta(hours=48) for at in first.column("event_at").to_pylist()]
    revised = replaced(relabelled(first, 99_000, night(30)), "available_at", moments)
    tables["rides"] = pa.concat_tables([tables["rides"], revised])
    retrained(definition, postgres_stores, day(30))
    score(definition, night(32), postgres_stores, as_of=day(33))
    assert query(ledger_url, OUTCOMES, {"at": NOON}) == []
    assert len(query(ledger_url, OUTCOMES, {"at": day(31.5)})) == 1
