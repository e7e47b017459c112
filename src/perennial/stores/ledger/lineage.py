"""Where predictions come from, and what is still named."""

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
# From one batch to the next by the index, never over all rows.
_ORPHANS = text("""
    WITH RECURSIVE named (batch) AS (
        SELECT min(batch) FROM perennial.prediction
        UNION ALL
        SELECT (SELECT min(p.batch) FROM perennial.prediction p WHERE p.batch > named.batch)
        FROM named WHERE named.batch IS NOT NULL
    )
    SELECT count(batch) FROM named WHERE NOT EXISTS (SELECT FROM perennial.prediction_batch b WHERE b.number = named.batch)
""")


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


def orphans(connection: Connection) -> int:
    """Return how many batches that are not there have prediction rows: 0, or the ledger is broken."""
    return int(connection.scalar(_ORPHANS) or 0)
