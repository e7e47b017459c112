"""Labels as they arrive, and the losses that they show."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, RowMapping, text

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.interval import Interval
from perennial.core.receipts import NightLoss
from perennial.stores.ledger.copying import copy_in
from perennial.stores.ledger.frames import OUTCOME, checked_outcomes
from perennial.stores.ledger.rows import from_row

if TYPE_CHECKING:
    import pyarrow as pa

_ARRIVED = text("""
    CREATE TEMPORARY TABLE arrived_outcome (
        entity text COLLATE "C", event_at timestamptz, value double precision, available_at timestamptz
    ) ON COMMIT DROP
""")
# In the order of the key, so that two writers of the same rows cannot deadlock.
_APPEND = text("""
    INSERT INTO perennial.outcome (model, segment, event_at, entity, available_at, value)
    SELECT :model, :segment, event_at, entity, available_at, value FROM arrived_outcome
    ORDER BY event_at, entity, available_at
    ON CONFLICT DO NOTHING
""")
_LOSSES = """
    WITH batch AS (
        SELECT * FROM perennial.prediction_batch
        WHERE model = :model AND segment = :segment AND state = 'current'
            AND interval_start >= :start AND interval_end <= :end
    ), latest AS (
        SELECT DISTINCT ON (event_at, entity) event_at, entity, value AS label
        FROM perennial.outcome
        WHERE model = :model AND segment = :segment AND available_at <= :as_of
            AND event_at >= :start AND event_at < least(:end, :matured_before)
        ORDER BY event_at DESC, entity DESC, available_at DESC
    ), labelled AS (
        SELECT p.batch AS number, count(*) AS labelled, avg(found.loss) AS loss,
            avg(CASE WHEN found.loss < {least} THEN 0 ELSE least(found.loss, {most}) ^ 2 END) AS square
        FROM perennial.prediction p
        JOIN latest o ON o.entity = p.entity AND o.event_at = p.event_at
        CROSS JOIN LATERAL (SELECT greatest(least(p.prediction, 1 - 1e-15::float8), 1e-15::float8) AS share) clipped
        CROSS JOIN LATERAL (SELECT {loss} AS loss) found
        WHERE p.batch = ANY (ARRAY(SELECT number FROM batch))
            AND p.event_at >= :start AND p.event_at < least(:end, :matured_before)
        GROUP BY p.batch
    )
    SELECT b.interval_start, b.interval_end, b.role, b.version, b.rows AS predicted, coalesce(l.labelled, 0) AS labelled,
        l.loss, l.square
    FROM batch b LEFT JOIN labelled l ON l.number = b.number
    ORDER BY b.interval_start, b.interval_end, b.role COLLATE "C"
"""
LARGEST = 1e70
"""A loss is squared as if it were no larger, and one below its inverse as 0: PostgreSQL refuses what a double cannot hold."""

# The newest night is not in the planner's statistics yet: it expects one row, and a nested loop over a night would be quadratic.
_JOIN_BY_HASH = text("SELECT set_config('enable_nestloop', 'off', true)")
_LOSS = {
    "absolute": "abs(o.label - p.prediction)",
    "squared": "(o.label - p.prediction) ^ 2",
    "log": "-(o.label * ln(share) + (1 - o.label) * ln(1 - share))",
}


def record_outcomes(connection: Connection, model: str, segment: str, outcomes: Iterable[pa.RecordBatch]) -> int:
    """Append labels once each, and return how many were new."""
    connection.execute(_ARRIVED)
    copy_in(connection, "arrived_outcome", OUTCOME.names, checked_outcomes(outcomes, f"{model}/{segment}"))
    return connection.execute(_APPEND, {"model": model, "segment": segment}, execution_options={"preserve_rowcount": True}).rowcount


def losses(
    connection: Connection, model: str, segment: str, *, loss: str, within: Interval, as_of: datetime, matured_before: datetime
) -> list[NightLoss]:
    """Return the mean loss per current batch whose interval lies in *within*, as ``ports.Ledger.losses`` says."""
    if loss not in _LOSS:
        raise unknown_loss(loss)
    bounds = {"start": within.start, "end": within.end, "as_of": as_of, "matured_before": matured_before}
    connection.execute(_JOIN_BY_HASH)
    rows = connection.execute(text(_query(loss)), {"model": model, "segment": segment, **bounds}).mappings()
    return [_night_loss(row) for row in rows]


def _query(loss: str) -> str:
    return _LOSSES.format(loss=_LOSS[loss], least=1 / LARGEST, most=LARGEST)


def _night_loss(row: RowMapping) -> NightLoss:
    return from_row(NightLoss, {**row, "loss": told(row["loss"]), "square": told(row["square"]), "slice": None})


def told(loss: float | None) -> float | None:
    """Return a mean *loss* to ten digits.

    The last digits of a sum depend on its order, which is a database's own and may change from one day to the next. A measurement
    is named by its figures, and a night that is measured again has to have the same ones.
    """
    return None if loss is None else float(f"{loss:.10g}")


def unknown_loss(loss: str) -> RejectedError:
    """Return the error for a *loss* that is none."""
    return RejectedError(Code.STORE_REJECTED, f"must be one of {', '.join(_LOSS)}, got {loss!r}", where="losses")
