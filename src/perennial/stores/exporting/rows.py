"""The current predictions of an interval beside where they come from, as rows to hand out."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import datetime
from itertools import groupby

import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import UnavailableError
from perennial.core.interval import Interval
from perennial.core.receipts import ALL, Lineage, Role
from perennial.ports import Ledger

_MOMENT = pa.timestamp("us", "UTC")
_OF_ROW = pa.schema(
    [("entity", pa.string()), ("event_at", _MOMENT), ("prediction", pa.float64()), ("low", pa.float64()), ("high", pa.float64())]
)
_OF_BATCH = {
    "model": "model",
    "segment": "segment",
    "role": "role",
    "predicted_at": "predicted_at",
    "batch": "batch",
    "model_version": "version",
    "promotion_epoch": "epoch",
    "promotion_reason": "promotion_reason",
    "promoted_by": "promoted_by",
    "approved_by": "approved_by",
    "evaluation": "evaluation",
    "snapshot": "snapshot",
    "validation": "validation",
    "training_run": "training_run",
    "training_snapshot": "training_snapshot",
    "training_validation": "training_validation",
    "code_version": "code_version",
}
"""A column's name in the view prediction_lineage, and the lineage's field that says it."""
_TYPES = {"predicted_at": _MOMENT, "promotion_epoch": pa.int64()}
EXPORTED = pa.schema([*_OF_ROW, *((name, _TYPES.get(name, pa.string())) for name in _OF_BATCH)])


def export_rows(
    ledger: Ledger, model: str, *, role: Role, within: Interval, segments: Sequence[str] = (ALL,)
) -> Generator[pa.RecordBatch, None, None]:
    """Yield the current predictions in *within* as ``EXPORTED``, of each segment by event and entity, in bounded memory.

    A batch has one lineage, so it is asked for once a batch.

    Raises:
        UnavailableError: STORE_UNAVAILABLE, also where they expire in the meantime.
    """
    for segment in segments:
        yield from _of_segment(ledger, model, segment, role, within)


def _of_segment(ledger: Ledger, model: str, segment: str, role: Role, within: Interval) -> Generator[pa.RecordBatch, None, None]:
    rows = ledger.stream_predictions(model, segment, role=role, within=within)
    for _, parts in groupby(rows, key=lambda part: part["batch"][0].as_py()):
        found: Lineage | None = None
        for part in parts:
            found = found or _lineage(ledger, model, segment, part)
            yield _beside(part, found)


def _lineage(ledger: Ledger, model: str, segment: str, part: pa.RecordBatch) -> Lineage:
    first = part.slice(0, 1).to_pylist()[0]
    traced = ledger.trace(model, segment, first["entity"], first["event_at"])
    found = next((lineage for lineage in traced if lineage.batch == first["batch"]), None)
    if found is None:
        message = "predictions were removed while they were being exported; export again"
        raise UnavailableError(Code.STORE_UNAVAILABLE, message, where="export")
    return found


def _beside(part: pa.RecordBatch, lineage: Lineage) -> pa.RecordBatch:
    said = (pa.scalar(_plain(getattr(lineage, field)), EXPORTED.field(name).type) for name, field in _OF_BATCH.items())
    named = (pa.repeat(value, part.num_rows) for value in said)
    return pa.record_batch([*(part[name] for name in _OF_ROW.names), *named], schema=EXPORTED)


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, datetime | int) else str(value)
