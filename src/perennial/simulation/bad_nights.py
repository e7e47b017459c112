"""The demo's bad nights: which day goes wrong in which way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from perennial.simulation import corruptions
from perennial.simulation.world import World

Corruption = Callable[[pa.Table], pa.Table]


class BadNight(StrEnum):
    """A way in which a day's data can be wrong."""

    KELVIN_ZERO = "kelvin_zero"
    FAHRENHEIT = "fahrenheit"
    MISSING_DAY = "missing_day"
    DELIVERED_TWICE = "delivered_twice"
    TARGET_TIMES_500 = "target_times_500"
    SENTINELS = "sentinels"
    LATE_LABELS = "late_labels"
    NULL_TARGETS = "null_targets"


PLAN: Mapping[BadNight, int] = MappingProxyType(
    {
        BadNight.KELVIN_ZERO: 150,
        BadNight.FAHRENHEIT: 175,
        BadNight.MISSING_DAY: 195,
        BadNight.DELIVERED_TWICE: 215,
        BadNight.TARGET_TIMES_500: 240,
        BadNight.SENTINELS: 265,
        BadNight.LATE_LABELS: 300,
        BadNight.NULL_TARGETS: 335,
    }
)
"""Days since the start. Fahrenheit needs a warm day: 45 degrees and more is no temperature of this city in Celsius."""

_CONDITIONS: Mapping[BadNight, Corruption] = MappingProxyType(
    {
        BadNight.KELVIN_ZERO: corruptions.kelvin_zero,
        BadNight.FAHRENHEIT: corruptions.fahrenheit,
        BadNight.MISSING_DAY: corruptions.missing,
        BadNight.DELIVERED_TWICE: corruptions.twice,
        BadNight.SENTINELS: corruptions.sentinels,
    }
)
_RIDES: Mapping[BadNight, Corruption] = MappingProxyType(
    {
        BadNight.TARGET_TIMES_500: corruptions.times_500,
        BadNight.LATE_LABELS: corruptions.late_labels,
        BadNight.NULL_TARGETS: corruptions.null_targets,
    }
)


def with_bad_nights(world: World, plan: Mapping[BadNight, int] = PLAN) -> World:
    """Return *world* with the data of some days as it is delivered when something goes wrong.

    Args:
        world: A world whose days are all good.
        plan: The day since the start, UTC, of each fault. A day outside the world changes nothing.
    """
    conditions, rides = world.conditions, world.rides
    for kind, day in plan.items():
        at = datetime.combine(world.start, time(), UTC) + timedelta(days=day)
        if kind in _CONDITIONS:
            conditions = _on_day(conditions, at, _CONDITIONS[kind])
        else:
            rides = _on_day(rides, at, _RIDES[kind])
    return World(world.start, conditions, rides)


def _on_day(table: pa.Table, at: datetime, corruption: Corruption) -> pa.Table:
    """Return *table*, whose days stand in order, with the rows of the 24 hours from *at* replaced."""
    event_at = table.column("event_at")
    before, until = (pc.sum(pc.less(event_at, _moment(end))).as_py() for end in (at, at + timedelta(days=1)))
    day = corruption(table.slice(before, until - before))
    return pa.concat_tables([table.slice(0, before), day, table.slice(until)]).combine_chunks()


def _moment(at: datetime) -> pa.Scalar:
    return pa.scalar(at, pa.timestamp("us", tz="UTC"))
