"""One segment out of those of a definition."""

from __future__ import annotations

from difflib import get_close_matches

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.shown import shown
from perennial.definition.models import Definition

_MANY = 12


def segment_of(definition: Definition, name: str | None) -> str:
    """Return *name* if it is a segment of *definition*, or the only one where none is named.

    Raises:
        RejectedError: SEGMENT_UNKNOWN.
    """
    names = definition.segment_names
    if name in names:
        return name
    if name is None and len(names) == 1:
        return names[0]
    got = f"is none of its segments, got {shown(name)}" if name is not None else "has several segments, of which one must be named"
    raise RejectedError(Code.SEGMENT_UNKNOWN, f"{got}{_instead(name, names)}", where=definition.name)


def _instead(name: str | None, names: tuple[str, ...]) -> str:
    close = get_close_matches(name or "", names, n=1)
    if close:
        return f", did you mean {close[0]}?"
    listed = ", ".join(names[:_MANY])
    return f"; must be one of {listed}{f' and {len(names) - _MANY} more' if len(names) > _MANY else ''}"
