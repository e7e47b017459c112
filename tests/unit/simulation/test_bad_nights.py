"""A bad night is what its name says, and nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from perennial.simulation.bad_nights import PLAN, BadNight, with_bad_nights
from perennial.simulation.world import DAYS, World, world

START = date(2024, 1, 1)
DAY = 12
CONDITIONS = [
    BadNight.KELVIN_ZERO,
    BadNight.FAHRENHEIT,
    BadNight.MISSING_DAY,
    BadNight.DELIVERED_TWICE,
    BadNight.SENTINELS,
]
RIDES = [BadNight.TARGET_TIMES_500, BadNight.LATE_LABELS, BadNight.NULL_TARGETS]


@pytest.fixture(scope="module")
def good() -> World:
    """Return 30 days without a fault."""
    return world(seed=7, days=30, start=START)


def split(table: pa.Table, day: int) -> tuple[pa.Table, pa.Table]:
    """Return the rows of *day*, and all others."""
    start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day)
    low, high = (pa.scalar(at, pa.timestamp("us", tz="UTC")) for at in (start, start + timedelta(days=1)))
    at = table.column("event_at")
    inside = pc.and_(pc.greater_equal(at, low), pc.less(at, high))
    return table.filter(inside), table.filter(pc.invert(inside))


def day_of(table: pa.Table) -> pa.Table:
    """Return the rows of the day that goes wrong."""
    return split(table, DAY)[0]


@pytest.mark.parametrize("kind", list(BadNight))
def test_a_bad_night_touches_no_other_day(good: World, kind: BadNight) -> None:
    """Every other day's rows stay as they are, in both tables."""
    bad = with_bad_nights(good, {kind: DAY})
    assert split(bad.conditions, DAY)[1].equals(split(good.conditions, DAY)[1])
    assert split(bad.rides, DAY)[1].equals(split(good.rides, DAY)[1])


@pytest.mark.parametrize("kind", CONDITIONS)
def test_a_fault_of_the_station_leaves_the_rides_alone(good: World, kind: BadNight) -> None:
    """Faults of the conditions change the conditions of their day, and nothing of the rides."""
    bad = with_bad_nights(good, {kind: DAY})
    assert bad.rides.equals(good.rides)
    assert not day_of(bad.conditions).equals(day_of(good.conditions))


@pytest.mark.parametrize("kind", RIDES)
def test_a_fault_of_the_counts_leaves_the_conditions_alone(good: World, kind: BadNight) -> None:
    """Faults of the labels change the rides of their day, and nothing of the conditions."""
    bad = with_bad_nights(good, {kind: DAY})
    assert bad.conditions.equals(good.conditions)
    assert not day_of(bad.rides).equals(day_of(good.rides))


@pytest.mark.parametrize("kind", list(BadNight))
def test_a_bad_night_keeps_the_schema_and_the_order(good: World, kind: BadNight) -> None:
    """What goes wrong is in the rows: columns, types and the order of days are the same."""
    bad = with_bad_nights(good, {kind: DAY})
    assert bad.conditions.schema == good.conditions.schema
    assert bad.rides.schema == good.rides.schema
    for table in (bad.conditions, bad.rides):
        days = table.column("event_at").to_numpy().astype("datetime64[D]")
        assert np.all(days[:-1] <= days[1:])


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        (BadNight.KELVIN_ZERO, {"temperature"}),
        (BadNight.FAHRENHEIT, {"temperature"}),
        (BadNight.SENTINELS, {"temperature", "humidity"}),
        (BadNight.TARGET_TIMES_500, {"rides"}),
        (BadNight.NULL_TARGETS, {"rides"}),
        (BadNight.LATE_LABELS, {"available_at"}),
    ],
)
def test_a_bad_night_changes_only_its_own_columns(good: World, kind: BadNight, changed: set[str]) -> None:
    """Of the day's rows, exactly the named columns differ."""
    bad = with_bad_nights(good, {kind: DAY})
    pairs = [(day_of(bad.conditions), day_of(good.conditions)), (day_of(bad.rides), day_of(good.rides))]
    assert changed == {name for one, other in pairs for name in one.column_names if not one[name].equals(other[name])}


def test_kelvin_zero_reads_absolute_zero_all_day(good: World) -> None:
    """All 24 temperatures are -273.15."""
    bad = with_bad_nights(good, {BadNight.KELVIN_ZERO: DAY})
    assert day_of(bad.conditions)["temperature"].to_pylist() == [-273.15] * 24


