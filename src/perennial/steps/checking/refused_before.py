"""Rows of a training window that their own night refused for what only a night is asked: its sentinels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perennial.core.interval import Interval
from perennial.core.names import REASONS
from perennial.core.receipts import Purpose, Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.quality.marks import Marks
from perennial.quality.scan import Batch, Tally
from perennial.quality.sentinels import EXPECTATION, is_reason
from perennial.steps.arrays import moments
from perennial.steps.checking.faulty_nights import LONGEST_NIGHT
from perennial.steps.columns import entity_text
from perennial.steps.snapshots.stored_parquet import read_stored


class RefusedBefore:
    """Marks the rows, by entity and event, that the nights of a window refused for a sentinel, and that nobody released."""

    def __init__(self, definition: Definition, stores: Stores, snapshot: Snapshot) -> None:
        """Look up what the nights refused; of a night's own snapshot nothing.

        Raises:
            ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM, of a quarantine.
        """
        source = definition.source
        self.columns = (*source.entity, source.event_at)
        self.marks = Marks()
        self._entity, self._event_at = source.entity, source.event_at
        nights = _nights(stores, snapshot) if snapshot.purpose is Purpose.TRAIN else []
        self._keys = {key for night in nights for key in _refused(definition, stores, night)}
        self._moments = np.array(sorted({at for at, _ in self._keys}), np.int64)

    @property
    def tallies(self) -> list[Tally]:
        """Who wants to see the rows."""
        return [self] if self._keys else []

    def see(self, batch: Batch) -> None:
        """Mark the rows of *batch* that were refused before."""
        positions = np.flatnonzero(np.isin(batch[self._event_at].micros, self._moments))
        chosen = batch.rows.select(list(self.columns)).take(pa.array(positions))
        at = batch[self._event_at].micros[positions]
        self.marks.add_positions(batch.start + positions[_among(self._keys, at, entity_text(chosen, self._entity))])

    def again(self) -> bool:
        """One pass suffices."""
        return False


def _among(keys: set[tuple[int, str]], at: npt.NDArray[np.int64], entities: pa.Array) -> npt.NDArray[np.bool_]:
    return np.array([key in keys for key in zip(at.tolist(), entities.to_pylist(), strict=True)], dtype=bool)


def _nights(stores: Stores, snapshot: Snapshot) -> list[Validation]:
    """Return the last validations of the window's nights that passed without some rows that hold a sentinel."""
    begun = Interval(snapshot.interval.start - LONGEST_NIGHT, snapshot.interval.end)
    last = {
        night.interval: night
        for night in stores.ledger.history(Validation, snapshot.model, snapshot.segment, within=begun)
        if night.purpose is Purpose.SCORE and night.as_of <= snapshot.as_of
    }
    return [night for night in last.values() if night.verdict is Verdict.PASS and night.quarantine and _has_sentinels(night)]


def _has_sentinels(night: Validation) -> bool:
    return any(finding.expectation == EXPECTATION and not finding.success for finding in night.findings)


def _refused(definition: Definition, stores: Stores, night: Validation) -> Iterator[tuple[int, str]]:
    """Yield the event, in microseconds since 1970, and the entity of each row that was refused for a sentinel."""
    source = definition.source
    if night.quarantine is None:
        return
    kept = read_stored(stores.artifacts, night.quarantine, [*source.entity, source.event_at, REASONS])
    said = [any(map(is_reason, reasons)) for reasons in kept.column(REASONS).to_pylist()]
    rows = kept.filter(pa.array(said))
    yield from zip(moments(rows, definition).tolist(), entity_text(rows, source.entity).to_pylist(), strict=True)
