"""From figures and moments to places on a plot."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps *low* to *start* and *high* to *end*, in a straight line. Where both are the same, everything lies at *start*."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of *value*."""
        if self.high == self.low:
            return self.start
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Return round figures from *low* to *high*, about so many.

    Examples:
        >>> ticks(0, 23)
        [0.0, 10.0, 20.0]
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in _STEPS if power * factor >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(step * place, 12) for place in range(first, math.floor(high / step + 1e-9) + 1)]


def dates(start: datetime, end: datetime, about: int = 8) -> list[datetime]:
    """Return midnights of UTC from *start* to *end*, about so many: days a round number apart, or firsts of months."""
    days = (end - start) / timedelta(days=1)
    step = next((step for step in (1, 2, 7, 14) if days / step <= about), None)
    if step is not None:
        first = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        first = first if first >= start else first + timedelta(days=1)
        return [first + timedelta(days=step * place) for place in range(int((end - first).total_seconds() // 86400) // step + 1)]
    months = _firsts(start, end)
    return months[:: max(1, math.ceil(len(months) / about))]


def top(values: Iterable[float | None]) -> float:
    """Return the greatest finite value, or 1 where there is none above 0."""
    found = max((value for value in values if value is not None and math.isfinite(value)), default=0.0)
    return found if found > 0 else 1.0


def _firsts(start: datetime, end: datetime) -> list[datetime]:
    found, year, month = [], start.year, start.month
    while (at := datetime(year, month, 1, tzinfo=UTC)) < end:
        if at >= start:
            found.append(at)
        year, month = (year + 1, 1) if month == _MONTHS_A_YEAR else (year, month + 1)
    return found
