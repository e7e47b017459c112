"""Where predictions come from, what is still named, and what may go."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from perennial.core.receipts import Lineage
from perennial.stores.ledger.rows import from_row

# The bounds on the interval lead to the few batches of that moment by their index; the entity then to one row in each.
_TRACE = text("""
    SELECT l.*, l.model_version AS version, l.promotion_epoch AS epoch
    FROM perennial.prediction_lineage l
    WHERE l.model = :model AND l.segment = :segment AND l.entity = :entity AND l.event_at = :event_at
        AND l.interval_start <= :event_at AND l.interval_end > :event_at
    ORDER BY array_position(ARRAY['current', 'superseded', 'staged'], l.state), l.role COLLATE "C", l.predicted_at DESC, l.batch
""")
_REFERENCED = text("""
    SELECT digest FROM perennial.snapshot
    UNION SELECT quarantine FROM perennial.validation
    UNION SELECT unnest(ARRAY[artifact, baseline, profile]) FROM perennial.model_version
    UNION SELECT profile FROM perennial.measurement
""")
_MANIFESTS = text("""
    SELECT digest FROM perennial.snapshot
    UNION SELECT unnest(ARRAY[artifact, baseline]) FROM perennial.model_version
""")
_OLD = """b.number = p.batch AND b.model = :model AND b.segment = :segment
        AND b.interval_start < :before AND p.event_at < :before"""
_EXPIRED = text(f"SELECT count(*) FROM perennial.prediction p, perennial.prediction_batch b WHERE {_OLD}")  # noqa: S608 - constants
_EXPIRE = text(f"DELETE FROM perennial.prediction p USING perennial.prediction_batch b WHERE {_OLD}")  # noqa: S608 - constants


def trace(connection: Connection, model: str, segment: str, entity: str, event_at: datetime) -> list[Lineage]:
    """Return where the predictions of one entity and event come from: current first, then by role, the newest first."""
    key = {"model": model, "segment": segment, "entity": entity, "event_at": event_at}
    return [from_row(Lineage, dict(row)) for row in connection.execute(_TRACE, key).mappings()]


def referenced(connection: Connection) -> set[str]:
    """Return every artifact digest that any row names."""
    return {digest for digest in connection.scalars(_REFERENCED) if digest is not None}


def manifests(connection: Connection) -> set[str]:
    """Return the digests of the artifacts that name others: of snapshots, of models and of their baselines."""
    return set(connection.scalars(_MANIFESTS))


def expired_predictions(connection: Connection, model: str, segment: str, before: datetime) -> int:
    """Return how many prediction rows of events before *before* there are."""
    return int(connection.scalar(_EXPIRED, {"model": model, "segment": segment, "before": before}) or 0)


def expire_predictions(connection: Connection, model: str, segment: str, before: datetime) -> int:
    """Delete the prediction rows of events before *before*, and return how many there were."""
    key = {"model": model, "segment": segment, "before": before}
    return connection.execute(_EXPIRE, key, execution_options={"preserve_rowcount": True}).rowcount
