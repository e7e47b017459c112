"""The shipped example definition fits the world that it is shipped with: good nights pass, every bad one is caught."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from perennial.definition.loader import load
from perennial.definition.models import Definition
from perennial.quality.check import check
from perennial.quality.findings import Checked
from perennial.quality.rows import TableRows
from perennial.simulation.bad_nights import PLAN, BadNight
from perennial.simulation.load import simulate
from perennial.simulation.world import DAYS, START, world

FILE = Path(__file__).parents[3] / "config" / "models" / "bike_demand.yml"


@pytest.fixture(scope="module")
def definition() -> Definition:
    """Return the shipped definition."""
    return load(FILE)


@pytest.fixture(scope="module")
def delivered() -> dict[str, pa.Table]:
    """Return the demo's tables of a year, bad nights included."""
    return simulate(seed=7, days=365)


def rows_of(table: pa.Table, day: int) -> pa.Table:
    """Return the rows of one day."""
    start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day)
    low, high = (pa.scalar(at, pa.timestamp("us", tz="UTC")) for at in (start, start + timedelta(days=1)))
    at = table.column("event_at")
    return table.filter(pc.and_(pc.greater_equal(at, low), pc.less(at, high)))


def checked(definition: Definition, rows: pa.Table, on: Literal["score", "train"]) -> Checked:
    """Return what the definition's expectations about the columns of *rows* say."""
    wanted = [
        (item.type, item.arguments)
        for item in definition.expectations
        if item.on in {on, "both"} and item.arguments.get("column", "city") in rows.column_names
    ]
    return check(TableRows(rows), wanted)


def test_the_history_ends_where_the_schedule_does(definition: Definition) -> None:
    """The definition's start and end are those of the simulated history."""
    assert definition.schedule.start == START
    assert definition.schedule.end == START + timedelta(days=DAYS)


def test_the_world_has_every_column_that_the_definition_reads(definition: Definition, delivered: dict[str, pa.Table]) -> None:
    """Features, keys and times are columns of conditions; the label and its times are columns of rides."""
    source, label = definition.source, definition.labels
    assert {*source.entity, source.event_at, source.available_at, *definition.features.columns} <= {
        *delivered[source.relation].column_names
    }
    assert {*label.entity, label.event_at, label.available_at, definition.label.column} <= {*delivered[label.relation].column_names}


def test_every_good_day_meets_the_expectations(definition: Definition) -> None:
    """No row of a whole history without faults is refused, in three worlds."""
    for seed in (1, 7, 42):
        good = world(seed=seed, days=DAYS, start=date(2024, 1, 1))
        assert len(checked(definition, good.conditions, "train").refused) == 0
        assert len(checked(definition, good.rides.select(["rides"]), "train").refused) == 0


def test_a_good_night_passes_whole(definition: Definition, delivered: dict[str, pa.Table]) -> None:
    """Every finding about a quiet night's 24 rows is a success."""
    assert all(finding.success for finding in checked(definition, rows_of(delivered["conditions"], 149), "score").findings)


@pytest.mark.parametrize(
    ("kind", "refused"),
    [
        (BadNight.KELVIN_ZERO, 24),
        (BadNight.FAHRENHEIT, 24),
        (BadNight.DELIVERED_TWICE, 48),
        (BadNight.SENTINELS, 6),
    ],
)
def test_a_bad_night_of_the_station_is_refused_row_by_row(
    definition: Definition, delivered: dict[str, pa.Table], kind: BadNight, refused: int
) -> None:
    """The rows at fault are refused, and they are more than the night tolerates."""
    rows = rows_of(delivered["conditions"], PLAN[kind])
    assert len(checked(definition, rows, "score").refused) == refused
    assert refused / rows.num_rows > definition.quality.tolerated


def test_a_missing_day_fails_the_row_count(definition: Definition, delivered: dict[str, pa.Table]) -> None:
    """A night without rows is no success."""
    rows = rows_of(delivered["conditions"], PLAN[BadNight.MISSING_DAY])
    failed = {finding.expectation for finding in checked(definition, rows, "score").findings if not finding.success}
    assert "expect_table_row_count_to_be_between" in failed


@pytest.mark.parametrize("kind", [BadNight.TARGET_TIMES_500, BadNight.NULL_TARGETS])
def test_bad_labels_are_refused_in_training(definition: Definition, delivered: dict[str, pa.Table], kind: BadNight) -> None:
    """Every one of the day's 24 labels is refused."""
    labels = rows_of(delivered["rides"], PLAN[kind]).select(["rides"])
    assert len(checked(definition, labels, "train").refused) == 24


def test_late_labels_are_late_but_good(definition: Definition, delivered: dict[str, pa.Table]) -> None:
    """Nothing is wrong with their values, and they come before the definition stops waiting."""
    labels = rows_of(delivered["rides"], PLAN[BadNight.LATE_LABELS])
    delay = max(pc.subtract(labels["available_at"], labels["event_at"]).to_pylist())
    assert len(checked(definition, labels.select(["rides"]), "train").refused) == 0
    assert definition.label.delay < delay <= definition.label.settled
