"""Columns that are watched beside the features: extracted, counted with every night, and seen when they move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from perennial.core.receipts import Measurement, ModelVersion, Publication, SignalState
from perennial.definition.models import Definition
from perennial.monitoring.counting.profile import Profile
from perennial.monitoring.counting.reference import Reference
from perennial.ports import Stores
from perennial.steps.loop import score
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
WATCHED = {"note": "text", "paid": "boolean", "checked_at": "timestamp"}
NAMES = ("note (length)", "note (classes)", "paid", "checked_at (hour)", "checked_at (weekday)", "checked_at (recency)")


@pytest.fixture
def watching(define: Define, tables: dict[str, pa.Table]) -> Definition:
    """The small definition, which watches three more columns of the source."""
    rows = tables["conditions"]
    rng, at = np.random.default_rng(1), rows.column("event_at")
    paid = pa.array(rng.random(rows.num_rows) < 0.5)
    checked = pc.subtract(at, pa.array([timedelta(hours=int(h)) for h in rng.integers(1, 9, rows.num_rows)], pa.duration("us")))
    rows = rows.append_column("note", pa.array(["ok"] * rows.num_rows)).append_column("paid", paid)
    tables["conditions"] = rows.append_column("checked_at", checked)
    return define(monitoring={"columns": WATCHED})


def measured(definition: Definition, stores: Stores, number: int) -> Measurement:
    """Score a night and return what was measured of it."""
    decision = score(definition, night(number), stores, as_of=day(number + 1))
    return stores.ledger.get(Measurement, decision.measurement)


def counts_of(stores: Stores, measurement: Measurement) -> dict[str, Any]:
    """Return the night's counts."""
    return Profile.from_json(stores.artifacts.get(measurement.profile or "")).counts


def test_watched_columns_are_counted_with_every_night(watching: Definition, stores: Stores, retrained: Retrain) -> None:
    """Under names that say what of them is counted; the estimator does not see them."""
    assert retrained(watching, stores, day(30)).promoted
    version = stores.ledger.history(ModelVersion, watching.name)[-1]
    reference = Reference.from_json(stores.artifacts.get(version.profile))
    assert reference.edges.names == (*watching.features.columns, *NAMES)
    found = measured(watching, stores, 31)
    counts = counts_of(stores, found)
    assert {sum(column) for column in counts.values()} == {24}
    assert counts["note (classes)"] == (24, 0, 0, 0)
    assert [column.column for column in found.drift][: len(reference.edges.names)] == [*reference.edges.names]


def test_a_watched_column_that_moves_is_seen(
    watching: Definition, stores: Stores, retrained: Retrain, tables: dict[str, pa.Table]
) -> None:
    """From one night on the notes are empty."""
    assert retrained(watching, stores, day(30)).promoted
    rows = tables["conditions"]
    late = pc.greater_equal(rows.column("event_at"), pa.scalar(day(31), pa.timestamp("us", tz="UTC")))
    emptied = pc.if_else(late, "", rows.column("note"))
    tables["conditions"] = rows.set_column(rows.schema.get_field_index("note"), "note", emptied)
    drift = measured(watching, stores, 31).drift
    assert {"note (length)", "note (classes)"} <= {column.column for column in drift if column.state is SignalState.ALARM}


def test_a_column_that_is_watched_no_more_stops_nothing(
    watching: Definition, define: Define, stores: Stores, retrained: Retrain
) -> None:
    """The champion was trained when it was watched; the night is predicted and measured without it."""
    assert retrained(watching, stores, day(30)).promoted
    found = measured(define(monitoring={"columns": {"paid": "boolean"}}), stores, 31)
    assert [*counts_of(stores, found)] == [*watching.features.columns, "paid"]
