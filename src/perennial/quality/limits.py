"""The two ends of a range, and what lies beyond them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from perennial.quality.column import Column, Kind, Misfit
from perennial.quality.marks import Mask

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """The ends of a range: numbers, or microseconds since 1970.

    Attributes:
        low: The lower end, or None.
        high: The upper end, or None.
        above: Whether the lower end is excluded.
        below: Whether the upper end is excluded.
        moments: Whether the ends are moments.
    """

    low: float | None
    high: float | None
    above: bool = False
    below: bool = False
    moments: bool = False

    @classmethod
    def of(cls, arguments: Mapping[str, object]) -> Limits:
        """Return the range that the arguments of an expectation mean."""
        ends = [arguments.get(name) for name in ("min_value", "max_value")]
        low, high = (_end(end) for end in ends)
        strict = (bool(arguments.get("strict_min")), bool(arguments.get("strict_max")))
        return cls(low, high, *strict, moments=any(isinstance(end, str) for end in ends))

    def outside(self, values: npt.NDArray[Any]) -> Mask:
        """Return where *values* lie outside; NaN does not."""
        found = np.zeros(len(values), dtype=bool)
        if self.low is not None:
            found |= values <= self.low if self.above else values < self.low
        if self.high is not None:
            found |= values >= self.high if self.below else values > self.high
        return found

    def holds(self, figure: float) -> bool:
        """Return whether *figure* lies inside."""
        return not bool(self.outside(np.array([figure]))[0])

    def fit(self, kind: Kind, *, values: bool) -> None:
        """Refuse a column that cannot be compared with the ends.

        Args:
            kind: What the column holds.
            values: Whether it has any value. What has none is met by every range, except that moments never meet numbers.

        Raises:
            Misfit: Numbers on one side, and something else on the other.
        """
        fits = kind is Kind.MOMENT if self.moments else kind.numeric
        if not fits and (values or kind in (Kind.MOMENT, Kind.OTHER)):
            raise Misfit


def beyond(limits: Limits, column: Column) -> Mask | None:
    """Return which values of *column* lie outside *limits*; None where none does.

    Raises:
        Misfit: The two cannot be compared.
    """
    limits.fit(column.kind, values=column.count > 0)
    if column.count == 0:
        return None
    if not limits.moments:
        return None if _within(limits, column.ends) else limits.outside(column.numbers)
    found = limits.outside(column.micros)
    return found if column.missing is None else found & ~column.missing


def _within(limits: Limits, ends: tuple[float, float]) -> bool:
    """Return whether both ends lie inside. NaN says nothing."""
    return not any(np.isnan(ends)) and limits.holds(ends[0]) and limits.holds(ends[1])


def _end(value: object) -> float | None:
    if isinstance(value, str):
        return (datetime.fromisoformat(value) - _EPOCH) // _MICROSECOND
    return None if value is None else float(value)  # type: ignore[arg-type] # the catalogue has seen that it is a number
