"""Which nights of the reference are like tonight: of the same weekday, and of the same part of the year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perennial.monitoring.psi import Counts

ENOUGH = 4
"""With fewer reference nights of tonight's weekday, all weekdays are taken together; so are all times of the day."""

_WEEK, _YEAR = 7, 365.25
_SPAN = 45
_FIRST = 3
_NAMES = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


@dataclass(frozen=True, slots=True)
class Season:
    """How the nights of the reference are taken.

    Attributes:
        alike: Shape (alike,), the positions of those that tonight is held against.
        peers: Shape (peers,), the positions of those that show how nights differ.
        group: Shape (peers,), a number from 0 on; a night is held against the others of its group.
        words: Which nights are alike, for a sentence; empty where all are.
    """

    alike: Counts
    peers: Counts
    group: Counts
    words: str = ""


def season(nights: Sequence[int], tonight: int | None, a_day: int = 1) -> Season:
    """Choose the nights that *tonight* is held against.

    Where the reference spans more than a year, they are those within 45 days of tonight's date in any year. Of these only those at
    tonight's time of the day, where days have several nights; of these only those of tonight's weekday. Either only where there
    are four. A night is only held against nights of its own time and weekday then, but how much nights differ is learned from all
    together: four Tuesdays alone could not tell.

    Args:
        nights: The number of each night: of its day since 1970-01-01, a Thursday, times *a_day*, plus its place in the day.
        tonight: The number of tonight; where None, all nights are alike.
        a_day: How many nights a day has.
    """
    numbers = np.array(nights, dtype=np.int64)
    if tonight is None:
        return _all(np.arange(numbers.size))
    near = _near(numbers // a_day, tonight // a_day, a_day)
    about = "" if near.size == numbers.size else f" within {_SPAN} days of the same date"
    clock = " at the same time of the day" if a_day > 1 else ""
    today = (tonight // a_day + _FIRST) % _WEEK
    cycles = {_WEEK * a_day: _NAMES[today], **({a_day: "nights"} if a_day > 1 else {})}
    for cycle, name in cycles.items():
        place = numbers[near] % cycle
        same = near[place == tonight % cycle]
        if same.size >= ENOUGH:
            paired = np.bincount(place)[place] > 1
            group = np.unique(place[paired], return_inverse=True)[1]
            return Season(same, near[paired], group, f"{same.size} {name}{clock}{about}")
    return _all(near, f"{near.size} nights{about}" if about else "")


def _all(positions: Counts, words: str = "") -> Season:
    return Season(positions, positions, np.zeros(positions.size, np.int64), words)


def _near(days: Counts, today: int, a_day: int) -> Counts:
    """Return the positions of the nights in tonight's part of the year; all, where the reference has no whole year, or too few."""
    apart = np.abs((days - today + _YEAR / 2) % _YEAR - _YEAR / 2)
    near = np.flatnonzero(apart <= _SPAN)
    whole = days.size > 0 and days.max() - days.min() >= _YEAR
    return near if whole and near.size >= ENOUGH * _WEEK * a_day else np.arange(days.size)
