"""Timezones of the IANA database."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError
from perennial.core.shown import shown

# They lie beside the database's files, but name no place, or another one on every machine.
_NO_PLACE = ("posix/", "right/", "localtime", "posixrules", "Factory")


@lru_cache(maxsize=1000)
def check_timezone(timezone: str) -> str:
    """Return *timezone* if it is in the IANA database.

    Raises:
        DefinitionError: DEFINITION_TIMEZONE.

    Examples:
        >>> check_timezone("Europe/Berlin")
        'Europe/Berlin'
    """
    if timezone.startswith(_NO_PLACE) or not _exists(timezone):
        message = f"must be an IANA timezone such as UTC or Europe/Berlin, got {shown(timezone)}{_meant(timezone)}"
        raise DefinitionError(Code.DEFINITION_TIMEZONE, message, where="timezone")
    return timezone


def _exists(timezone: str) -> bool:
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _meant(timezone: str) -> str:
    known = {zone.lower(): zone for zone in available_timezones() if not zone.startswith(_NO_PLACE)}
    close = get_close_matches(timezone[:100].lower(), known, n=1, cutoff=0.8)
    return f", did you mean '{known[close[0]]}'?" if close else ""
