"""Figures, moments and names as a page shows them."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from perennial.core.interval import Interval

NOTHING = "-"
_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
_LARGE, _SMALL = 1e6, 1e-3


def figure(value: float | None, digits: int = 3) -> str:
    """Return a figure with about so many digits.

    Examples:
        >>> figure(0.123456), figure(1234567.0), figure(24.0), figure(None), figure(1532.7)
        ('0.123', '1.23e+06', '24', '-', '1533')
    """
    if value is None:
        return NOTHING
    if not math.isfinite(value) or (value and not _SMALL <= abs(value) < _LARGE):
        return f"{value:.{digits}g}"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0) if value else 0
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").removesuffix(".") if "." in text else text


def share(value: float | None) -> str:
    """Return a share in percent.

    Examples:
        >>> share(0.256), share(None), share(12.0)
        ('26 %', '-', '1200 %')
    """
    return NOTHING if value is None or not math.isfinite(value) else f"{value * 100:.0f} %"


def day(at: datetime | None) -> str:
    """Return the date of a moment, in UTC."""
    return NOTHING if at is None else f"{at:%Y-%m-%d}"


def minute(at: datetime | None) -> str:
    """Return a moment to the minute, in UTC.

    Examples:
        >>> minute(None)
        '-'
    """
    return NOTHING if at is None else f"{at:%Y-%m-%d %H:%M}Z"


def span(interval: Interval | None) -> str:
    """Return an interval; one of a whole day is that day.

    Examples:
        >>> span(Interval.parse("2024-03-01/2024-03-02")), span(Interval.parse("2024-03-01T02:00/2024-03-02T02:00"))
        ('2024-03-01', '2024-03-01 02:00Z to 2024-03-02 02:00Z')
    """
    if interval is None:
        return NOTHING
    whole = interval.length == _DAY and interval.start.hour == interval.start.minute == 0
    return day(interval.start) if whole else f"{minute(interval.start)} to {minute(interval.end)}"


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago a moment was, or how far ahead it is.

    Examples:
        >>> from perennial.core.interval import moment
        >>> ago(moment("2024-03-01"), moment("2024-03-04")), ago(moment("2024-03-01"), moment("2024-02-29T21:00"))
        ('3 days ago', 'in 3 hours')
    """
    if at is None:
        return NOTHING
    apart = abs(now - at)
    unit, name = next(
        ((unit, name) for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")) if apart >= unit), (None, "")
    )
    if unit is None:
        return "now"
    many = apart // unit
    said = f"{many} {name}" if many == 1 else f"{many} {name}s"
    return f"{said} ago" if at <= now else f"in {said}"


def short(name: str | None, most: int = 12) -> str:
    """Return the beginning of an id.

    Examples:
        >>> short("0123456789abcdef"), short("v1"), short(None)
        ('0123456789ab', 'v1', '-')
    """
    return NOTHING if name is None else name[:most]


def seconds(value: float | None) -> str:
    """Return a duration.

    Examples:
        >>> seconds(0.0123), seconds(75.0), seconds(None)
        ('12.3 ms', '75 s', '-')
    """
    if value is None:
        return NOTHING
    return f"{figure(value * 1000)} ms" if value < 1 else f"{figure(value)} s"


def size(value: float | None) -> str:
    """Return an amount of memory.

    Examples:
        >>> size(3 * 2**20), size(None)
        ('3 MiB', '-')
    """
    return NOTHING if value is None else f"{figure(value / 2**20)} MiB"


def first(text: str | None, most: int = 160) -> str:
    """Return the beginning of a sentence.

    Examples:
        >>> first("one two three", 8)
        'one …'
    """
    if text is None:
        return NOTHING
    return text if len(text) <= most else f"{text[: most - 1].rpartition(' ')[0] or text[: most - 1]} …"
