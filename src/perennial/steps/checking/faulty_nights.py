"""The rows of nights that were found faulty, which no model is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from perennial.core.interval import Interval
from perennial.core.receipts import Purpose, Snapshot, Validation, Verdict
from perennial.ports import Stores
from perennial.quality.marks import Marks
from perennial.quality.scan import Batch
from perennial.steps.arrays import microseconds

LONGEST_NIGHT = timedelta(days=366)
"""A night that covers the first rows of a window may have begun so much earlier."""


def faulty_nights(stores: Stores, snapshot: Snapshot) -> list[Interval]:
    """Return the nights whose last verdict, of those with a cut-off up to the snapshot's, is not a pass."""
    begun = Interval(snapshot.interval.start - LONGEST_NIGHT, snapshot.interval.end)
    verdicts = {
        night.interval: night.verdict
        for night in stores.ledger.history(Validation, snapshot.model, snapshot.segment, within=begun)
        if night.purpose is Purpose.SCORE and night.as_of <= snapshot.as_of
    }
    return [night for night, verdict in verdicts.items() if verdict is not Verdict.PASS]


class InNights:
    """Marks the rows whose event lies in one of several nights."""

    def __init__(self, event_at: str, nights: Sequence[Interval]) -> None:
        """Look at the column *event_at*."""
        self.columns = (event_at,)
        self.marks = Marks()
        self._nights = [(microseconds(night.start), microseconds(night.end)) for night in nights]

    def see(self, batch: Batch) -> None:
        """Mark the rows of *batch* that lie in a night."""
        at = batch[self.columns[0]].micros
        inside = np.zeros(len(batch), dtype=bool)
        for start, end in self._nights:
            inside |= (at >= start) & (at < end)
        self.marks.add(batch.start, inside)

    def again(self) -> bool:
        """One pass suffices."""
        return False
