"""Half-open intervals in UTC: the only clock that a step has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from perennial.core.codes import Code
from perennial.core.errors import DataError


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """All moments from *start* up to, but not including, *end*.

    Examples:
        >>> Interval.parse("2024-03-01/2024-03-02").hours
        24.0
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Move both ends to UTC, and refuse an interval that is naive, empty or reversed."""
        object.__setattr__(self, "start", utc(self.start))
        object.__setattr__(self, "end", utc(self.end))
        if self.end <= self.start:
            raise DataError(Code.INTERVAL_EMPTY, f"must end after it starts, got {self}", where="interval")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``start/end`` in ISO 8601. What has no offset is UTC."""
        start, _, end = text.partition("/")
        return cls(moment(start), moment(end))

    @property
    def length(self) -> timedelta:
        """The time between the two ends."""
        return self.end - self.start

    @property
    def hours(self) -> float:
        """The length in hours."""
        return self.length / timedelta(hours=1)

    def __contains__(self, at: datetime) -> bool:
        """Return whether *at* lies inside."""
        return self.start <= at < self.end

    def overlaps(self, other: Interval) -> bool:
        """Return whether the two share a moment."""
        return self.start < other.end and other.start < self.end

    def split(self, step: timedelta) -> Iterator[Interval]:
        """Yield consecutive intervals of length *step*; the last one may be shorter."""
        start = self.start
        while start < self.end:
            end = min(start + step, self.end)
            yield Interval(start, end)
            start = end

    def __str__(self) -> str:
        """Return ``start/end`` in ISO 8601 with ``Z``."""
        return f"{iso(self.start)}/{iso(self.end)}"


def utc(at: datetime) -> datetime:
    """Return *at* in UTC.

    Raises:
        DataError: TIME_NAIVE, *at* has no timezone.
    """
    if at.tzinfo is None:
        raise DataError(Code.TIME_NAIVE, f"must have a timezone, got {at.isoformat()}", where="interval")
    return at.astimezone(UTC)


def moment(text: str) -> datetime:
    """Read one moment in ISO 8601; a date is its midnight, and what has no offset is UTC.

    Raises:
        DataError: RUN_NO_INTERVAL, *text* is no ISO 8601 moment.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise DataError(
            Code.RUN_NO_INTERVAL, f"must be ISO 8601, such as 2024-03-01T02:00Z, got {text!r}", where="interval"
        ) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def iso(at: datetime) -> str:
    """Return *at* in ISO 8601, in UTC with ``Z``.

    Examples:
        >>> iso(moment("2024-03-01"))
        '2024-03-01T00:00:00Z'
    """
    return utc(at).isoformat().removesuffix("+00:00") + "Z"
