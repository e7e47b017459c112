"""The questions that a ledger in memory answers over all its rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from operator import itemgetter
from statistics import fmean
from typing import Any, TypeVar

import pyarrow as pa

from perennial.core.interval import Interval
from perennial.core.receipts import (
    Approval,
    BatchState,
    Evaluation,
    Holds,
    Keyed,
    Lineage,
    Measurement,
    Message,
    ModelVersion,
    Named,
    NightLoss,
    Pause,
    PredictionBatch,
    Promotion,
    PromotionKind,
    Receipt,
    RequestState,
    RetrainRequest,
    Role,
    Snapshot,
    Validation,
)
from perennial.stores.ledger.batches import CURRENT_SCHEMA
from perennial.stores.ledger.known_outcomes import KNOWN
from perennial.stores.ledger.outcomes import LARGEST, told
from perennial.testing.ledger_records import Records, epoch_key

R = TypeVar("R", bound=Receipt)
_STATES = (BatchState.CURRENT, BatchState.SUPERSEDED, BatchState.STAGED)
MANIFESTS = (Holds.SNAPSHOT, Holds.MODEL, Holds.BASELINE)
"""What names other artifacts."""

_TINY = 1e-15
_ABANDONED_AFTER = timedelta(days=1)


def batches(records: Records, model: str, segment: str) -> list[PredictionBatch]:
    """Return all batches of *model* and *segment*, in any state."""
    return [batch for batch in records.of(PredictionBatch).values() if (batch.model, batch.segment) == (model, segment)]


def current(records: Records, model: str, segment: str) -> list[PredictionBatch]:
    """Return the current batches of *model* and *segment*."""
    return [batch for batch in batches(records, model, segment) if records.states[batch.id] is BatchState.CURRENT]


def waits(records: Records, request: RetrainRequest, claimed_by: str, *, until: datetime) -> bool:
    """Return whether *claimed_by* may take *request*: open, its own, or claimed by somebody else up to *until*."""
    if request.state is RequestState.CLAIMED:
        return request.claimed_by == claimed_by or records.claims[request.id].at <= until
    return request.state is RequestState.OPEN


def current_table(records: Records, model: str, segment: str, role: Role, within: Interval) -> pa.Table:
    """Return the current predictions with ``event_at`` inside *within*, by event and entity."""
    rows = sorted(
        (event_at, entity, *predicted, batch.version, batch.id)
        for batch in current(records, model, segment)
        if batch.role is role
        for (entity, event_at), predicted in records.rows[batch.id].predictions.items()
        if event_at in within
    )
    columns = [[row[at] for row in rows] for at in (1, 0, 2, 3, 4, 5, 6)]
    return pa.table(dict(zip(CURRENT_SCHEMA.names, columns, strict=True)), schema=CURRENT_SCHEMA)


def place(records: Records, receipt: Receipt) -> tuple[str, str, tuple[Any, ...]]:
    """Return the model and segment that *receipt* belongs to, and what puts it in order among those of its kind."""
    match receipt:
        case Promotion():
            return receipt.model, receipt.segment, (receipt.epoch,)
        case RetrainRequest() | Pause() | Message():
            return receipt.model, receipt.segment, (receipt.at,)
        case Approval():
            return place(records, records.of(Evaluation)[receipt.evaluation])
        case Keyed():
            return receipt.model, receipt.segment, (receipt.interval.start, receipt.interval.end)
    raise TypeError(receipt)


def history(records: Records, kind: type[R], model: str, segment: str, *, within: Interval | None, newest: int | None) -> list[R]:
    """Return the receipts of *kind* in order, as ``ports.Ledger.history`` says."""
    placed = [(*place(records, receipt), receipt) for receipt in records.of(kind).values()]
    found = sorted(
        (
            (order, receipt)
            for found_model, found_segment, order, receipt in placed
            if (found_model, found_segment) == (model, segment) and (kind is Promotion or within is None or order[0] in within)
        ),
        key=itemgetter(0),
    )
    first = 0 if newest is None else max(0, len(found) - newest)
    return [receipt for _, receipt in found[first:]]


def absolute(label: float, prediction: float) -> float:
    """Return the absolute error."""
    return abs(label - prediction)


def squared(label: float, prediction: float) -> float:
    """Return the squared error."""
    return (label - prediction) ** 2


def log(label: float, prediction: float) -> float:
    """Return the log loss in nats, of a prediction clipped to [1e-15, 1 - 1e-15]."""
    share = min(max(prediction, _TINY), 1 - _TINY)
    return -(label * math.log(share) + (1 - label) * math.log(1 - share))


def night_loss(
    records: Records, batch: PredictionBatch, loss: Callable[[float, float], float], *, as_of: datetime, matured_before: datetime
) -> NightLoss:
    """Return the mean *loss* of *batch* on its events before *matured_before*, by the labels available as of *as_of*."""
    found = []
    for (entity, event_at), predicted in records.rows[batch.id].predictions.items():
        revisions = records.outcomes.get((batch.model, batch.segment, event_at, entity), {})
        known = [at for at in revisions if at <= as_of]
        if known and event_at < matured_before:
            found.append(loss(revisions[max(known)], predicted.value))
    return NightLoss(
        interval=batch.interval,
        role=batch.role,
        version=batch.version,
        predicted=batch.rows,
        labelled=len(found),
        loss=told(fmean(found)) if found else None,
        square=told(fmean(0 if one < 1 / LARGEST else min(one, LARGEST) ** 2 for one in found)) if found else None,
    )


def slice_losses(measured: Iterable[Measurement], version: str) -> list[NightLoss]:
    """Return of each night that has slices what the last of the *measured* nights says of it and of them, by (slice, interval)."""
    last: dict[Interval, list[NightLoss]] = {}
    for found in measured:
        own = [loss for loss in found.losses if loss.version == version and loss.role is Role.CHAMPION]
        for interval in {loss.interval for loss in own if loss.slice is not None}:
            last[interval] = [loss for loss in own if loss.interval == interval]
    return sorted((loss for losses in last.values() for loss in losses), key=lambda loss: (loss.slice or "", loss.interval))


def known_outcomes(records: Records, model: str, segment: str, within: Interval, as_of: datetime) -> pa.Table:
    """Return the labels of events inside *within*, of each the latest available as of *as_of*, by event and entity."""
    rows = [
        {"entity": entity, "event_at": event_at, "value": revisions[max(known)]}
        for (of_model, of_segment, event_at, entity), revisions in records.outcomes.items()
        if (of_model, of_segment) == (model, segment) and within.start <= event_at < within.end
        if (known := [at for at in revisions if at <= as_of])
    ]
    return pa.Table.from_pylist(sorted(rows, key=itemgetter("event_at", "entity")), schema=KNOWN)


def trace(records: Records, model: str, segment: str, entity: str, event_at: datetime) -> list[Lineage]:
    """Return where the predictions of one entity and event come from: current first, then by role, the newest first."""
    found = [batch for batch in batches(records, model, segment) if (entity, event_at) in records.rows[batch.id].predictions]
    newest = sorted(found, key=lambda batch: records.rows[batch.id].written_at, reverse=True)
    ordered = sorted(newest, key=lambda batch: (_STATES.index(records.states[batch.id]), batch.role.value))
    return [_lineage(records, batch, entity, event_at) for batch in ordered]


def named(records: Records) -> Iterator[Named]:
    """Yield every artifact that a record names, by the record."""
    for snapshot in records.of(Snapshot).values():
        yield _named(snapshot, snapshot.digest, Holds.SNAPSHOT)
    for validation in records.of(Validation).values():
        if validation.quarantine is not None:
            yield _named(validation, validation.quarantine, Holds.QUARANTINE)
        if validation.usual is not None:
            yield _named(validation, validation.usual, Holds.PROFILE)
    for measurement in records.of(Measurement).values():
        for digest in (measurement.profile, measurement.outlook):
            if digest is not None:
                yield _named(measurement, digest, Holds.PROFILE)
    for evaluation in records.of(Evaluation).values():
        if evaluation.outlook is not None:
            yield _named(evaluation, evaluation.outlook, Holds.PROFILE)
    yield from _of_versions(records)


def is_whole(records: Records, batch: str) -> bool:
    """Return whether *batch* is there, and none of its rows has expired."""
    found = records.of(PredictionBatch).get(batch)
    return found is not None and len(records.rows[batch].predictions) == found.rows > 0


def expired(records: Records, horizons: Mapping[tuple[str, str], datetime], now: datetime) -> set[tuple[str, tuple[str, datetime]]]:
    """Return the batch and the key of every row that is abandoned, or of an event before the horizon of its model and segment."""
    old = {
        (batch.id, key)
        for (model, segment), before in horizons.items()
        for batch in batches(records, model, segment)
        for key in records.rows[batch.id].predictions
        if key[1] < before
    }
    return old | {(batch.id, key) for batch in abandoned(records, now) for key in records.rows[batch.id].predictions}


def abandoned(records: Records, now: datetime) -> list[PredictionBatch]:
    """Return the batches that nobody will make current: a day old, of models of which no run holds a lease."""
    leased = {(lane.model, lane.segment) for lane, lease in records.leases.items() if lease.holder and lease.expires_at > now}
    return [
        batch
        for batch in records.of(PredictionBatch).values()
        if records.states[batch.id] is BatchState.STAGED
        and batch.rows > 0
        and records.rows[batch.id].written_at < now - _ABANDONED_AFTER
        and (batch.model, batch.segment) not in leased
    ]


def _named(receipt: Keyed, digest: str, holds: Holds, *, reigns: bool = False) -> Named:
    place = {"model": receipt.model, "segment": receipt.segment, "interval": receipt.interval}
    return Named(**place, digest=digest, holds=holds, reigns=reigns)


def _of_versions(records: Records) -> Iterator[Named]:
    reigning = set(_reigning(records))
    for version in records.of(ModelVersion).values():
        reigns = version.id in reigning
        yield _named(version, version.artifact, Holds.MODEL, reigns=reigns)
        yield _named(version, version.baseline, Holds.BASELINE, reigns=reigns)
        yield _named(version, version.profile, Holds.PROFILE, reigns=reigns)
        if version.sample is not None:
            yield _named(version, version.sample, Holds.SAMPLE, reigns=reigns)
        yield _named(version, version.definition_digest, Holds.DEFINITION)


def _reigning(records: Records) -> Iterator[str]:
    """Yield the versions that were champion since their model was last retired."""
    promotions = list(records.of(Promotion).values())
    for row in promotions:
        same = (other for other in promotions if (other.model, other.segment) == (row.model, row.segment))
        later = (other for other in same if other.epoch > row.epoch)
        if row.version is not None and all(other.kind is not PromotionKind.RETIRE for other in later):
            yield row.version


def _lineage(records: Records, batch: PredictionBatch, entity: str, event_at: datetime) -> Lineage:
    promotion = records.of(Promotion)[epoch_key(batch.model, batch.segment, batch.epoch)]
    version = records.of(ModelVersion)[batch.version]
    rows = records.rows[batch.id]
    return Lineage(
        model=batch.model,
        segment=batch.segment,
        entity=entity,
        event_at=event_at,
        role=batch.role,
        state=records.states[batch.id],
        prediction=rows.predictions[entity, event_at].value,
        predicted_at=rows.written_at,
        batch=batch.id,
        interval=batch.interval,
        version=batch.version,
        epoch=batch.epoch,
        promotion_reason=promotion.reason,
        promoted_by=promotion.actor,
        approved_by=None if promotion.approval is None else records.of(Approval)[promotion.approval].actor,
        evaluation=promotion.evaluation,
        snapshot=batch.snapshot,
        validation=batch.validation,
        training_run=version.training_run,
        training_snapshot=version.snapshot,
        training_validation=version.validation,
        code_version=version.code_version,
    )
