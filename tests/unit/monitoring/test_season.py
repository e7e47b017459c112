"""Which nights of the reference a night is held against."""

from __future__ import annotations

from datetime import date

import numpy as np

from perennial.monitoring.shift.night_null import night_null
from perennial.monitoring.shift.season import season

EPOCH = date(1970, 1, 1).toordinal()


def number(year: int, month: int, day: int) -> int:
    """Return the number of a day since 1970-01-01."""
    return date(year, month, day).toordinal() - EPOCH


def test_four_nights_of_the_same_weekday_are_enough() -> None:
    """Four weeks of reference, and a Tuesday to be held against its Tuesdays."""
    first = number(2024, 1, 1)  # a Monday
    nights = list(range(first, first + 28))
    found = season(nights, number(2024, 2, 6))
    assert found.words == "4 Tuesdays"
    assert [nights[i] - first for i in found.alike] == [1, 8, 15, 22]
    assert found.peers.tolist() == list(range(28))
    assert all(len({(nights[i] - first) % 7 for i in found.peers[found.group == group]}) == 1 for group in range(7))


def test_with_fewer_all_weekdays_are_taken() -> None:
    """A reference of three weeks."""
    first = number(2024, 1, 1)
    found = season(list(range(first, first + 21)), number(2024, 2, 6))
    assert (found.words, found.alike.tolist(), found.group.tolist()) == ("", list(range(21)), [0] * 21)


def test_of_more_than_a_year_only_the_same_part_of_the_year_is_taken() -> None:
    """Two years: the Wednesdays within 45 days of the first of January, in December and in January."""
    first = number(2022, 1, 1)
    nights = list(range(first, number(2024, 1, 1)))
    found = season(nights, number(2025, 1, 1))
    assert found.words == "25 Wednesdays within 45 days of the same date"
    months = {date.fromordinal(nights[i] + EPOCH).month for i in found.peers}
    assert months == {1, 2, 11, 12}


def test_a_year_with_a_gap_there_is_no_season() -> None:
    """More than a year apart, but too few nights near the date: all nights are taken."""
    spring = range(number(2023, 3, 1), number(2023, 4, 1))
    nights = [*spring, *range(number(2024, 4, 1), number(2024, 4, 20))]
    assert season(nights, number(2024, 10, 1)).words == "7 Tuesdays"


def test_without_a_day_all_nights_are_alike() -> None:
    """As where a reference has no nights at all."""
    found = season([1, 2, 3], None)
    assert (found.words, found.alike.tolist(), found.peers.tolist()) == ("", [0, 1, 2], [0, 1, 2])
    assert season([], 5).alike.size == 0


def test_a_lone_night_of_its_weekday_takes_no_part() -> None:
    """There is no other one to hold it against."""
    first = number(2024, 1, 1)
    tuesdays = [first + 1 + 7 * week for week in range(5)]
    found = season([first, *tuesdays], number(2024, 3, 5))
    assert (found.words, found.peers.tolist(), found.group.tolist()) == ("5 Tuesdays", [1, 2, 3, 4, 5], [0] * 5)


def test_weekends_do_not_count_as_differences_between_nights_where_weekdays_are_matched() -> None:
    """Nights that differ by weekday only teach a low threshold, where each is held against its own weekday."""
    weekday, weekend = np.full(10, 100), np.repeat([150, 50], 5)
    nights = np.array([weekend if day % 7 in {5, 6} else weekday for day in range(28)])
    group = np.array([int(day % 7 in {5, 6}) for day in range(28)])
    matched = night_null(nights[group == 1].sum(axis=0), weekend, nights, 0.0, group)
    mixed = night_null(nights.sum(axis=0), weekend, nights, 0.0)
    assert matched.threshold(0.001) < mixed.threshold(0.001) / 3
