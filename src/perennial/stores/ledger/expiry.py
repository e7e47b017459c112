"""Which prediction rows may go, and how they go: whole months where nothing in them is kept, and single rows elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, text

from perennial.stores.ledger import months

Horizons = Mapping[tuple[str, str], datetime]
"""By model and segment: events before this moment have expired."""

BUSY_AFTER = "2s"
"""How long the removal of a month may wait for who reads or writes predictions, for they wait behind it."""

_HORIZON = """
    SELECT * FROM unnest(CAST(:models AS text[]), CAST(:segments AS text[]), CAST(:befores AS timestamptz[]))
        AS horizon (model, segment, before)
"""
_OLD = f"""perennial.prediction_batch b, ({_HORIZON}) h
    WHERE p.batch = b.number AND b.model = h.model AND b.segment = h.segment
        AND b.interval_start < h.before AND b.interval_end > :first AND p.event_at < h.before AND p.event_at < :last
"""
# Each batch keeps count of the rows that it has lost to its age: whatever else is missing was lost otherwise.
_NOTED = """
    counted AS (SELECT batch, count(*) AS rows FROM gone GROUP BY batch),
    locked AS (
        SELECT number FROM perennial.prediction_batch WHERE number IN (SELECT batch FROM counted) ORDER BY number FOR NO KEY UPDATE
    ),
    noted AS (
        UPDATE perennial.prediction_batch b SET expired = b.expired + counted.rows
        FROM counted JOIN locked ON locked.number = counted.batch WHERE b.number = counted.batch
    )
    SELECT coalesce(sum(rows), 0) FROM counted
"""
_DELETE_OLD = text(f"""
    WITH gone AS (DELETE FROM perennial.prediction p USING {_OLD} RETURNING p.batch), {_NOTED}
""")  # noqa: S608 - constants
_KEPT = text(f"""
    SELECT EXISTS (
        SELECT FROM perennial.prediction_batch b LEFT JOIN ({_HORIZON}) h USING (model, segment)
        WHERE b.interval_start < :end AND b.interval_end > :start
            AND (h.before IS NULL OR h.before < least(b.interval_end, :end))
    )
""")  # noqa: S608 - constants
_NOTE_MONTH = text(f"""
    WITH gone AS (SELECT batch FROM perennial.prediction WHERE event_at >= :start AND event_at < :end), {_NOTED}
""")  # noqa: S608 - constants
_DROP_MONTH = text("SELECT perennial.drop_prediction_month(:start)")
_NOT_FOR_LONG = text(f"SELECT set_config('lock_timeout', '{BUSY_AFTER}', true)")
# Nobody will make these current: they are a day old, and no run holds a lease of their model. Of a batch of no rows there may be
# some, too: somebody was stopped who copied several streams at the same time.
_ABANDONED = """
    state = 'staged' AND written_at < now() - interval '1 day' AND (rows > 0 OR EXISTS (
        SELECT FROM perennial.prediction q
        WHERE q.batch = b.number AND q.event_at >= b.interval_start AND q.event_at < b.interval_end
    )) AND NOT EXISTS (
        SELECT FROM perennial.lease l
        WHERE l.model = b.model AND l.segment = b.segment AND l.holder IS NOT NULL AND l.expires_at > clock_timestamp()
    )
"""
_COUNT_OLD = text(f"SELECT count(*) FROM perennial.prediction p, {_OLD} AND NOT ({_ABANDONED})")  # noqa: S608 - constants
_COUNT_ABANDONED = text(f"""
    SELECT count(*) FROM perennial.prediction p
    WHERE p.batch IN (SELECT number FROM perennial.prediction_batch b WHERE {_ABANDONED})
""")  # noqa: S608 - constants
# A batch of no rows never becomes current: whoever still wants it writes it again. Two statements, for the first may wait for
# one who writes it again at this moment, and only the next one sees those rows.
_CLEAR_ABANDONED = text(f"UPDATE perennial.prediction_batch b SET rows = 0, expired = 0 WHERE {_ABANDONED} RETURNING number")  # noqa: S608 - constants
_DELETE_CLEARED = text("DELETE FROM perennial.prediction WHERE batch = ANY(CAST(:cleared AS bigint[]))")
_COUNTED = {"preserve_rowcount": True}


def expired_months(connection: Connection, horizons: Horizons) -> list[datetime]:
    """Return the months, in order, of which every batch has expired as far as it lies in them."""
    if not horizons:
        return []
    newest = max(horizons.values())
    old = [month for month in months.present(connection) if months.is_over(month, newest)]
    return [month for month in old if not _is_kept(connection, month, horizons)]


def drop_month(connection: Connection, month: datetime, horizons: Horizons) -> int:
    """Drop *month*, unless somebody writes to it or it holds what has not expired, and return how many rows it had.

    Raises:
        psycopg.errors.LockNotAvailable: Predictions were read or written for too long; the caller's edge maps it.
    """
    if not months.take(connection, month) or _is_kept(connection, month, horizons):
        return 0
    bounds = _bounds(month)
    rows = int(connection.scalar(_NOTE_MONTH, bounds) or 0)
    connection.execute(_NOT_FOR_LONG)
    connection.execute(_DROP_MONTH, bounds)
    return rows


def count(connection: Connection, horizons: Horizons) -> int:
    """Return how many rows :func:`drop_month` and :func:`delete` would remove together."""
    abandoned = int(connection.scalar(_COUNT_ABANDONED) or 0)
    parameters = _parameters(connection, horizons)
    return abandoned + (int(connection.scalar(_COUNT_OLD, parameters) or 0) if parameters else 0)


def delete(connection: Connection, horizons: Horizons) -> int:
    """Delete the expired rows that are left, and those of batches that never became current; return how many there were.

    Nobody drops a month in the meantime, who would count its rows a second time.
    """
    months.keep(connection, months.present(connection))
    cleared = {"cleared": connection.scalars(_CLEAR_ABANDONED).all()}
    abandoned = connection.execute(_DELETE_CLEARED, cleared, execution_options=_COUNTED).rowcount
    parameters = _parameters(connection, horizons)
    return abandoned + (int(connection.scalar(_DELETE_OLD, parameters) or 0) if parameters else 0)


def _is_kept(connection: Connection, month: datetime, horizons: Horizons) -> bool:
    return bool(connection.scalar(_KEPT, {**_arrays(horizons), **_bounds(month)}))


def _parameters(connection: Connection, horizons: Horizons) -> dict[str, object]:
    """Return the horizons, and the first and last moment at which there can be something old; nothing where there is none."""
    present = months.present(connection)
    if not present or not horizons:
        return {}
    return {**_arrays(horizons), "first": present[0], "last": max(horizons.values())}


def _arrays(horizons: Horizons) -> dict[str, object]:
    models, segments = [model for model, _ in horizons], [segment for _, segment in horizons]
    return {"models": models, "segments": segments, "befores": list(horizons.values())}


def _bounds(month: datetime) -> dict[str, object]:
    return {"start": month, "end": months.following(month)}
