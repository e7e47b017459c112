"""Cron expressions of five fields: minute, hour, day of month, month, day of week."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from croniter import CroniterBadDateError, CroniterError, croniter

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError
from perennial.core.shown import shown

_FIELDS = 5
_MAX_LENGTH = 200
_TICKS = 50
_FIRST = datetime(2023, 12, 31)  # noqa: DTZ001 - wall time, which is what a cron is about


@lru_cache(maxsize=1000)
def check_cron(cron: str) -> str:
    """Return *cron* if it can be read and fires.

    Raises:
        DefinitionError: DEFINITION_CRON.

    Examples:
        >>> check_cron("0 2 * * *")
        '0 2 * * *'
    """
    if len(cron) > _MAX_LENGTH or len(cron.split()) != _FIELDS:
        raise _bad("must have five fields: minute, hour, day of month, month, day of week", cron)
    try:
        croniter(cron, _FIRST).get_next(datetime)
    except CroniterBadDateError:
        raise _bad("must fire on some day of the calendar", cron) from None
    except (CroniterError, ValueError, KeyError, TypeError, AttributeError):
        raise _bad("must be a cron expression such as '0 2 * * *'", cron) from None
    return cron


@lru_cache(maxsize=1000)
def shortest_interval(cron: str) -> timedelta:
    """Return the shortest time between two of the next 50 times that *cron* fires, on the clock on the wall.

    Examples:
        >>> shortest_interval("0 2 * * 1-5")
        datetime.timedelta(days=1)
    """
    moments = croniter(cron, _FIRST)
    ticks = [moments.get_next(datetime) for _ in range(_TICKS)]
    return min(later - earlier for earlier, later in pairwise(ticks))


def _bad(allowed: str, cron: str) -> DefinitionError:
    return DefinitionError(Code.DEFINITION_CRON, f"{allowed}, got {shown(cron)}", where="cron")
