"""A ledger in memory that passes the same contract tests as the one in PostgreSQL. It keeps nothing after its process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Self, TypeVar

from perennial.core.codes import Code
from perennial.core.errors import DataError, RejectedError
from perennial.core.interval import Interval
from perennial.core.receipts import (
    ALL,
    Audit,
    BatchState,
    Lineage,
    Measurement,
    ModelVersion,
    Named,
    NightLoss,
    PredictionBatch,
    Promotion,
    PromotionKind,
    Receipt,
    RequestState,
    RetrainRequest,
    Role,
    Snapshot,
)
from perennial.ports import ABANDONED_AFTER
from perennial.stores.ledger.batches import duplicate, overlap, where
from perennial.stores.ledger.frames import checked_outcomes, checked_predictions, rows_of
from perennial.stores.ledger.leases import Fence, Lane
from perennial.stores.ledger.outcomes import unknown_loss
from perennial.stores.ledger.promotions import conflict
from perennial.stores.ledger.receipts import RECORDED, shape_of, unknown
from perennial.stores.ledger.requests import FILED, filed_before
from perennial.stores.ledger.retraining import refusal
from perennial.testing import ledger_leases as leases
from perennial.testing import ledger_queries as queries
from perennial.testing.ledger_audit import audit
from perennial.testing.ledger_records import Claim, Predicted, Records, Rows, epoch_key

if TYPE_CHECKING:
    import pyarrow as pa

R = TypeVar("R", bound=Receipt)
_LOSS = {"absolute": queries.absolute, "squared": queries.squared, "log": queries.log}


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class MemoryLedger:
    """The port ``Ledger`` over dictionaries. *clock* says when rows were written and when leases end."""

    clock: Callable[[], datetime] = _now
    fences: tuple[Fence, ...] = ()
    records: Records = field(default_factory=Records)

    @contextmanager
    def lease(self, model: str, segment: str, flow: str, holder: str, ttl: timedelta) -> Iterator[Self]:
        """Hold a lease and yield a ledger that checks it at every write; see ``ports.Ledger.lease``."""
        with self._writing() as records:
            fence = leases.acquire(records, Lane(model, segment, flow), holder, now=self.clock(), ttl=ttl)
        try:
            yield replace(self, fences=(*self.fences, fence))
        finally:
            with self.records.lock:
                leases.release(self.records, fence)

    def record(self, receipt: R) -> R:
        """Append a receipt once, and return the record that stands; see ``ports.Ledger.record``."""
        if not isinstance(receipt, RECORDED):
            raise RejectedError(Code.STORE_REJECTED, f"{type(receipt).__name__} is not recorded by itself", where="ledger")
        key = receipt.digest if isinstance(receipt, Snapshot) else receipt.id
        with self._writing() as records:
            of_kind = records.of(type(receipt))
            stands = of_kind.get(key) or self._same_run(receipt)
            if stands is None:
                records.demand_references(receipt)
            if key in of_kind or stands is None:
                of_kind[key] = of_kind.pop(key, receipt)  # at the end: what was said last stands
            return stands or receipt

    def get(self, kind: type[R], key: str) -> R:
        """Return the record with this id; see ``ports.Ledger.get``."""
        if shape_of(kind).key is None:
            raise RejectedError(Code.STORE_REJECTED, f"{kind.__name__} has no id; ask for its history", where="ledger")
        with self.records.lock:
            found = self.records.of(kind).get(key)
        if found is None:
            raise unknown(kind, key)
        return found

    def history(
        self, kind: type[R], model: str, segment: str = ALL, *, within: Interval | None = None, newest: int | None = None
    ) -> list[R]:
        """Return the records of *kind* in order; see ``ports.Ledger.history``."""
        shape_of(kind)
        with self.records.lock:
            return queries.history(self.records, kind, model, segment, within=within, newest=newest)

    def champion(self, model: str, segment: str = ALL, *, at: datetime | None = None) -> Promotion | None:
        """Return the promotion in force; see ``ports.Ledger.champion``."""
        promotions = self.history(Promotion, model, segment)
        newest = next((found for found in reversed(promotions) if at is None or found.effective_from <= at), None)
        return None if newest is None or newest.version is None else newest

    def promote(self, promotion: Promotion) -> Promotion:
        """Append *promotion* if its epoch is the next one; see ``ports.Ledger.promote``."""
        with self._writing() as records:
            earlier = self.history(Promotion, promotion.model, promotion.segment)
            if promotion.kind is PromotionKind.PROMOTE and promotion.evaluation is not None:
                same = [found for found in earlier if (found.kind, found.evaluation) == (promotion.kind, promotion.evaluation)]
            else:
                same = [found for found in earlier if found == promotion]
            if same:
                return same[0]
            if promotion.epoch != len(earlier) + 1:
                raise conflict(promotion)
            records.demand_references(promotion)
            if (promotion.kind is PromotionKind.RETIRE) != (promotion.version is None):
                raise RejectedError(Code.STORE_REJECTED, "only a retirement, and every one, has no version", where="ledger")
            records.of(Promotion)[epoch_key(promotion.model, promotion.segment, promotion.epoch)] = promotion
            return promotion

    def publish(self, batch: PredictionBatch, *predictions: Iterable[pa.RecordBatch]) -> PredictionBatch:
        """Write all *predictions*, then make *batch* current; see ``ports.Ledger.publish``."""
        with self._writing():
            self._refuse_overlap(batch)
            staged = queries.is_whole(self.records, batch.id)
        rows = None if staged else _rows(batch, chain.from_iterable(predictions))
        with self._writing() as records:
            if rows is not None and not queries.is_whole(records, batch.id):
                records.demand_references(batch)
                records.of(PredictionBatch).pop(batch.id, None)  # at the end, as what was written last
                records.of(PredictionBatch)[batch.id] = batch.model_copy(update={"rows": len(rows)})
                records.rows[batch.id] = Rows(rows, self.clock())
                records.expired.pop(batch.id, None)
                records.states.setdefault(batch.id, BatchState.STAGED)
        with self._writing() as records:
            self._refuse_overlap(batch)
            for other in queries.current(records, batch.model, batch.segment):
                if (other.role, other.interval) == (batch.role, batch.interval):
                    records.states[other.id] = BatchState.SUPERSEDED
            records.states[batch.id] = BatchState.CURRENT
            return records.of(PredictionBatch)[batch.id]

    def withdraw(self, model: str, segment: str = ALL, *, within: Interval) -> int:
        """Leave an interval without current predictions; see ``ports.Ledger.withdraw``."""
        with self._writing() as records:
            found = [batch for batch in queries.current(records, model, segment) if batch.interval == within]
            records.states.update(dict.fromkeys((batch.id for batch in found), BatchState.SUPERSEDED))
            return len(found)

    def predictions(self, model: str, segment: str = ALL, *, role: Role = Role.CHAMPION, within: Interval) -> pa.Table:
        """Return the current predictions of an interval; see ``ports.Ledger.predictions``."""
        with self.records.lock:
            return queries.current_table(self.records, model, segment, role, within)

    def stream_predictions(
        self, model: str, segment: str = ALL, *, role: Role = Role.CHAMPION, within: Interval
    ) -> Iterator[pa.RecordBatch]:
        """Yield the current predictions of an interval; see ``ports.Ledger.stream_predictions``."""
        yield from self.predictions(model, segment, role=role, within=within).to_batches()

    def record_outcomes(self, model: str, segment: str, outcomes: Iterable[pa.RecordBatch]) -> int:
        """Append labels once each; see ``ports.Ledger.record_outcomes``."""
        rows = [row for batch in checked_outcomes(outcomes, f"{model}/{segment}") for row in rows_of(batch)]
        with self._writing() as records:
            before = sum(map(len, records.outcomes.values()))
            for entity, event_at, value, available_at in rows:
                records.outcomes.setdefault((model, segment, event_at, entity), {}).setdefault(available_at, value)
            return sum(map(len, records.outcomes.values())) - before

    def outcomes(self, model: str, segment: str = ALL, *, within: Interval, as_of: datetime) -> Iterator[pa.RecordBatch]:
        """Yield the latest label of each event; see ``ports.Ledger.outcomes``."""
        with self.records.lock:
            rows = queries.known_outcomes(self.records, model, segment, within, as_of)
        yield from rows.to_batches()

    def losses(
        self, model: str, segment: str, *, loss: str, within: Interval, as_of: datetime, matured_before: datetime
    ) -> list[NightLoss]:
        """Return the mean loss per current batch; see ``ports.Ledger.losses``."""
        if loss not in _LOSS:
            raise unknown_loss(loss)
        with self.records.lock:
            nights = [
                queries.night_loss(self.records, batch, _LOSS[loss], as_of=as_of, matured_before=matured_before)
                for batch in queries.current(self.records, model, segment)
                if within.start <= batch.interval.start and batch.interval.end <= within.end
            ]
        return sorted(nights, key=lambda night: (night.interval, night.role.value))

    def slice_losses(self, model: str, segment: str, *, version: str, before: datetime, as_of: datetime) -> list[NightLoss]:
        """Return the losses by slice that were measured; see ``ports.Ledger.slice_losses``."""
        standing = {found.interval: found for found in self.history(Measurement, model, segment) if found.interval.start < before}
        return queries.slice_losses((found for found in standing.values() if found.as_of <= as_of), version)

    def request_retraining(
        self, request: RetrainRequest, *, cooldown: timedelta, max_per_30d: int | None, force: bool = False
    ) -> tuple[RetrainRequest | None, str]:
        """File *request* if the rules allow it; see ``ports.Ledger.request_retraining``."""
        with self._writing() as records:
            stands = records.of(RetrainRequest).get(request.id)
            if stands is not None:
                return stands, filed_before(stands)
            others = self.history(RetrainRequest, request.model, request.segment)
            reason = refusal(request, others, cooldown=cooldown, max_per_30d=max_per_30d, force=force)
            if reason is not None:
                return None, reason
            records.of(RetrainRequest)[request.id] = request
            return request, FILED

    def claim_request(
        self, model: str, segment: str, claimed_by: str, *, at: datetime | None, abandoned_after: timedelta = ABANDONED_AFTER
    ) -> RetrainRequest | None:
        """Take the request that waits; see ``ports.Ledger.claim_request``."""
        with self._writing() as records:
            now = self.clock()
            due = [found for found in self.history(RetrainRequest, model, segment) if at is None or found.at <= at]
            for request in due:
                if queries.waits(records, request, claimed_by, until=now - abandoned_after):
                    claimed = request.model_copy(update={"state": RequestState.CLAIMED, "claimed_by": claimed_by})
                    records.of(RetrainRequest)[request.id] = claimed
                    records.claims[request.id] = Claim(as_of=at, at=now)
                    return claimed
            done = [found for found in due if found.claimed_by == claimed_by and found.state is RequestState.DONE]
            again = [found for found in done if records.claims[found.id].as_of == at]
            return min(again, key=lambda found: found.id, default=None)

    def settle_request(
        self, request: str, outcome: str, state: RequestState = RequestState.DONE, *, claimed_by: str | None = None
    ) -> None:
        """Say what became of a request; see ``ports.Ledger.settle_request``."""
        with self._writing() as records:
            found = self.get(RetrainRequest, request)
            ours = claimed_by is not None and claimed_by == found.claimed_by
            waits = found.state is not RequestState.DONE and (ours or claimed_by is None)
            if waits or (ours and state is RequestState.DONE):
                records.of(RetrainRequest)[request] = found.model_copy(update={"state": state, "outcome": outcome})

    def trace(self, model: str, segment: str, entity: str, event_at: datetime) -> list[Lineage]:
        """Return where the predictions of one event come from; see ``ports.Ledger.trace``."""
        with self.records.lock:
            return queries.trace(self.records, model, segment, entity, event_at)

    def referenced(self) -> set[str]:
        """Return every artifact digest that any record names; see ``ports.Ledger.referenced``."""
        with self.records.lock:
            return {named.digest for named in queries.named(self.records)}

    def manifests(self) -> set[str]:
        """Return every digest of an artifact that names others; see ``ports.Ledger.manifests``."""
        with self.records.lock:
            return {named.digest for named in queries.named(self.records) if named.holds in queries.MANIFESTS}

    def named(self) -> list[Named]:
        """Return every artifact that a record names, by the record; see ``ports.Ledger.named``."""
        with self.records.lock:
            order = attrgetter("model", "segment", "interval", "holds", "digest")
            return sorted(queries.named(self.records), key=order)

    def audit(self) -> Audit:
        """Look at everything as it stands; see ``ports.Ledger.audit``."""
        with self.records.lock:
            return audit(self.records)

    def expired_predictions(self, horizons: Mapping[tuple[str, str], datetime]) -> int:
        """Count old prediction rows; see ``ports.Ledger.expired_predictions``."""
        with self.records.lock:
            return len(queries.expired(self.records, horizons, self.clock()))

    def expire_predictions(self, horizons: Mapping[tuple[str, str], datetime]) -> int:
        """Remove old prediction rows; see ``ports.Ledger.expire_predictions``."""
        with self._writing() as records:
            old = queries.expired(records, horizons, self.clock())
            for batch_id, key in old:
                del records.rows[batch_id].predictions[key]
                records.expired[batch_id] = records.expired.get(batch_id, 0) + 1
            for batch in queries.abandoned(records, self.clock()):
                records.of(PredictionBatch)[batch.id] = batch.model_copy(update={"rows": 0})
                records.expired.pop(batch.id, None)
            return len(old)

    @contextmanager
    def _writing(self) -> Iterator[Records]:
        with self.records.lock:
            for fence in self.fences:
                leases.check(self.records, fence)
            yield self.records

    def _same_run(self, receipt: R) -> R | None:
        run = receipt.training_run if isinstance(receipt, ModelVersion) else None
        of_kind = self.records.of(type(receipt)).values()
        return next((found for found in of_kind if run is not None and getattr(found, "training_run", None) == run), None)

    def _refuse_overlap(self, batch: PredictionBatch) -> None:
        for other in queries.current(self.records, batch.model, batch.segment):
            if other.role is batch.role and other.interval != batch.interval and other.interval.overlaps(batch.interval):
                raise overlap(batch, other.interval)


def _rows(batch: PredictionBatch, predictions: Iterable[pa.RecordBatch]) -> dict[tuple[str, datetime], Predicted]:
    rows: dict[tuple[str, datetime], Predicted] = {}
    for part in checked_predictions(predictions, batch.interval, where(batch)):
        for entity, event_at, value, low, high in rows_of(part):
            if (entity, event_at) in rows:
                raise duplicate(batch)
            rows[entity, event_at] = Predicted(value, low, high)
    if not rows:
        raise DataError(Code.DATA_EMPTY, "a batch must have predictions, got none", where=where(batch))
    return rows
