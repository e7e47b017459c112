"""Where predictions come from, and what is still named."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from perennial.core.receipts import Lineage, Named
from perennial.stores.ledger.rows import from_row

# The bounds on the interval lead to the few batches of that moment by their index; the entity then to one row in each.
_TRACE = text("""
    SELECT l.*, l.model_version AS version, l.promotion_epoch AS epoch
    FROM perennial.prediction_lineage l
    WHERE l.model = :model AND l.segment = :segment AND l.entity = :entity AND l.event_at = :event_at
        AND l.interval_start <= :event_at AND l.interval_end > :event_at
    ORDER BY array_position(ARRAY['current', 'superseded', 'staged'], l.state), l.role COLLATE "C", l.predicted_at DESC, l.batch
""")
# A version whose training run is lost names its artifacts all the same, of a model that nobody knows.
_NAMED = """
    SELECT digest, 'snapshot' AS holds, model, segment, interval_start, interval_end, NULL AS version FROM perennial.snapshot
    UNION ALL
    SELECT quarantine, 'quarantine', model, segment, interval_start, interval_end, NULL FROM perennial.validation
    UNION ALL
    SELECT usual, 'profile', model, segment, interval_start, interval_end, NULL FROM perennial.validation
    UNION ALL
    SELECT profile, 'profile', model, segment, interval_start, interval_end, NULL FROM perennial.measurement
    UNION ALL
    SELECT outlook, 'profile', model, segment, interval_start, interval_end, NULL FROM perennial.measurement
    UNION ALL
    SELECT outlook, 'profile', model, segment, interval_start, interval_end, NULL FROM perennial.evaluation
    UNION ALL
    SELECT a.digest, a.holds, t.model, t.segment, t.interval_start, t.interval_end, v.id
    FROM perennial.model_version v LEFT JOIN perennial.training_run t ON t.id = v.training_run,
        LATERAL (VALUES (v.artifact, 'model'), (v.baseline, 'baseline'), (v.profile, 'profile'), (v.sample, 'sample'),
            (t.definition_digest, 'definition')) a (digest, holds)
"""
_REFERENCED = text(f"SELECT DISTINCT digest FROM ({_NAMED}) n WHERE digest IS NOT NULL")  # noqa: S608 - constants
_MANIFESTS = text(f"SELECT DISTINCT digest FROM ({_NAMED}) n WHERE holds IN ('snapshot', 'model', 'baseline')")  # noqa: S608 - constants
_NAMED_BY = text(f"""
    WITH reigning AS (
        SELECT DISTINCT version FROM perennial.promotion p
        WHERE epoch > (SELECT coalesce(max(epoch), 0) FROM perennial.promotion r
            WHERE r.model = p.model AND r.segment = p.segment AND r.kind = 'retire')
    )
    SELECT n.*, n.holds <> 'definition' AND n.version IN (SELECT version FROM reigning) AS reigns
    FROM ({_NAMED}) n WHERE digest IS NOT NULL AND model IS NOT NULL
    ORDER BY model, segment, interval_start, interval_end, holds, digest
""")  # noqa: S608 - constants
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
    return set(connection.scalars(_REFERENCED))


def manifests(connection: Connection) -> set[str]:
    """Return the digests of the artifacts that name others: of snapshots, of models and of their baselines."""
    return set(connection.scalars(_MANIFESTS))


def named(connection: Connection) -> list[Named]:
    """Return every artifact that a row names, by the row."""
    rows = connection.execute(_NAMED_BY).mappings()
    return [from_row(Named, {**row, "reigns": bool(row["reigns"])}) for row in rows]


def orphans(connection: Connection) -> int:
    """Return how many batches that are not there have prediction rows: 0, or the ledger is broken."""
    return int(connection.scalar(_ORPHANS) or 0)
