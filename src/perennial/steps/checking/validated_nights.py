"""The nights that were validated, each with the verdict that stands."""

from __future__ import annotations

from datetime import UTC, datetime

from perennial.core.interval import Interval
from perennial.core.receipts import Purpose, Validation
from perennial.ports import Stores
from perennial.steps.checking.faulty_nights import LONGEST_NIGHT

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


def validated_nights(stores: Stores, model: str, segment: str, since: datetime) -> list[Validation]:
    """Return the last validation of each night that ends after *since*, in the order of the nights."""
    begun = Interval(since - LONGEST_NIGHT, _END_OF_TIME)
    last = {
        found.interval: found
        for found in stores.ledger.history(Validation, model, segment, within=begun)
        if found.purpose is Purpose.SCORE and found.interval.end > since
    }
    return list(last.values())
