"""Promises 3, 4, 9 and 13 when the process that publishes is killed: 200 times, at every point and at any moment."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from perennial.testing.story import Story, day

if TYPE_CHECKING:
    from tests.faults.conftest import Workers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

KILLS, ROWS, NIGHTS, MODEL, SEED = 200, 20_000, 3, "any_moment", 20_240_301
Read = Callable[[str, dict[str, object]], list[Any]]
Work = list[list[int]]
Allowed = dict[int, set[int | None]]

BATCHES = """
    SELECT b.interval_start, b.id, b.state, b.rows, count(p.batch) AS written, sum(p.prediction) AS total,
        count(DISTINCT p.prediction) AS kinds
    FROM perennial.prediction_batch b LEFT JOIN perennial.prediction p ON p.batch = b.number
    WHERE b.model = %(model)s AND (b.state <> 'superseded' OR %(all)s)
    GROUP BY b.number, b.interval_start, b.id, b.state, b.rows
    ORDER BY b.interval_start, b.number
"""
TWICE = """
    SELECT count(*) FROM (
        SELECT FROM perennial.current_prediction WHERE model = %(model)s
        GROUP BY model, segment, role, entity, event_at HAVING count(*) > 1
    ) found
"""
ORPHANS = """
    SELECT (SELECT count(*) FROM perennial.prediction) - count(*)
        + count(*) FILTER (WHERE num_nulls(model_version, promotion_epoch, snapshot, validation, training_run, training_snapshot,
                                           training_validation, code_version) > 0)
    FROM perennial.prediction_lineage
"""
SHOWN = "SELECT batch, count(*) FROM perennial.current_prediction WHERE model = %(model)s GROUP BY batch ORDER BY batch"


def test_promise_04_a_night_is_all_there_or_not_there_after_each_of_200_kills(
    workers: Workers, new_ledger: Callable[[], str], record_property: Callable[[str, object], None]
) -> None:
    """First at every statement, batch, write and commit of one publish; then at random moments of one publish after the other.

    After each kill every night is whole and has one current batch, what was acknowledged is there, and what is staged is not
    shown. A rerun then finishes, and the ledger is the one of a run that nobody killed.
    """
    killed, quiet = new_ledger(), new_ledger()
    with _psql(killed) as read, _psql(quiet) as read_quiet:
        points = _at_every_point(workers, killed, read)
        at_random, work = _at_any_moment(workers, killed, read, KILLS - points)
        assert workers.ended(_publish(workers, quiet, MODEL, work, prepare=NIGHTS)).error is None
        assert (points > 15, points + at_random) == (True, KILLS)
        assert read(ORPHANS, {}) == [(0,)]
        assert read(BATCHES, {"model": MODEL, "all": True}) == read_quiet(BATCHES, {"model": MODEL, "all": True})
    record_property("kills of a writer", f"{points} at chosen points, {at_random} at random moments (seed {SEED})")


def _at_every_point(workers: Workers, url: str, read: Read) -> int:
    """Kill a publish of a second attempt at point 1, 2, ... until it is not killed any more; return how many were."""
    for point in count(1):
        model = f"point_{point}"
        assert workers.ended(_publish(workers, url, model, [[0, 1, 1]], rows=1000, prepare=1)).error is None
        outcome = workers.ended(_publish(workers, url, model, [[0, 2, 1]], point=point))
        assert outcome.error is None
        _check(read, model, {0: {2} if outcome.acked else {1, 2}}, f"killed at point {point}")
        assert workers.ended(_publish(workers, url, model, [[0, 2, 1]])).acked == [[0, 2]]
        _check(read, model, {0: {2}}, f"run again after point {point}")
        if outcome.ended == 0:
            return point - 1
        assert outcome.ended == -signal.SIGKILL
    raise AssertionError


def _at_any_moment(workers: Workers, url: str, read: Read, kills: int) -> tuple[int, Work]:
    """Kill one writer after the other; return how many were killed, and all the work that is done at the end."""
    dice, took = random.Random(SEED), 1.0  # noqa: S311 - moments to kill at, no secrets
    assert workers.ended(_publish(workers, url, MODEL, [], prepare=NIGHTS)).error is None
    done, killed = 0, 0
    while killed < kills:
        moment = dice.uniform(0, 1.5) * took
        began = time.monotonic()
        outcome = workers.kill(_publish(workers, url, MODEL, _work(done, done + 3)), moment)
        assert outcome.error is None
        done += len(outcome.acked)
        if outcome.acked:
            took += 0.2 * ((time.monotonic() - began) / len(outcome.acked) - took)
        killed += outcome.ended == -signal.SIGKILL
        _check(read, MODEL, _allowed(done), f"kill {killed}, {moment:.3f} s after it began, seed {SEED}")
    assert workers.ended(_publish(workers, url, MODEL, _work(done, done + 1))).error is None
    _check(read, MODEL, {night: {_last(done + 1, night)} for night in range(NIGHTS)}, "run again")
    return killed, _work(0, done + 1)


def _work(first: int, last: int) -> Work:
    """Return steps *first* to before *last* of a work without end: all nights, then a second attempt at all, and so on."""
    return [[step % NIGHTS, step // NIGHTS + 1, 1] for step in range(first, last)]


def _allowed(done: int) -> Allowed:
    """Return which attempts may be current when *done* steps were acknowledged: the last, and at the cut the one after it too."""
    allowed: Allowed = {night: {None} for night in range(NIGHTS)}
    for night, attempt, _ in _work(0, done):
        allowed[night] = {attempt}
    [[night, attempt, _]] = _work(done, done + 1)
    allowed[night].add(attempt)
    return allowed


def _last(done: int, night: int) -> int:
    return max(attempt for at, attempt, _ in _work(0, done) if at == night)


def _check(read: Read, model: str, allowed: Allowed, when: str) -> None:
    """Every batch is whole, each night shows one of its *allowed* attempts, and nothing else is shown."""
    story = Story(model=model)
    found = read(BATCHES, {"model": model, "all": False})
    assert [row for row in found if row.state != "staged" and not row.rows == row.written == row.kinds] == [], when
    current = [row for row in found if row.state == "current"]
    for night, attempts in allowed.items():
        shown = [row.id for row in current if row.interval_start == day(night)]
        assert shown in [[] if attempt is None else [story.batch(night, attempt=attempt).id] for attempt in attempts], when
    assert read(SHOWN, {"model": model}) == sorted((row.id, row.rows) for row in current), when
    assert read(TWICE, {"model": model}) == [(0,)], when


def _publish(workers: Workers, url: str, model: str, work: Work, *, rows: int = ROWS, **more: int) -> str:
    return workers.start(kind="publish", url=url, model=model, work=work, rows=rows, **more)


@contextmanager
def _psql(url: str) -> Iterator[Read]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True, row_factory=namedtuple_row) as connection:
        yield lambda query, given: connection.execute(query, given).fetchall()
