"""From figures to places on a plot."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


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


def top(values: Iterable[float | None]) -> float:
    """Return the greatest finite value, or 1 where there is none above 0."""
    found = max((value for value in values if value is not None and math.isfinite(value)), default=0.0)
    return found if found > 0 else 1.0
