"""The facts that an audit judges, out of a ledger in memory."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from perennial.core.receipts import (
    Approval,
    Audit,
    Evaluation,
    Fault,
    ModelVersion,
    PredictionBatch,
    Promotion,
    Purpose,
    Receipt,
    RequestState,
    RetrainRequest,
    Snapshot,
    Validation,
    Verdict,
)
from perennial.stores.ledger.faults import (
    BatchFacts,
    PromotionFacts,
    batch_faults,
    dangling,
    promotion_faults,
    request_faults,
)
from perennial.stores.ledger.receipts import shape_of
from perennial.testing.ledger_records import Records, epoch_key


def audit(records: Records) -> Audit:
    """Return what ``ports.Ledger.audit`` says. There are no views, and no rows without a batch, in memory."""
    promotions = sorted(records.of(Promotion).values(), key=attrgetter("model", "segment", "epoch"))
    batches = sorted(records.of(PredictionBatch).values(), key=attrgetter("model", "segment", "role", "interval.start"))
    waiting = [found for found in records.of(RetrainRequest).values() if found.state is not RequestState.DONE]
    requests = sorted(waiting, key=attrgetter("model", "segment", "at", "id"))
    faults = (
        *promotion_faults(_promotion(records, row) for row in promotions),
        *_dangling(records),
        *batch_faults(_batch(records, batch) for batch in batches),
        *request_faults((row.model, row.segment, row.id, row.state, row.claimed_by) for row in requests),
    )
    rows = sum(len(found.predictions) for found in records.rows.values())
    return Audit(promotions=len(promotions), batches=len(batches), predictions=rows, faults=faults)


def _promotion(records: Records, row: Promotion) -> PromotionFacts:
    evaluation = records.of(Evaluation).get(row.evaluation or "")
    approval = records.of(Approval).get(row.approval or "")
    version = records.of(ModelVersion).get(row.version or "")
    return PromotionFacts(
        model=row.model,
        segment=row.segment,
        epoch=row.epoch,
        kind=row.kind,
        version=row.version,
        effective_from=row.effective_from,
        evaluation=row.evaluation,
        challenger=evaluation.challenger if evaluation else None,
        champion=evaluation.champion if evaluation else None,
        verdict=evaluation.verdict if evaluation else None,
        approval=row.approval,
        approved=approval.evaluation if approval else None,
        approval_verdict=approval.verdict if approval else None,
        trained_for=(version.model, version.segment) if version else None,
        known=max(version.interval.end, version.as_of) if version else None,
    )


def _batch(records: Records, batch: PredictionBatch) -> BatchFacts:
    promotion = records.of(Promotion).get(epoch_key(batch.model, batch.segment, batch.epoch))
    snapshot = records.of(Snapshot).get(batch.snapshot)
    validation = records.of(Validation).get(batch.validation)
    events = [event_at for _, event_at in records.rows[batch.id].predictions]
    return BatchFacts(
        batch=batch.id,
        model=batch.model,
        segment=batch.segment,
        interval=batch.interval,
        role=batch.role,
        state=records.states[batch.id],
        version=batch.version,
        published=batch.rows,
        expired=records.expired.get(batch.id, 0),
        found=len(events),
        first=min(events, default=None),
        last=max(events, default=None),
        kind=promotion.kind if promotion else None,
        champion=promotion.version if promotion else None,
        effective_from=promotion.effective_from if promotion else None,
        extracted=(snapshot.model, snapshot.segment, snapshot.interval) if snapshot else None,
        snapshot=batch.snapshot,
        validated=validation.snapshot if validation else None,
        verdict=validation.verdict if validation else None,
        standing=_standing(records, batch),
    )


def _standing(records: Records, batch: PredictionBatch) -> Verdict | None:
    night = (batch.model, batch.segment, batch.interval, Purpose.SCORE)
    said = reversed(records.of(Validation).values())
    return next((row.verdict for row in said if (row.model, row.segment, row.interval, row.purpose) == night), None)


def _dangling(records: Records) -> Iterator[Fault]:
    """Yield the records that name what is not there."""
    for kind, receipts in records.receipts.items():
        for key, receipt in receipts.items():
            for column, _, named in records.dangling(receipt):
                table, name = _row(kind, key, receipt)
                yield dangling(table, name, column, named)


def _row(kind: type[Receipt], key: str, receipt: Receipt) -> tuple[str, str]:
    """Return the table and the key under which the row that names others lies in the database."""
    if isinstance(receipt, ModelVersion):
        return "training_run", receipt.training_run
    return shape_of(kind).head.name, key
