"""The two tables of the demo world."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from perennial.core.digest import digest_bytes
from perennial.simulation.bad_nights import with_bad_nights
from perennial.simulation.load import simulate
from perennial.simulation.world import CITY, World, world

START = date(2024, 1, 1)
MOMENT = pa.timestamp("us", tz="UTC")


def digest(table: pa.Table) -> str:
    """Return the SHA-256 of a table in Arrow's own file format."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)
    return digest_bytes(sink.getvalue().to_pybytes())


def digests(built: World) -> tuple[str, str]:
    """Return the digests of both tables."""
    return digest(built.conditions), digest(built.rides)


@pytest.fixture(scope="module")
def year() -> World:
    """Return 400 days of a world."""
    return world(seed=7, days=400, start=START)


def test_the_same_seed_makes_the_same_bytes() -> None:
    """Two worlds with the same arguments are equal byte by byte."""
    assert digests(world(seed=3, days=20, start=START)) == digests(world(seed=3, days=20, start=START))


def test_another_seed_makes_other_weather_and_other_rides() -> None:
    """Both tables depend on the seed."""
    one, other = digests(world(seed=3, days=20, start=START)), digests(world(seed=4, days=20, start=START))
    assert one[0] != other[0]
    assert one[1] != other[1]


def test_more_days_only_append(year: World) -> None:
    """A shorter world of the same seed is the beginning of the longer one."""
    short = world(seed=7, days=30, start=START)
    rows = 30 * 24
    assert year.conditions.slice(0, rows).equals(short.conditions)
    assert year.rides.slice(0, rows).equals(short.rides)


def test_conditions_have_the_columns_and_units_that_the_definition_reads(year: World) -> None:
    """Names, types and order of the conditions table are fixed."""
    expected = pa.schema(
        [
            ("city", pa.string()),
            ("event_at", MOMENT),
            ("temperature", pa.float64()),
            ("humidity", pa.float64()),
            ("wet", pa.int64()),
            ("available_at", MOMENT),
        ]
    )
    assert expected == year.conditions.schema


def test_rides_have_the_columns_that_the_definition_reads(year: World) -> None:
    """Names, types and order of the rides table are fixed."""
    expected = pa.schema([("city", pa.string()), ("event_at", MOMENT), ("rides", pa.int64()), ("available_at", MOMENT)])
    assert expected == year.rides.schema


def test_both_tables_have_every_hour_of_the_one_city_once_and_in_order(year: World) -> None:
    """There are 24 rows a day, an hour apart, from midnight of the first day."""
    first = datetime(2024, 1, 1, tzinfo=UTC)
    hours = [first + timedelta(hours=hour) for hour in range(400 * 24)]
    for table in (year.conditions, year.rides):
        assert hours == table.column("event_at").to_pylist()
        assert pc.unique(table.column("city")).to_pylist() == [CITY]


def test_the_weather_of_an_hour_is_known_before_the_hour_ends(year: World) -> None:
    """A night that ends at midnight sees all 24 of its hours."""
    delay = pc.subtract(year.conditions.column("available_at"), year.conditions.column("event_at"))
    assert [timedelta(minutes=20)] == pc.unique(delay).to_pylist()


def test_labels_arrive_between_one_and_seven_days_after_the_event(year: World) -> None:
    """No label comes earlier than 24 h or later than 168 h; half of them come within 27 h, and some take days."""
    delay = pc.subtract(year.rides.column("available_at"), year.rides.column("event_at")).to_numpy() / np.timedelta64(1, "h")
    assert delay.min() >= 24.0
    assert delay.max() <= 168.0
    assert np.median(delay) == pytest.approx(27.0, abs=0.2)
    assert np.mean(delay > 48.0) == pytest.approx(0.029, abs=0.01)


def test_every_value_of_a_good_world_is_plausible(year: World) -> None:
    """Temperatures, humidity and counts stay inside what the shipped definition expects."""
    conditions = year.conditions
    assert -25 < pc.min(conditions.column("temperature")).as_py() < 0
    assert 28 < pc.max(conditions.column("temperature")).as_py() < 42
    assert pc.min(conditions.column("humidity")).as_py() >= 5
    assert pc.max(conditions.column("humidity")).as_py() <= 100
    assert sorted(pc.unique(conditions.column("wet")).to_pylist()) == [0, 1]
    assert pc.min(year.rides.column("rides")).as_py() >= 0
    assert year.rides.column("rides").null_count == 0


def test_simulate_returns_both_tables_by_name_with_the_planned_bad_nights() -> None:
    """What goes into the database is the world of the seed, as it was delivered."""
    planned = with_bad_nights(world(seed=7, days=160, start=START))
    found = simulate(seed=7, days=160)
    assert list(found) == ["conditions", "rides"]
    assert found["conditions"].equals(planned.conditions)
    assert found["rides"].equals(planned.rides)
    assert not found["conditions"].equals(world(seed=7, days=160, start=START).conditions)
