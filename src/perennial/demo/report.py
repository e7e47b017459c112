"""What the database says at the end, by plain SQL, and what must be true of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from perennial.stores.query import query

NIGHTS = """
WITH night AS (
    SELECT DISTINCT ON (d.interval_start, d.interval_end) d.*, v.verdict
    FROM perennial.decision d
    JOIN perennial.measurement m ON m.id = d.measurement
    JOIN perennial.validation v ON v.id = m.validation
    WHERE d.model = :model ORDER BY d.interval_start, d.interval_end, d.said_at DESC
)
"""

MONTHS = (
    NIGHTS
    + """
SELECT to_char(interval_end, 'YYYY-MM') AS month, count(*) AS nights, count(*) FILTER (WHERE verdict = 'fail') AS failed,
       count(*) FILTER (WHERE action = 'keep') AS keep, count(*) FILTER (WHERE action = 'watch') AS watch,
       count(*) FILTER (WHERE action = 'hold') AS hold, count(*) FILTER (WHERE action = 'retrain') AS retrain,
       count(*) FILTER (WHERE action = 'quarantine') AS quarantine
FROM night GROUP BY 1 ORDER BY 1
"""
)

TELLING = (
    NIGHTS
    + """
SELECT to_char(interval_end, 'YYYY-MM-DD') AS night, verdict, action,
       left(split_part(regexp_replace(sentence, '^the night''s data is at fault: ', ''), '; ', 1), 82) AS why
FROM night WHERE action NOT IN ('keep', 'watch') OR interval_end IN (:first, :after) ORDER BY 1
"""
)

PAIRS = """
WITH label AS (
    SELECT DISTINCT ON (model, entity, event_at) model, entity, event_at, value
    FROM perennial.outcome WHERE model = :model ORDER BY model, entity, event_at, available_at DESC
), pair AS (
    SELECT p.event_at, abs(p.prediction - label.value) AS loop, abs(s.prediction - label.value) AS never
    FROM perennial.current_prediction p
    JOIN perennial.prediction_lineage s ON s.model = p.model AND s.entity = p.entity AND s.event_at = p.event_at
        AND s.role = 'shadow' AND s.state = 'current'
    JOIN label ON label.model = p.model AND label.entity = p.entity AND label.event_at = p.event_at
)
"""

ERRORS = (
    PAIRS
    + """
SELECT to_char(date_trunc('month', event_at), 'YYYY-MM') AS month, count(*) AS rows,
       round(avg(loop)::numeric, 1) AS loop, round(avg(never)::numeric, 1) AS never_retrained,
       round((100 * (1 - avg(loop) / avg(never)))::numeric) AS percent_better
FROM pair GROUP BY 1 ORDER BY 1
"""
)

AFTER = (
    PAIRS
    + """
SELECT count(*), avg(loop), avg(never) FROM pair WHERE event_at >= :since
"""
)

PROMOTIONS = """
SELECT p.epoch, p.kind, p.version, to_char(p.effective_from, 'YYYY-MM-DD') AS effective_from, p.actor,
       split_part(t.reason, ';', 1) AS trained_because
FROM perennial.promotion p
JOIN perennial.model_version v ON v.id = p.version
JOIN perennial.training_run t ON t.id = v.training_run
WHERE p.model = :model ORDER BY p.epoch
"""

LINEAGE = """
SELECT to_char(event_at, 'YYYY-MM-DD HH24"h"') AS event_at, entity, round(prediction::numeric, 1) AS rides, model_version,
       promotion_epoch, left(snapshot, 8) AS snapshot, left(validation, 8) AS validation, left(training_run, 8) AS training_run
FROM perennial.prediction_lineage
WHERE model = :model AND role = 'champion' AND state = 'current' AND event_at IN (:before, :after)
ORDER BY event_at
"""

ORPHANS = """
SELECT count(*)
FROM perennial.prediction p
LEFT JOIN perennial.prediction_batch b ON b.number = p.batch
LEFT JOIN perennial.model_version v ON v.id = b.version
LEFT JOIN perennial.training_run t ON t.id = v.training_run
LEFT JOIN perennial.snapshot s ON s.digest = b.snapshot
LEFT JOIN perennial.validation c ON c.id = b.validation AND c.snapshot = b.snapshot
LEFT JOIN perennial.promotion o ON o.model = b.model AND o.segment = b.segment AND o.epoch = b.epoch
WHERE b.state = 'staged' OR b.number IS NULL OR v.id IS NULL OR t.id IS NULL OR s.digest IS NULL OR c.id IS NULL
   OR o.epoch IS NULL
"""

ANSWERS = """
SELECT count(*), count(*) FILTER (WHERE r.origin LIKE 'decision %'), count(*) FILTER (WHERE p.version IS NOT NULL)
FROM perennial.training_run t
LEFT JOIN perennial.retrain_request r ON r.id = t.request
JOIN perennial.model_version v ON v.training_run = t.id
LEFT JOIN perennial.promotion p ON p.version = v.id
WHERE t.model = :model AND t.interval_end >= :since AND t.interval_end < :until
"""

MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Shown:
    """A table for a person."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that must be true, what was found, and whether it holds."""

    claim: str
    found: str
    holds: bool


def tables(url: str, model: str, *, first: datetime, turn: datetime) -> Iterator[Shown]:
    """Yield what an analyst would look at.

    Args:
        url: The ledger's database.
        model: The model's name.
        first: The end of the first night.
        turn: The end of the night that was answered by a retraining.
    """
    telling = {"model": model, "first": first, "after": turn + timedelta(days=1)}
    yield Shown("The telling nights", ("night", "verdict", "decision", "why"), query(url, TELLING, telling))
    months = ("month", "nights", "failed", "keep", "watch", "hold", "retrain", "quarantine")
    yield Shown("All nights, verdicts and decisions", months, query(url, MONTHS, {"model": model}))
    title = "Mean absolute error on the same rows, rides an hour"
    yield Shown(title, ("month", "rows", "the loop", "never retrained", "% better"), query(url, ERRORS, {"model": model}))
    ledger = ("epoch", "kind", "version", "effective from", "by", "trained because")
    yield Shown("Promotions", ledger, query(url, PROMOTIONS, {"model": model}))
    moments = {"before": turn - timedelta(hours=7), "after": turn + timedelta(hours=17)}
    columns = ("event_at", "entity", "rides", "model version", "epoch", "snapshot", "validation", "training run")
    yield Shown("The same hour of two days, and where it comes from", columns, query(url, LINEAGE, {"model": model, **moments}))


def claims(url: str, model: str, *, shock: datetime) -> Iterator[Claim]:
    """Yield what the demo promises."""
    [(rows, loop, never)] = query(url, AFTER, {"model": model, "since": shock})
    better = 1 - float(str(loop)) / float(str(never))
    found = f"{better:.0%} below: {float(str(loop)):.1f} against {float(str(never)):.1f} rides an hour, on {rows} rows"
    yield Claim("after the shock the loop's error is at least 40 % below the never-retrained model's", found, better >= 0.4)  # noqa: PLR2004 - the claim
    answers = query(url, ANSWERS, {"model": model, "since": shock, "until": shock + MONTH})
    found = "retrainings {}, of them asked for by a decision {}, promoted {}".format(*answers[0])
    yield Claim("exactly one retraining answered the shock, in the month after it", found, list(answers) == [(1, 1, 1)])
    [(orphans,)] = query(url, ORPHANS)
    yield Claim("every prediction joins to version, snapshot, validation and promotion", f"{orphans} orphans", orphans == 0)
