"""The predictions of one entity."""

from __future__ import annotations

from sqlalchemy import Connection, text

from perennial.core.health import Foretold
from perennial.core.interval import Interval
from perennial.core.receipts import Role
from perennial.stores.ledger.rows import from_row

# The batches by their index, then of each the rows of the entity by the primary key, in the months that the batch lies in.
_FORETOLD = text("""
    SELECT p.event_at, p.prediction, p.low, p.high, o.value AS label, o.available_at AS label_at,
        b.role, b.state, b.version, b.epoch, b.id AS batch, b.snapshot, b.validation, b.interval_start, b.interval_end
    FROM perennial.prediction_batch b
    JOIN LATERAL (
        SELECT event_at, prediction, low, high FROM perennial.prediction
        WHERE batch = b.number AND entity = :entity AND event_at >= b.interval_start AND event_at < b.interval_end
            AND event_at >= :start AND event_at < :until
    ) p ON true
    LEFT JOIN LATERAL (
        SELECT value, available_at FROM perennial.outcome
        WHERE model = b.model AND segment = b.segment AND event_at = p.event_at AND entity = :entity
        ORDER BY available_at DESC LIMIT 1
    ) o ON true
    WHERE b.model = :model AND b.segment = :segment AND b.state = 'current' AND b.role = :role
        AND b.interval_start < :until AND b.interval_start >= CAST(:start AS timestamptz) - interval '45 days'
        AND b.interval_end > :start
    ORDER BY p.event_at LIMIT :most
""")
# From one entity of the newest current batch to the next by the primary key.
_ENTITIES = text("""
    WITH RECURSIVE newest AS (
        SELECT number, interval_start, interval_end FROM perennial.prediction_batch
        WHERE model = :model AND segment = :segment AND role = 'champion' AND state = 'current'
        ORDER BY interval_start DESC LIMIT 1
    ), named (entity, place) AS (
        SELECT (
            SELECT min(p.entity) FROM perennial.prediction p, newest b
            WHERE p.batch = b.number AND p.event_at >= b.interval_start AND p.event_at < b.interval_end AND p.entity >= :beginning
        ), 1
        UNION ALL
        SELECT (
            SELECT min(p.entity) FROM perennial.prediction p, newest b
            WHERE p.batch = b.number AND p.event_at >= b.interval_start AND p.event_at < b.interval_end AND p.entity > named.entity
        ), named.place + 1
        FROM named WHERE named.entity IS NOT NULL AND named.place < :most
    )
    SELECT entity FROM named WHERE entity IS NOT NULL AND starts_with(entity, :beginning)
""")


def foretold(
    connection: Connection, model: str, segment: str, entity: str, within: Interval, *, role: Role, most: int
) -> list[Foretold]:
    """Return the current predictions of *entity* with their newest labels, by event; at most *most* of them."""
    key = {"model": model, "segment": segment, "entity": entity, "role": role.value, "most": most}
    rows = connection.execute(_FORETOLD, {**key, "start": within.start, "until": within.end}).mappings()
    return [from_row(Foretold, dict(row)) for row in rows]


def entities(connection: Connection, model: str, segment: str, beginning: str, *, most: int) -> list[str]:
    """Return entities of the newest current batch whose names begin so, by name; at most *most* of them."""
    key = {"model": model, "segment": segment, "beginning": beginning, "most": most}
    return list(connection.scalars(_ENTITIES, key))
