"""Which part of a column moved, in words that name nothing but bins and values of the reference."""

from __future__ import annotations

import numpy as np

from perennial.monitoring.counting.edges import CategoricalEdges, NumericEdges
from perennial.monitoring.shift.attribution import parts

CITIES = CategoricalEdges(column="city", values=("Berlin", "Paris", "Rome"), others=("Oslo",))
TEMPERATURE = NumericEdges(column="temperature", cuts=(-5.0, 18.0, 23.0, 30.0), atoms=())


def each(edges: CategoricalEdges | NumericEdges, before: list[int], now: list[int]) -> tuple[str, ...]:
    """Return the parts, each test bin by itself."""
    return parts(edges, np.array(before), np.array(now), np.arange(len(before)))


def test_a_range_is_named_by_its_ends() -> None:
    """With its share before and now."""
    assert each(TEMPERATURE, [940, 40, 20, 0, 0, 0, 0, 0], [75, 17, 8, 0, 0, 0, 0, 0])[0] == "18 to 23: 4 % before, 17 % now"


def test_the_part_that_moved_most_comes_first_and_there_are_three_at_most() -> None:
    """Of five that moved."""
    found = each(TEMPERATURE, [700, 100, 100, 50, 50, 0, 0, 0], [10, 40, 30, 15, 5, 0, 0, 0])
    assert [part.split(":")[0] for part in found] == ["-5 to 18", "18 to 23", "23 to 30"]


def test_values_are_named_and_what_was_never_seen_is_not() -> None:
    """Nor is any of the rare ones."""
    assert each(CITIES, [30, 960, 10, 0, 0, 0], [21, 79, 0, 0, 0, 0])[0] == "Berlin: 3 % before, 21 % now"
    assert each(CITIES, [500, 500, 0, 0, 0, 0], [40, 40, 0, 0, 20, 0])[0] == "never seen before: 0 % before, 20 % now"
    assert each(CITIES, [500, 500, 0, 0, 0, 0], [40, 40, 0, 20, 0, 0])[0] == "other values: 0 % before, 20 % now"


def test_what_goes_missing_is_said() -> None:
    """For both kinds of columns."""
    assert each(CITIES, [999, 0, 0, 0, 0, 1], [10, 0, 0, 0, 0, 90])[0] == "missing: 0.1 % before, 90 % now"
    assert each(TEMPERATURE, [999, 0, 0, 0, 0, 0, 0, 1], [10, 0, 0, 0, 0, 0, 0, 90])[0] == "missing: 0.1 % before, 90 % now"


def test_what_lies_outside_the_range_is_said_without_a_value() -> None:
    """Below, above and infinite."""
    names = ["below the usual range", "above the usual range", "minus infinity", "infinity"]
    for position, name in enumerate(names):
        now = [50, 0, 0, 0, 0, 0, 0, 0]
        now[3 + position] = 50
        assert f"{name}: 0 % before, 50 % now" in each(TEMPERATURE, [1000, 0, 0, 0, 0, 0, 0, 0], now)


def test_bins_that_were_joined_are_named_together() -> None:
    """A range from end to end; of several values the first two."""
    joined = parts(TEMPERATURE, np.array([100, 100, 800, 0, 0, 0, 0, 0]), np.array([10, 70, 20, 0, 0, 0, 0, 0]), np.array([0, 2]))
    assert joined[0] in {"-5 to 23: 20 % before, 80 % now", "23 to 30: 80 % before, 20 % now"}
    rare = parts(CITIES, np.array([900, 50, 30, 20, 0, 0]), np.array([20, 40, 20, 20, 0, 0]), np.array([0, 1]))
    assert "Paris and Rome and 1 more: 10 % before, 80 % now" in rare
