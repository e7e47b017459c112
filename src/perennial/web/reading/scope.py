"""What every page about a model begins with: that it is there, and which nights are looked at."""

from __future__ import annotations

from datetime import datetime, timedelta

from fastapi import HTTPException

from perennial.core.errors import DataError
from perennial.core.health import Standing
from perennial.core.interval import Interval, moment
from perennial.core.receipts import ALL, ModelVersion
from perennial.web.asking import Asked
from perennial.web.site import Site

DAYS = 120
"""How many days a page shows where nobody says."""


def standing_of(asked: Asked) -> Standing:
    """Return how the model and segment stand.

    Raises:
        HTTPException: 404, nothing is known of them.
    """
    found = asked.site.health().standing(asked.model, asked.segment)
    nothing = found.epoch is None and found.decision is None and found.request is None
    if nothing and not is_known(asked):
        raise HTTPException(404, "There is no such model and segment.")
    return found


def is_known(asked: Asked) -> bool:
    """Return whether there is a definition, or a record, of the model and segment."""
    return asked.segment in segments_of(asked.site, asked.model)


def segments_of(site: Site, model: str) -> tuple[str, ...]:
    """Return the segments of *model*: first those of its definition, then those that were recorded; none without a model.

    A definition that is broken may have any; it counts as one without segments.
    """
    definition = site.definitions.get(model)
    named = definition.segment_names if definition else ()
    found = tuple(dict.fromkeys((*named, *site.health().segments(model))))
    return found or ((ALL,) if model in site.definitions.names() else ())


def window(asked: Asked, days: int, until: str | None = None) -> Interval | None:
    """Return the *days* before *until*, or before the end of the last night that was decided; None where none was."""
    decided = asked.site.health().decided(asked.model, asked.segment)
    if decided is None:
        return None
    end = read_moment(until) if until else decided.end
    return Interval(end - timedelta(days=days), end)


def read_moment(text: str) -> datetime:
    """Return a moment of a request.

    Raises:
        HTTPException: 422.
    """
    try:
        return moment(text.replace(" ", "+"))  # an unescaped plus of an offset
    except (DataError, OverflowError):
        raise HTTPException(422, "A moment must be ISO 8601, such as 2024-03-01T02:00Z.") from None


def version_of(asked: Asked, version: str) -> ModelVersion:
    """Return a version of the model and segment that is asked for, and of no other.

    Raises:
        HTTPException: 404.
        RejectedError: MODEL_UNKNOWN.
    """
    made = asked.site.stores().ledger.get(ModelVersion, version)
    if (made.model, made.segment) != (asked.model, asked.segment):
        raise HTTPException(404, "There is no such version of this model and segment.")
    return made
