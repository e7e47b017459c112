"""Moments along an axis: which ones are named, and how."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

from perennial.web.plots.scale import Scale
from perennial.web.plots.svg import element

_DAY = timedelta(days=1)
_STEPS = (
    *(timedelta(minutes=many) for many in (1, 5, 15, 30)),
    *(timedelta(hours=many) for many in (1, 2, 3, 6, 12)),
    *(timedelta(days=many) for many in (1, 2, 7, 14)),
)
_MONTHS_A_YEAR = 12
_HALF = 48.0
"""Half the width of the longest name, in units of a plot."""


def dates(start: datetime, end: datetime, about: int = 8) -> list[datetime]:
    """Return moments of UTC from *start* to *end*, about so many: minutes, hours or days a round number apart, or firsts of months.

    Examples:
        >>> found = dates(datetime(2024, 3, 1, 2, tzinfo=UTC), datetime(2024, 3, 1, 9, tzinfo=UTC), about=4)
        >>> [f"{at:%H:%M}" for at in found]
        ['02:00', '04:00', '06:00', '08:00']
    """
    step = next((step for step in _STEPS if (end - start) / step <= about), None)
    if step is None:
        months = _firsts(start, end)
        return months[:: max(1, math.ceil(len(months) / about))]
    midnight = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    unit = min(step, _DAY)
    first = midnight + math.ceil((start - midnight) / unit) * unit
    return [first + step * place for place in range((end - first) // step + 1)]


def named(moments: Sequence[datetime]) -> list[str]:
    """Return what *moments* are called beside each other: the first by its year, too, and later ones by what is new.

    Examples:
        >>> named([datetime(2024, 3, 1, 12), datetime(2024, 3, 2), datetime(2024, 3, 2, 12)])
        ['01 Mar 2024 12:00', '02 Mar', '12:00']
    """
    return [_named(at, moments[place - 1] if place else None) for place, at in enumerate(moments)]


def date_axis(start: datetime, end: datetime, across: Scale, y: float) -> Iterator[Markup]:
    """Yield the dates from *start* to *end* below a plot, within its width; the foot of the letters is at *y*."""
    moments = dates(start, end)
    for at, name in zip(moments, named(moments), strict=True):
        x = across(at.timestamp())
        yield element("path", class_="tickmark", d=f"M{x:.1f} {y - 14}v4")
        yield element("text", name, class_="tick", x=x, y=y, text_anchor="end" if x > across.end - _HALF else "middle")


def _named(at: datetime, before: datetime | None) -> str:
    time = f"{at:%H:%M}" if at.hour or at.minute else ""
    if before is not None and at.date() == before.date():
        return time
    year = "" if before is not None and at.year == before.year else f" {at.year}"
    return f"{at:%d %b}{year} {time}".rstrip()


def _firsts(start: datetime, end: datetime) -> list[datetime]:
    found, year, month = [], start.year, start.month
    while (at := datetime(year, month, 1, tzinfo=UTC)) < end:
        if at >= start:
            found.append(at)
        year, month = (year + 1, 1) if month == _MONTHS_A_YEAR else (year, month + 1)
    return found
