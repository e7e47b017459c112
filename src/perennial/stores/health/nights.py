"""What was decided about nights, and their losses as they were measured last."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from perennial.core.health import Night
from perennial.core.interval import Interval

# A night is measured until its labels are complete; what the measurement of the latest night says of it stands. Signals and
# findings, which are large, are not read.
_NIGHTS = text("""
    WITH decided AS (
        SELECT DISTINCT ON (d.interval_start, d.interval_end)
            d.interval_start, d.interval_end, d.id AS decision, d.action, d.rule, d.sentence, d.request,
            m.version, v.id AS validation, v.verdict, v.rows, v.quarantined
        FROM perennial.decision d
        JOIN perennial.measurement m ON m.id = d.measurement
        JOIN perennial.validation v ON v.id = m.validation
        WHERE d.model = :model AND d.segment = :segment AND d.interval_start >= :start AND d.interval_start < :until
        ORDER BY d.interval_start, d.interval_end, d.said_at DESC, d.id DESC
    ), measured AS (
        SELECT DISTINCT ON (p.interval_start, p.interval_end, p.role)
            p.interval_start, p.interval_end, p.role, p.predicted, p.labelled, p.loss, p.square
        FROM perennial.measurement m JOIN perennial.performance_measurement p ON p.measurement = m.id
        WHERE m.model = :model AND m.segment = :segment AND m.interval_start >= :start
            AND p.slice IS NULL AND p.interval_start >= :start AND p.interval_start < :until
        ORDER BY p.interval_start, p.interval_end, p.role, m.interval_start DESC, m.said_at DESC, m.id DESC
    ), lost AS (
        SELECT interval_start, interval_end,
            max(predicted) FILTER (WHERE role = 'champion') AS predicted,
            max(labelled) FILTER (WHERE role = 'champion') AS labelled,
            max(loss) FILTER (WHERE role = 'champion') AS loss, max(square) FILTER (WHERE role = 'champion') AS square,
            max(loss) FILTER (WHERE role = 'baseline') AS baseline, max(loss) FILTER (WHERE role = 'shadow') AS shadow
        FROM measured GROUP BY interval_start, interval_end
    )
    SELECT interval_start, interval_end, decision, action, rule, sentence, request, version, validation, verdict, rows, quarantined,
        coalesce(predicted, 0), coalesce(labelled, 0), loss, square, baseline, shadow
    FROM decided FULL JOIN lost USING (interval_start, interval_end)
    ORDER BY interval_start, interval_end
""")
_NAMES = (
    "decision", "action", "rule", "sentence", "request", "version", "validation", "verdict", "rows", "quarantined", "predicted",
    "labelled", "loss", "square", "baseline", "shadow",
)  # fmt: skip
# The bounds of what there is, by the ends of the index.
_SPAN = text("""
    SELECT
        (SELECT interval_start FROM perennial.decision WHERE model = :model AND segment = :segment ORDER BY interval_start LIMIT 1),
        (SELECT interval_end FROM perennial.decision WHERE model = :model AND segment = :segment
            ORDER BY interval_start DESC, interval_end DESC LIMIT 1)
""")


def nights(connection: Connection, model: str, segment: str, within: Interval) -> list[Night]:
    """Return the nights that start inside *within* and were decided or measured, by interval."""
    key = {"model": model, "segment": segment, "start": within.start, "until": within.end}
    return [_night(*row) for row in connection.execute(_NIGHTS, key)]


def decided(connection: Connection, model: str, segment: str) -> Interval | None:
    """Return the time from the first night that was decided to the end of the last one, or None where none was."""
    start, end = _ends(connection, model, segment)
    return Interval(start, end) if start is not None and end is not None else None


def _night(start: datetime, end: datetime, *values: object) -> Night:
    return Night.model_validate({"interval": Interval(start, end), **dict(zip(_NAMES, values, strict=True))})


def _ends(connection: Connection, model: str, segment: str) -> tuple[datetime | None, datetime | None]:
    row = connection.execute(_SPAN, {"model": model, "segment": segment}).one()
    return row[0], row[1]