def test_fahrenheit_is_the_same_temperature_in_the_wrong_unit(good: World) -> None:
    """Converted back, the temperatures are the good ones."""
    fahrenheit = day_of(with_bad_nights(good, {BadNight.FAHRENHEIT: DAY}).conditions)["temperature"].to_numpy()
    assert (fahrenheit - 32) * 5 / 9 == pytest.approx(day_of(good.conditions)["temperature"].to_numpy(), abs=0.03)


def test_a_missing_day_has_no_conditions(good: World) -> None:
    """Not one row of the day is there."""
    assert day_of(with_bad_nights(good, {BadNight.MISSING_DAY: DAY}).conditions).num_rows == 0


def test_a_day_delivered_twice_has_every_row_twice(good: World) -> None:
    """There are 48 rows, and half of them are the day as it was."""
    bad, day = day_of(with_bad_nights(good, {BadNight.DELIVERED_TWICE: DAY}).conditions), day_of(good.conditions)
    assert bad.slice(0, 24).equals(day)
    assert bad.slice(24).equals(day)


def test_sentinels_stand_in_every_fourth_hour(good: World) -> None:
    """Six hours of the day read -200; the others are as they were."""
    bad, day = day_of(with_bad_nights(good, {BadNight.SENTINELS: DAY}).conditions), day_of(good.conditions)
    for name in ("temperature", "humidity"):
        expected = [-200.0 if hour % 4 == 0 else value for hour, value in enumerate(day[name].to_pylist())]
        assert expected == bad[name].to_pylist()


def test_a_target_times_500_is_500_times_the_truth(good: World) -> None:
    """All 24 counts are too large by the same factor."""
    bad = with_bad_nights(good, {BadNight.TARGET_TIMES_500: DAY})
    assert [500 * count for count in day_of(good.rides)["rides"].to_pylist()] == day_of(bad.rides)["rides"].to_pylist()


def test_null_targets_have_no_value(good: World) -> None:
    """The labels arrive, but all 24 are empty."""
    bad = with_bad_nights(good, {BadNight.NULL_TARGETS: DAY})
    assert day_of(bad.rides)["rides"].to_pylist() == [None] * 24


def test_late_labels_arrive_after_six_days_and_within_seven(good: World) -> None:
    """Each waits six days, and none is later than the latest label of any day."""
    late = day_of(with_bad_nights(good, {BadNight.LATE_LABELS: DAY}).rides)
    delay = pc.subtract(late["available_at"], late["event_at"]).to_numpy() / np.timedelta64(1, "D")
    assert delay.min() == 6.0
    assert delay.max() <= 7.0


def test_a_day_outside_the_world_changes_nothing(good: World) -> None:
    """A plan for a longer world fits a shorter one."""
    bad = with_bad_nights(good, dict.fromkeys(BadNight, 400))
    assert bad.conditions.equals(good.conditions)
    assert bad.rides.equals(good.rides)


def test_several_faults_can_meet_in_one_world(good: World) -> None:
    """Each fault of a plan is there, each on its own day."""
    bad = with_bad_nights(good, {BadNight.MISSING_DAY: 3, BadNight.NULL_TARGETS: 5})
    assert split(bad.conditions, 3)[0].num_rows == 0
    assert split(bad.rides, 5)[0]["rides"].null_count == 24
    assert split(bad.rides, 3)[0].num_rows == 24


def test_the_plan_has_every_fault_once_between_the_first_training_and_the_shock() -> None:
    """No two within two weeks, all before day 360, and the absolute zero before the concept begins to change."""
    days = sorted(PLAN.values())
    assert set(BadNight) == set(PLAN)
    assert min(np.diff(days)) >= 14
    assert days[0] > 108
    assert days[-1] < 360 < DAYS
    assert PLAN[BadNight.KELVIN_ZERO] == 150


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_the_plan_s_faults_leave_the_range_of_plausible_values(seed: int) -> None:
    """On their planned days every Fahrenheit reading is above 45, and every count times 500 above 5000."""
    bad = with_bad_nights(world(seed=seed, days=250, start=START))
    fahrenheit = split(bad.conditions, PLAN[BadNight.FAHRENHEIT])[0]["temperature"].to_numpy()
    counts = split(bad.rides, PLAN[BadNight.TARGET_TIMES_500])[0]["rides"].to_numpy()
    assert np.mean(fahrenheit > 45) == 1.0
    assert np.mean(counts > 5000) == 1.0
