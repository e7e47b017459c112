"""By how much a timezone is ahead of UTC at each moment, as numbers that NumPy and a database can look up alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from perennial.monitoring.psi import Counts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(1880, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_STEP = timedelta(days=7)
_SECOND = timedelta(seconds=1)
_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Zone:
    """The offsets of a timezone.

    Attributes:
        starts: When each offset but the first begins, in microseconds since 1970, ascending, shape (offsets - 1,).
        offsets: In microseconds ahead of UTC, shape (offsets,).
    """

    starts: Counts
    offsets: Counts

    def local(self, moments: Counts) -> Counts:
        """Return the local time of each moment, both in microseconds since 1970, shape (rows,)."""
        return moments + self.offsets[np.searchsorted(self.starts, moments, side="right")]


@cache
def zone(name: str) -> Zone:
    """Return the offsets of the IANA timezone *name*; the first and the last one go on for ever.

    They are looked for week by week from 1880 to 2200; two changes within one week may be missed.
    """
    own = ZoneInfo(name)
    starts, offsets = [], [_offset(own, _FIRST)]
    at = _FIRST
    while at < _LAST:
        after = at + _STEP
        if _offset(own, after) != offsets[-1]:
            starts.append(_change(own, at, after))
            offsets.append(_offset(own, after))
        at = after
    return Zone(np.array(starts, dtype=np.int64), np.array(offsets, dtype=np.int64))


def _offset(own: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(own).utcoffset()
    return (offset or timedelta()) // _SECOND * _SECOND_US


def _change(own: ZoneInfo, before: datetime, after: datetime) -> int:
    """Return the second at which the offset of *after* begins, in microseconds since 1970."""
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        before, after = (middle, after) if _offset(own, middle) == _offset(own, before) else (before, middle)
    return (after - _EPOCH) // _SECOND * _SECOND_US
