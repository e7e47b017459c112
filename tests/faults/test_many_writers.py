"""Promises 3 and 6 with eight processes at once: one night, several, overlapping ones, opposite orders of rows, a zombie."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from perennial.core.receipts import PredictionBatch
from perennial.stores.ledger import PostgresLedger
from perennial.testing.story import Story

if TYPE_CHECKING:
    from tests.faults.conftest import Outcome, Workers

pytestmark = pytest.mark.faults

WRITERS, ROWS, GATE = 8, 20_000, 4711
STORY = Story()
WAITING = """
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND NOT granted AND objid = %s
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
TWICE = "SELECT 1 FROM perennial.current_prediction GROUP BY model, segment, role, entity, event_at HAVING count(*) > 1"
OVERLAPS = """
    SELECT 1 FROM perennial.prediction_batch a JOIN perennial.prediction_batch b USING (model, segment, role)
    WHERE a.state = 'current' AND b.state = 'current' AND a.number < b.number
        AND a.interval_start < b.interval_end AND b.interval_start < a.interval_end
"""
WRITTEN = """
    SELECT b.interval_start, b.interval_end, b.state, b.rows, count(*) AS written, count(DISTINCT p.prediction) AS kinds
    FROM perennial.prediction_batch b JOIN perennial.prediction p ON p.batch = b.number GROUP BY b.number ORDER BY b.number
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.fixture
def url(new_ledger: Callable[[], str]) -> str:
    """An empty ledger."""
    return new_ledger()


@pytest.fixture
def psql(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection beside the writers, to a ledger with a champion and ten nights."""
    with closing(PostgresLedger.open(url)) as ledger:
        STORY.keep_champion(ledger)
        for number in range(WRITERS + 2):
            STORY.keep_night(ledger, number)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True, row_factory=namedtuple_row) as connection:
        yield connection


@contextmanager
def shut(psql: psycopg.Connection[Any], waiting: int) -> Iterator[Callable[[], None]]:
    """Keep the gate shut; the function that is lent returns when so many wait at it."""
    psql.execute("SELECT pg_advisory_lock(%s)", [GATE])

    def wait() -> None:
        deadline = time.monotonic() + 120
        while psql.execute(WAITING, [GATE]).fetchall() != [(waiting,)]:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    yield wait
    psql.execute("SELECT pg_advisory_unlock(%s)", [GATE])


def at_once(workers: Workers, psql: psycopg.Connection[Any], url: str, asks: list[dict[str, Any]]) -> list[Outcome]:
    """Let one process per ask publish, all at the same moment; return what they said."""
    with shut(psql, len(asks)) as wait:
        tasks = [workers.start(kind="publish", url=url, model=STORY.model, rows=ROWS, gate=GATE, **ask) for ask in asks]
        wait()
    return [workers.ended(task) for task in tasks]


def errors(outcomes: list[Outcome]) -> set[tuple[str, ...]]:
    """Return what went wrong, by class and code."""
    return {tuple(outcome.error) for outcome in outcomes if outcome.error is not None}


def check(psql: psycopg.Connection[Any]) -> list[Any]:
    """Nothing is current twice, every batch is whole, no deadlock was broken; return the batches."""
    assert psql.execute(TWICE).fetchall() == []
    assert psql.execute(OVERLAPS).fetchall() == []
    assert psql.execute(DEADLOCKS).fetchall() == [(0,)]
    found = psql.execute(WRITTEN).fetchall()
    assert [row for row in found if not row.rows == row.written == row.kinds == ROWS] == []
    return found


def test_promise_03_eight_processes_at_one_night(workers: Workers, psql: psycopg.Connection[Any], url: str) -> None:
    """In opposite orders of rows: each is acknowledged, one is current."""
    asks = [{"work": [[0, number, 1]], "backwards": number % 2 == 1} for number in range(WRITERS)]
    outcomes = at_once(workers, psql, url, asks)
    assert errors(outcomes) == set()
    assert sorted(row.state for row in check(psql)) == ["current"] + ["superseded"] * (WRITERS - 1)


def test_promise_03_eight_processes_with_the_same_batch(workers: Workers, psql: psycopg.Connection[Any], url: str) -> None:
    """In opposite orders of rows: it is written once, and all are told so."""
    asks = [{"work": [[0, 1, 1]], "backwards": number % 2 == 1} for number in range(WRITERS)]
    outcomes = at_once(workers, psql, url, asks)
    assert [(outcome.error, outcome.acked) for outcome in outcomes] == [(None, [[0, 1]])] * WRITERS
    assert [row.state for row in check(psql)] == ["current"]


def test_promise_03_eight_processes_at_eight_nights(workers: Workers, psql: psycopg.Connection[Any], url: str) -> None:
    """Half of them forwards and half backwards: none waits for another to the death, and none is lost."""
    nights = list(range(WRITERS))
    orders = [nights if number % 2 else nights[::-1] for number in range(WRITERS)]
    asks = [{"work": [[night, number, 1] for night in order[:3]]} for number, order in enumerate(orders)]
    outcomes = at_once(workers, psql, url, asks)
    assert errors(outcomes) == set()
    found = check(psql)
    assert len(found) == 3 * WRITERS
    assert sum(row.state == "current" for row in found) == 6


def test_promise_03_overlapping_intervals_exclude_each_other(workers: Workers, psql: psycopg.Connection[Any], url: str) -> None:
    """Nights and pairs of nights: whoever comes second is told, and nothing is shown twice."""
    asks = [{"work": [[number % 3, number, 1 + number % 2]]} for number in range(WRITERS)]
    outcomes = at_once(workers, psql, url, asks)
    assert errors(outcomes) <= {("ConflictError", "INTERVAL_OVERLAP")}
    acked = [outcome for outcome in outcomes if outcome.acked]
    assert len(acked) + sum(outcome.error is not None for outcome in outcomes) == WRITERS
    assert 1 <= sum(row.state == "current" for row in check(psql)) <= len(acked)


def test_promise_06_a_zombie_in_the_middle_of_its_copy_cannot_flip(
    workers: Workers, psql: psycopg.Connection[Any], url: str
) -> None:
    """It wakes up when its successor has published: it is told, and nothing of it is left."""
    ask = {"kind": "publish", "url": url, "model": STORY.model, "rows": ROWS, "holder": "run 1"}
    with shut(psql, 1) as wait:
        zombie = workers.start(**ask, work=[[0, 1, 1]], gate=GATE, within=2)
        wait()
        successor = workers.ended(workers.start(**ask, work=[[0, 2, 1]]))
    assert (successor.error, successor.acked) == (None, [[0, 2]])
    assert workers.ended(zombie).error == ["ConflictError", "LEASE_LOST"]
    assert [row.state for row in check(psql)] == ["current"]
    with closing(PostgresLedger.open(url)) as ledger:
        kept = ledger.history(PredictionBatch, STORY.model)
    assert kept == [STORY.batch(0, attempt=2).model_copy(update={"rows": ROWS})]
