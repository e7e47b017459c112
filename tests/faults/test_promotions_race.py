"""Promise 5: promotion is compare-and-set. Of fifty processes that promote at once one wins, and the others are told."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from perennial.core.receipts import Promotion, PromotionKind
from perennial.stores.ledger import PostgresLedger
from perennial.testing.story import Story

if TYPE_CHECKING:
    from tests.faults.conftest import Outcome, Workers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

PROCESSES, GATE = 50, 4712
ROUNDS = {"before the step": 1, "between its questions and its answer": 2, "with rollbacks and a retirement": 2}
EXHAUSTIVE = 20
STORY = Story(model="raced")
WAITING = """
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND NOT granted AND objid = %s
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
CONFLICT = ("ConflictError", "PROMOTE_CONFLICT")


@pytest.mark.parametrize("kind", ROUNDS)
def test_promise_5_of_fifty_processes_one_wins_each_epoch(
    workers: Workers,
    new_ledger: Callable[[], str],
    small: dict[str, Any],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
    kind: str,
) -> None:
    """Round after round: as many winners as epochs, without a gap, and every other process is told of the conflict."""
    url = new_ledger()
    rounds = EXHAUSTIVE if request.config.getoption("--exhaustive", default=False) else ROUNDS[kind]
    more = {"definition": {**small, "name": STORY.model}, "folder": str(tmp_path), "within": kind.startswith("between")}
    with closing(PostgresLedger.open(url)) as ledger:
        STORY.keep_champion(ledger)
        STORY.keep_version(ledger, 1)
        for number in range(rounds):
            asks = _others(ledger) if kind.startswith("with") else []
            asks += [{"evaluation": name} for name in _challengers(ledger, number, PROCESSES - len(asks))]
            outcomes = _at_once(workers, url, [{**ask, **more, "actor": f"process {at}"} for at, ask in enumerate(asks)])
            told = Counter(tuple(outcome.error) for outcome in outcomes if outcome.error is not None)
            won = [epoch for outcome in outcomes for epoch in outcome.acked]
            assert (won, told) == ([number + 2], {CONFLICT: PROCESSES - 1})
            epochs = [row.epoch for row in ledger.history(Promotion, STORY.model)]
            assert epochs == list(range(1, number + 3))
    record_property(f"races of promotions, gate {kind}", f"{rounds} rounds of {PROCESSES} processes")


def _challengers(ledger: PostgresLedger, number: int, wanted: int) -> list[str]:
    """Record so many versions that beat whoever is champion now, and return the ids of their evaluations."""
    newest = ledger.history(Promotion, STORY.model)[-1]
    ids = [f"{number}-{at}" for at in range(wanted)]
    for name in ids:
        ledger.record(STORY.version(0).model_copy(update={"id": f"version {name}", "training_run": f"run {name}"}))
        evaluation = STORY.evaluation(0, champion=newest.version)
        ledger.record(evaluation.model_copy(update={"id": f"evaluation {name}", "challenger": f"version {name}"}))
    return [f"evaluation {name}" for name in ids]


def _others(ledger: PostgresLedger) -> list[dict[str, Any]]:
    """Return what nine people want who go back to another version, and one who retires the model."""
    newest = ledger.history(Promotion, STORY.model)[-1]
    first, other = STORY.version(0).id, STORY.version(1).id
    row = STORY.promotion(newest.epoch + 1, 0, PromotionKind.ROLLBACK)
    back = row.model_copy(update={"version": first if newest.version != first else other})
    rows = [back.model_copy(update={"actor": f"person {at}"}) for at in range(9)]
    rows.append(STORY.promotion(newest.epoch + 1, 0, PromotionKind.RETIRE))
    return [{"promotion": row.model_dump_json()} for row in rows]


def _at_once(workers: Workers, url: str, asks: list[dict[str, Any]]) -> list[Outcome]:
    """Let one process per ask go on at the same moment, and return what they said."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as psql:
        psql.execute("SELECT pg_advisory_lock(%s)", [GATE])
        tasks = [workers.start(kind="compete", url=url, gate=GATE, **ask) for ask in asks]
        deadline = time.monotonic() + 120
        while psql.execute(WAITING, [GATE]).fetchall() != [(len(asks),)]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    return [workers.ended(task) for task in tasks]
