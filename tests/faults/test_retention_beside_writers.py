"""Promise 4 while old predictions are removed: whoever reads a night that is kept sees all of it, and no writer loses a row."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from perennial.stores.ledger import PostgresLedger
from perennial.testing.story import Story, day

if TYPE_CHECKING:
    from tests.faults.conftest import Workers

pytestmark = pytest.mark.faults

ROWS, NIGHTS = 5_000, 75
NOW = "SELECT count(*), count(DISTINCT batch) FROM perennial.current_prediction WHERE interval_start = %s"


def test_promise_04_removing_old_months_beside_writers_and_readers(workers: Workers, new_ledger: Callable[[], str]) -> None:
    """Nights of three months are written and removed at once; the last night is replaced all the time, and always whole."""
    url, story = new_ledger(), Story()
    ask = {"kind": "publish", "url": url, "model": story.model, "rows": ROWS}
    assert workers.ended(workers.start(**ask, work=[[NIGHTS - 1, 1, 1]], prepare=NIGHTS)).error is None
    nights = [[night, 1, 1] for night in range(0, NIGHTS - 1, 2)]
    last = [[NIGHTS - 1, attempt, 1] for attempt in range(2, 20)]
    tasks = [workers.start(**ask, work=work) for work in (nights, nights[::-1], last)]
    removed, looks = 0, 0
    with closing(PostgresLedger.open(url)) as ledger, psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as psql:
        for task in tasks:
            while workers.until(task, lambda outcome: outcome.ended is not None, 0.02).ended is None:
                removed += ledger.expire_predictions({(story.model, "all"): day(NIGHTS) - timedelta(days=1 + looks % 40)})
                assert psql.execute(NOW, [day(NIGHTS - 1)]).fetchall() == [(ROWS, 1)]
                looks += 1
            outcome = workers.ended(task)
            assert (outcome.error, outcome.ended) == (None, 0)
        removed += ledger.expire_predictions({(story.model, "all"): day(NIGHTS - 1)})
        assert psql.execute(NOW, [day(NIGHTS - 1)]).fetchall() == [(ROWS, 1)]
        assert psql.execute("SELECT min(event_at) >= %s FROM perennial.prediction", [day(NIGHTS - 1)]).fetchall() == [(True,)]
        assert ledger.orphans() == 0
    assert removed >= ROWS * len(nights)
    assert looks > 3
