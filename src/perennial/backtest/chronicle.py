"""A ledger in memory for one run through a long history: fast where a ledger for tests looks at every row, and forgetful."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from perennial.core.interval import Interval
from perennial.core.receipts import (
    ALL,
    Approval,
    Measurement,
    NightLoss,
    PredictionBatch,
    Promotion,
    Receipt,
    RetrainRequest,
    Role,
    Snapshot,
)
from perennial.stores.ledger.receipts import shape_of
from perennial.testing import MemoryLedger
from perennial.testing.ledger_queries import current, place
from perennial.testing.ledger_records import Predicted, epoch_key

if TYPE_CHECKING:
    import pyarrow as pa

Pairs = dict[Interval, "npt.NDArray[np.float64]"]
R = TypeVar("R", bound=Receipt)
_Place = tuple[type[Receipt], str, str]
_NEVER = datetime.max.replace(tzinfo=UTC) - datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Pages:
    """Where each receipt stands among those of its kind, and what was forgotten of nights that have settled.

    *orders* has, by kind, model and segment, what puts a receipt in order, when it was recorded, and its key. *stands* finds that
    again by the key. *losses* are of batches whose rows are gone, by loss, model and segment.
    """

    orders: dict[_Place, list[tuple[tuple[Any, ...], int, str]]] = field(default_factory=dict)
    stands: dict[tuple[type[Receipt], str], tuple[_Place, tuple[Any, ...], int]] = field(default_factory=dict)
    losses: dict[tuple[str, str, str], list[NightLoss]] = field(default_factory=dict)
    said: int = 0


@dataclass(frozen=True, slots=True)
class Chronicle(MemoryLedger):
    """A ``MemoryLedger`` that finds receipts by their place, and forgets the rows of nights that have settled.

    Attributes:
        settled: So long after a night its losses do not change any more; then only these are kept of its predictions, and of its
            measurement only the losses by slice, and of the nights that these are parts of.
        measured: The measurements of so many nights before these are kept whole.
    """

    settled: timedelta = _NEVER
    measured: int = 0
    pages: _Pages = field(default_factory=_Pages)

    def record(self, receipt: R) -> R:
        """Append a receipt once; see ``ports.Ledger.record``."""
        # Not super(): a dataclass with slots is another class than the one that its methods were written in.
        stands = MemoryLedger.record(self, receipt)
        key = stands.digest if isinstance(stands, Snapshot) else stands.id  # type: ignore[attr-defined]  # what is recorded has one
        with self.records.lock:
            self._place(stands, key)
        return stands

    def promote(self, promotion: Promotion) -> Promotion:
        """Append *promotion*; see ``ports.Ledger.promote``."""
        stands = MemoryLedger.promote(self, promotion)
        with self.records.lock:
            self._place(stands, epoch_key(stands.model, stands.segment, stands.epoch))
        return stands

    def request_retraining(
        self, request: RetrainRequest, *, cooldown: timedelta, max_per_30d: int | None, force: bool = False
    ) -> tuple[RetrainRequest | None, str]:
        """File *request*; see ``ports.Ledger.request_retraining``."""
        filed, why = MemoryLedger.request_retraining(self, request, cooldown=cooldown, max_per_30d=max_per_30d, force=force)
        if filed is not None:
            with self.records.lock:
                self._place(filed, filed.id)
        return filed, why

    def publish(self, batch: PredictionBatch, *predictions: Iterable[pa.RecordBatch]) -> PredictionBatch:
        """Make *batch* current; see ``ports.Ledger.publish``."""
        stands = MemoryLedger.publish(self, batch, *predictions)
        with self.records.lock:
            self._place(stands, stands.id)
        return stands

    def history(
        self, kind: type[R], model: str, segment: str = ALL, *, within: Interval | None = None, newest: int | None = None
    ) -> list[R]:
        """Return the records of *kind* in order; see ``ports.Ledger.history``."""
        if kind is Approval:
            return MemoryLedger.history(self, kind, model, segment, within=within, newest=newest)
        shape_of(kind)
        with self.records.lock:
            ordered, of_kind = self.pages.orders.get((kind, model, segment), []), self.records.of(kind)
            first, end = 0, len(ordered)
            if within is not None and kind is not Promotion:
                first, end = bisect_left(ordered, ((within.start,),)), bisect_left(ordered, ((within.end,),))
            first = first if newest is None else max(first, end - newest)
            return [of_kind[key] for _, _, key in ordered[first:end]]

    def losses(
        self, model: str, segment: str, *, loss: str, within: Interval, as_of: datetime, matured_before: datetime
    ) -> list[NightLoss]:
        """Return the mean loss per current batch; see ``ports.Ledger.losses``."""
        fresh = MemoryLedger.losses(self, model, segment, loss=loss, within=within, as_of=as_of, matured_before=matured_before)
        gone = self.pages.losses.get((loss, model, segment), [])
        kept = [night for night in gone if within.start <= night.interval.start and night.interval.end <= within.end]
        return kept + fresh

    def forget(self, model: str, segment: str, *, loss: str, at: datetime) -> tuple[list[NightLoss], Pairs]:
        """Let go of the nights that have settled by a moment.

        Returns:
            Their losses, which are final; and, by night, what the champion predicted beside the labels that have come, shape
            (rows, 2), by event and entity.
        """
        with self.records.lock:
            over = [batch for batch in current(self.records, model, segment) if batch.interval.end + self.settled <= at]
            if not over:
                return [], {}
            first, last = min(batch.interval.start for batch in over), max(batch.interval.end for batch in over)
            final = MemoryLedger.losses(
                self, model, segment, loss=loss, within=Interval(first, last), as_of=at, matured_before=last
            )
            self.pages.losses.setdefault((loss, model, segment), []).extend(final)
            pairs = {batch.interval: self._pairs(batch, at) for batch in over if batch.role is Role.CHAMPION}
            for batch in over:
                self._strike(PredictionBatch, batch.id)
                del self.records.rows[batch.id], self.records.states[batch.id]
            self._shorten(model, segment, last)
            return final, pairs

    def _pairs(self, batch: PredictionBatch, at: datetime) -> npt.NDArray[np.float64]:
        found = []
        for (entity, event_at), predicted in sorted(self.records.rows[batch.id].predictions.items(), key=_by_event):
            revisions = self.records.outcomes.get((batch.model, batch.segment, event_at, entity), {})
            known = [available for available in revisions if available <= at]
            if known:
                found.append((predicted.value, revisions[max(known)]))
        return np.array(found, np.float64).reshape(-1, 2)

    def _shorten(self, model: str, segment: str, before: datetime) -> None:
        """Leave of the measurements from before a moment what nights still look at: the losses by slice and of their nights."""
        ordered, of_kind = self.pages.orders.get((Measurement, model, segment), []), self.records.of(Measurement)
        for _, _, key in reversed(ordered[: max(bisect_left(ordered, ((before,),)) - self.measured, 0)]):
            if not of_kind[key].drift:
                return
            sliced = {loss.interval for loss in of_kind[key].losses if loss.slice is not None}
            losses = tuple(loss for loss in of_kind[key].losses if loss.interval in sliced)
            of_kind[key] = of_kind[key].model_copy(update={"drift": (), "losses": losses})

    def _place(self, receipt: Receipt, key: str) -> None:
        """Put *receipt* behind all of its place."""
        kind, pages = type(receipt), self.pages
        if kind is Approval:
            return
        self._unplace(kind, key)
        model, segment, order = place(self.records, receipt)
        pages.said += 1
        insort(pages.orders.setdefault((kind, model, segment), []), (order, pages.said, key))
        pages.stands[kind, key] = ((kind, model, segment), order, pages.said)

    def _strike(self, kind: type[Receipt], key: str) -> None:
        del self.records.of(kind)[key]
        self._unplace(kind, key)

    def _unplace(self, kind: type[Receipt], key: str) -> None:
        where, order, said = self.pages.stands.pop((kind, key), (None, (), 0))
        if where is not None:
            ordered = self.pages.orders[where]
            del ordered[bisect_left(ordered, (order, said, key))]


def _by_event(item: tuple[tuple[str, datetime], Predicted]) -> tuple[datetime, str]:
    (entity, event_at), _ = item
    return event_at, entity


def chronicles(measured: Sequence[int], settled: timedelta) -> Iterator[Chronicle]:
    """Yield empty ledgers that share the labels that have come: these are the same, whatever is decided.

    Args:
        measured: By ledger, the measurements of how many nights are kept whole.
        settled: How long after a night its losses do not change any more.
    """
    first = Chronicle(settled=settled)
    for nights in measured:
        own = Chronicle(settled=settled, measured=nights)
        own.records.outcomes = first.records.outcomes
        yield own
