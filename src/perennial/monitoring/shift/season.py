"""Which nights of the reference are like tonight: of the same weekday, and of the same part of the year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perennial.monitoring.psi import Counts

ENOUGH = 4
"""With fewer reference nights of tonight's weekday, all weekdays are taken together."""

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


def season(nights: Sequence[int], tonight: int | None) -> Season:
    """Choose the nights that *tonight* is held against.

    Where the reference spans more than a year, they are those within 45 days of tonight's date in any year; where at least four of
    these have tonight's weekday, only those. A night is only held against nights of its own weekday then, but how much nights
    differ is learned from all weekdays together: four Tuesdays alone could not tell.

    Args:
        nights: The number of each night's day since 1970-01-01, a Thursday.
        tonight: The number of the night's day; where None, all nights are alike.
    """
    numbers = np.array(nights, dtype=np.int64)
    if tonight is None:
        return _all(np.arange(numbers.size))
    near = _near(numbers, tonight)
    about = "" if near.size == numbers.size else f" within {_SPAN} days of the same date"
    weekday, today = (numbers[near] + _FIRST) % _WEEK, (tonight + _FIRST) % _WEEK
    same = near[weekday == today]
    if same.size < ENOUGH:
        return _all(near, f"{near.size} nights{about}" if about else "")
    paired = np.bincount(weekday)[weekday] > 1
    group = np.unique(weekday[paired], return_inverse=True)[1]
    return Season(same, near[paired], group, f"{same.size} {_NAMES[today]}{about}")


def _all(positions: Counts, words: str = "") -> Season:
    return Season(positions, positions, np.zeros(positions.size, np.int64), words)


def _near(numbers: Counts, tonight: int) -> Counts:
    """Return the positions of the nights in tonight's part of the year; all, where the reference has no whole year, or too few."""
    apart = np.abs((numbers - tonight + _YEAR / 2) % _YEAR - _YEAR / 2)
    near = np.flatnonzero(apart <= _SPAN)
    whole = numbers.size > 0 and numbers.max() - numbers.min() >= _YEAR
    return near if whole and near.size >= ENOUGH * _WEEK else np.arange(numbers.size)
