"""The facts that an audit judges, out of one consistent view of the database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Text, cast, exists, func, literal, select, text
from sqlalchemy.schema import ForeignKeyConstraint

from perennial.core.interval import Interval, utc
from perennial.core.receipts import Audit, BatchState, Fault, Role
from perennial.stores.ledger.faults import (
    LINEAGE,
    BatchFacts,
    PromotionFacts,
    batch_faults,
    dangling,
    hidden,
    orphan_rows,
    promotion_faults,
    request_faults,
)
from perennial.stores.ledger.guards import guards
from perennial.stores.ledger.one_moment import one_moment
from perennial.stores.tables import metadata

_AT_ONCE = 10_000
_PROMOTIONS = text("""
    SELECT p.model, p.segment, p.epoch, p.kind, p.version, p.evaluation, p.approval,
        CASE WHEN isfinite(p.effective_from) THEN p.effective_from END AS effective_from,
        e.challenger, e.champion, e.verdict, a.evaluation AS approved, a.verdict AS approval_verdict,
        t.model AS trained_model, t.segment AS trained_segment, greatest(t.interval_end, t.as_of) AS known
    FROM perennial.promotion p
    LEFT JOIN perennial.evaluation e ON e.id = p.evaluation
    LEFT JOIN perennial.approval a ON a.id = p.approval
    LEFT JOIN perennial.model_version v ON v.id = p.version
    LEFT JOIN perennial.training_run t ON t.id = v.training_run
    ORDER BY p.model, p.segment, p.epoch
""")
# One pass over all predictions; everything else is joined to what is left of them, a row per batch.
_BATCHES = text("""
    WITH standing AS (
        SELECT DISTINCT ON (model, segment, interval_start, interval_end) model, segment, interval_start, interval_end, verdict
        FROM perennial.validation WHERE purpose = 'score'
        ORDER BY model, segment, interval_start, interval_end, said_at DESC, id DESC
    )
    SELECT b.id AS batch, b.model, b.segment, b.interval_start, b.interval_end, b.role, b.state, b.version, b.snapshot,
        b.rows AS published, b.expired, p.batch AS number, coalesce(p.found, 0) AS found, p.first, p.last,
        o.kind, o.version AS champion, CASE WHEN isfinite(o.effective_from) THEN o.effective_from END AS effective_from,
        s.model AS extracted_model, s.segment AS extracted_segment, s.interval_start AS extracted_start,
        s.interval_end AS extracted_end, c.snapshot AS validated, c.verdict,
        g.verdict AS standing
    FROM (
        SELECT batch, count(*) AS found, min(event_at) AS first, max(event_at) AS last FROM perennial.prediction GROUP BY batch
    ) p
    FULL JOIN perennial.prediction_batch b ON b.number = p.batch
    LEFT JOIN perennial.promotion o ON o.model = b.model AND o.segment = b.segment AND o.epoch = b.epoch
    LEFT JOIN perennial.snapshot s ON s.digest = b.snapshot
    LEFT JOIN perennial.validation c ON c.id = b.validation
    LEFT JOIN standing g
        ON (g.model, g.segment, g.interval_start, g.interval_end) = (b.model, b.segment, b.interval_start, b.interval_end)
    ORDER BY b.model, b.segment, b.role, b.interval_start, b.number
""")
_REQUESTS = text("""
    SELECT model, segment, id, state, claimed_by FROM perennial.retrain_request
    WHERE state <> 'done' ORDER BY model, segment, at, id
""")
_LINEAGE = text("SELECT count(*) FROM perennial.prediction_lineage")
_CURRENT = text("SELECT count(*) FROM perennial.current_prediction")


def audit(engine: Engine) -> Audit:
    """Return what ``ports.Ledger.audit`` says."""
    with one_moment(engine) as connection:
        promotions = list(promotion_faults(facts := [_promotion(row) for row in connection.execute(_PROMOTIONS)]))
        links = list(_dangling(connection))
        batches = _Batches(connection)
        rows = list(batches.faults())
        requests = list(request_faults(_request(row) for row in connection.execute(_REQUESTS)))
        found = [*promotions, *links, *rows, *requests, *guards(connection)]
        if not links and not any(fault.promise == LINEAGE for fault in rows):
            found += _views(connection, batches)
    return Audit(promotions=len(facts), batches=batches.count, predictions=batches.predictions, faults=tuple(found))


class _Batches:
    """Reads the batches, and counts on the way."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.count = self.predictions = self.current = 0
        self._orphans: list[Fault] = []

    def faults(self) -> Iterator[Fault]:
        yield from batch_faults(self._read())
        yield from self._orphans

    def _read(self) -> Iterator[BatchFacts]:
        with self._connection.execute(_BATCHES, execution_options={"yield_per": _AT_ONCE}) as result:
            for row in result:
                self.predictions += row.found
                if row.batch is None:
                    self._orphans.append(orphan_rows(row.number, row.found))
                    continue
                self.count += 1
                if (row.state, row.role) == (BatchState.CURRENT, Role.CHAMPION):
                    self.current += row.found
                yield _batch(row)


def _promotion(row: Row[Any]) -> PromotionFacts:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    model, segment = values.pop("trained_model"), values.pop("trained_segment")
    values |= {name: _moment(values[name]) for name in ("effective_from", "known")}
    return PromotionFacts(**values, trained_for=None if model is None else (model, segment))


def _batch(row: Row[Any]) -> BatchFacts:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    del values["number"]
    extracted = [values.pop(f"extracted_{name}") for name in ("model", "segment", "start", "end")]
    values |= {name: _moment(values[name]) for name in ("first", "last", "effective_from")}
    interval = Interval(values.pop("interval_start"), values.pop("interval_end"))
    return BatchFacts(
        **values,
        interval=interval,
        extracted=None if extracted[0] is None else (extracted[0], extracted[1], Interval(*extracted[2:])),
    )


def _request(row: Row[Any]) -> tuple[str, str, str, str, str | None]:
    return row.model, row.segment, row.id, row.state, row.claimed_by


def _moment(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


def _dangling(connection: Connection) -> Iterator[Fault]:
    """Yield the rows that name what is not there, by every foreign key that the tables declare."""
    for table in metadata.sorted_tables:
        keys = [table.c.id] if "id" in table.c else list(table.primary_key.columns)
        for constraint in table.constraints:
            if isinstance(constraint, ForeignKeyConstraint):
                yield from _without_target(connection, constraint, keys)


def _without_target(connection: Connection, constraint: ForeignKeyConstraint, keys: list[Any]) -> Iterator[Fault]:
    pairs = [(element.parent, element.column) for element in constraint.elements]
    same = (column == wanted for column, wanted in pairs)
    target = exists(select(literal(1)).select_from(constraint.referred_table).where(*same))
    columns = [column for column, _ in pairs]
    named = func.concat_ws("/", *(cast(column, Text) for column in columns))
    key = func.concat_ws("/", *(cast(column, Text) for column in keys))
    query = select(key, named).where(*(column.is_not(None) for column in columns), ~target).order_by(key)
    for row in connection.execute(query):
        yield dangling(constraint.table.name, row[0], columns[-1].name, row[1])


def _views(connection: Connection, batches: _Batches) -> Iterator[Fault]:
    """Yield the views that do not show what there is. Where a join is known to fail, they cannot."""
    for view, query, rows in (
        ("prediction_lineage", _LINEAGE, batches.predictions),
        ("current_prediction", _CURRENT, batches.current),
    ):
        shown = int(connection.scalar(query) or 0)
        if shown != rows:
            yield hidden(view, shown, rows)
