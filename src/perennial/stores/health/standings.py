"""How all models and segments stand, in one statement."""

from __future__ import annotations

from sqlalchemy import Connection, text

from perennial.core.health import Standing
from perennial.stores.ledger.rows import from_row

# From one model and segment to the next by an index, of snapshots, with which every flow begins, and of requests, which may come
# before; then one look at an index for each thing that is told of it. What is large (signals, metrics, gates) is never read.
_WALK = """
    {name} (model, segment) AS (
        (SELECT model, segment FROM perennial.{table} ORDER BY model, segment LIMIT 1)
        UNION ALL
        SELECT n.model, n.segment FROM {name} s, LATERAL (
            SELECT o.model, o.segment FROM perennial.{table} o
            WHERE (o.model, o.segment) > (s.model, s.segment) ORDER BY o.model, o.segment LIMIT 1
        ) n
    )
"""
_SCOPES = f"""
    WITH RECURSIVE {_WALK.format(name="begun", table="snapshot")}, {_WALK.format(name="asked", table="retrain_request")},
    scope AS (SELECT model, segment FROM begun UNION SELECT model, segment FROM asked)
"""  # noqa: S608 - constants
_STANDING = """
    SELECT s.model, s.segment,
        p.kind, p.epoch, p.version, p.effective_from AS since, p.actor AS by,
        d.id AS decision, d.interval_start AS night_start, d.interval_end AS night_end, d.action, d.rule, d.sentence, d.measurement,
        w.share AS drift, w.column AS drifted,
        r.id AS request, r.state AS request_state, r.reason AS request_reason,
        e.id AS waits, e.challenger
    FROM scope s
    LEFT JOIN LATERAL (
        SELECT kind, epoch, version, effective_from, actor FROM perennial.promotion
        WHERE model = s.model AND segment = s.segment ORDER BY epoch DESC LIMIT 1
    ) p ON true
    LEFT JOIN LATERAL (
        SELECT id, interval_start, interval_end, action, rule, sentence, measurement FROM perennial.decision
        WHERE model = s.model AND segment = s.segment ORDER BY interval_start DESC, interval_end DESC, said_at DESC, id DESC LIMIT 1
    ) d ON true
    LEFT JOIN LATERAL (
        SELECT m.psi / m.threshold AS share, m.column FROM perennial.drift_measurement m
        WHERE m.measurement = d.measurement AND m.psi IS NOT NULL AND m.threshold > 0
        ORDER BY share DESC, m.position LIMIT 1
    ) w ON true
    LEFT JOIN LATERAL (
        SELECT id, state, reason FROM perennial.retrain_request
        WHERE model = s.model AND segment = s.segment AND state <> 'done' LIMIT 1
    ) r ON true
    LEFT JOIN LATERAL (
        SELECT id, challenger, verdict FROM perennial.evaluation
        WHERE model = s.model AND segment = s.segment ORDER BY interval_start DESC, interval_end DESC, said_at DESC, id DESC LIMIT 1
    ) e ON e.verdict = 'pass'
        AND NOT EXISTS (SELECT FROM perennial.approval a WHERE a.evaluation = e.id)
        AND NOT EXISTS (SELECT FROM perennial.promotion t WHERE t.evaluation = e.id AND t.kind = 'promote')
"""
_ALL = text(f"{_SCOPES} {_STANDING} ORDER BY s.model, s.segment")
_ONE = text(f"WITH scope (model, segment) AS (VALUES (CAST(:model AS text), CAST(:segment AS text))) {_STANDING}")
_STEPS = """
    {name} (segment) AS (
        (SELECT segment FROM perennial.{table} WHERE model = :model ORDER BY segment LIMIT 1)
        UNION ALL
        SELECT (
            SELECT o.segment FROM perennial.{table} o WHERE o.model = :model AND o.segment > s.segment ORDER BY o.segment LIMIT 1
        ) FROM {name} s WHERE s.segment IS NOT NULL
    )
"""
_SEGMENTS = text(f"""
    WITH RECURSIVE {_STEPS.format(name="begun", table="snapshot")}, {_STEPS.format(name="asked", table="retrain_request")}
    SELECT segment FROM (SELECT segment FROM begun UNION SELECT segment FROM asked) s WHERE segment IS NOT NULL ORDER BY segment
""")  # noqa: S608 - constants


def standings(connection: Connection) -> list[Standing]:
    """Return how every model and segment stands of which anything was recorded, by name."""
    return [_standing(dict(row)) for row in connection.execute(_ALL).mappings()]


def standing(connection: Connection, model: str, segment: str) -> Standing:
    """Return how one model and segment stands; nothing but its name where nothing was recorded of it."""
    return _standing(dict(connection.execute(_ONE, {"model": model, "segment": segment}).mappings().one()))


def segments(connection: Connection, model: str) -> list[str]:
    """Return the segments of *model* of which anything was recorded, by name."""
    return list(connection.scalars(_SEGMENTS, {"model": model}))


def _standing(row: dict[str, object]) -> Standing:
    if row["decision"] is None:
        row["night"] = row.pop("night_start")  # which is None
    return from_row(Standing, row)
