"""Promises 3, 9, 13 and 18 with nights of 200 000 rows."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perennial.core.receipts import Action, Decision, Measurement, PredictionBatch, Snapshot, Validation, Verdict
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.simulation.load import tables
from perennial.simulation.world import world
from perennial.steps.loop import retrain, score
from perennial.stores.ledger import PostgresLedger
from perennial.testing import MemoryArtifacts, MemorySource
from perennial.testing.story import FIRST_DAY, Story, day, night

if TYPE_CHECKING:
    from tests.faults.conftest import Workers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

KEY = b"0123456789abcdef0123456789abcdef"
ROWS, HOURS, SEED = 200_000, 20, 5
NIGHTS = (31, 32)
MOMENT = pa.timestamp("us", "UTC")
ORPHANS = """
    SELECT (SELECT count(*) FROM perennial.prediction) - count(*)
        + count(*) FILTER (WHERE num_nulls(model_version, promotion_epoch, snapshot, validation, training_run, training_snapshot,
                                           training_validation, code_version) > 0)
    FROM perennial.prediction_lineage
"""
PREDICTED = """
    SELECT interval_start, role, state, count(*) AS rows, count(DISTINCT (entity, event_at)) AS keys, sum(prediction) AS total
    FROM perennial.prediction_lineage GROUP BY interval_start, role, state ORDER BY interval_start, role
"""
NOW = "SELECT count(*), count(DISTINCT batch), min(prediction), max(prediction) FROM perennial.current_prediction"
TWICE = "SELECT 1 FROM perennial.current_prediction GROUP BY model, segment, role, entity, event_at HAVING count(*) > 1"


def large(number: int) -> pa.Table:
    """Return 200 000 good rows of a night: 10 000 cities at 20 hours."""
    dice = np.random.default_rng(number)
    hours = np.repeat(np.arange(HOURS), ROWS // HOURS)
    moments = np.datetime64(day(number).replace(tzinfo=None), "us") + (hours * 3_600_000_000).astype("timedelta64[us]")
    return pa.table(
        {
            "city": pa.array([f"city-{city:05d}" for city in range(ROWS // HOURS)] * HOURS),
            "event_at": pa.array(moments).cast(MOMENT),
            "temperature": dice.uniform(0, 20, ROWS),
            "humidity": dice.uniform(50, 90, ROWS),
            "wet": dice.integers(0, 2, ROWS),
            "available_at": pa.array(moments).cast(MOMENT),
        }
    )


def spoiled(rows: pa.Table, share: float) -> pa.Table:
    """Return *rows*, of which that share has a temperature that no expectation lets through."""
    values = rows["temperature"].to_numpy().copy()
    values[: int(ROWS * share)] = -200.0
    return rows.set_column(rows.column_names.index("temperature"), "temperature", pa.array(values))


@pytest.fixture
def definition(small: dict[str, Any]) -> Definition:
    """The small definition, without the looks at how large a night is and when it ends: these nights are like none before."""
    faults = {"volume": False, "freshness": False, "blocks": False}
    return Definition.model_validate({**small, "quality": {**small.get("quality", {}), "faults": faults}})


@pytest.fixture
def source() -> dict[str, pa.Table]:
    """Thirty small days to train on, and two large nights."""
    made = tables(world(seed=7, days=30, start=FIRST_DAY.date()))
    made["conditions"] = pa.concat_tables([made["conditions"], *(large(number) for number in NIGHTS)])
    return made


@pytest.fixture
def lived(new_ledger: Callable[[], str], source: dict[str, pa.Table], definition: Definition, tmp_path: Path) -> Iterator[Any]:
    """Return a function that makes stores with a champion and scores nights in an order; it returns the stores and the URL."""
    opened = []

    def live(order: Sequence[int]) -> tuple[Stores, str]:
        url = new_ledger()
        opened.append(PostgresLedger.open(url))
        stores = Stores(
            source=lambda _: MemorySource(source),
            artifacts=MemoryArtifacts(),
            ledger=opened[-1],
            signing_key=KEY,
            scratch=tmp_path,
        )
        assert retrain(definition, training_window(definition, day(30)), stores, reason="a test", actor="tests").promoted
        for number in order:
            score(definition, night(number), stores, as_of=day(number + 1))
        return stores, url

    yield live
    for ledger in opened:
        ledger.close()


def read(url: str, query: str) -> list[Any]:
    """Return the rows of a query."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return connection.execute(query).fetchall()


def standing(stores: Stores, model: str) -> dict[str, Any]:
    """Return what stands in the ledger, without when it was written."""
    ledger = stores.ledger
    nights = {decision.interval: decision for decision in ledger.history(Decision, model)}
    return {
        "snapshots": {row.digest: row for row in ledger.history(Snapshot, model)},
        "validations": {row.interval: row for row in ledger.history(Validation, model)},
        "batches": {row.id: row for row in ledger.history(PredictionBatch, model)},
        "decisions": nights,
        "measurements": {night: ledger.get(Measurement, decision.measurement) for night, decision in nights.items()},
    }


def test_promise_13_large_nights_in_any_order_and_twice_are_the_same_ledger(definition: Definition, lived: Any) -> None:
    """Forwards, and backwards with a rerun; every row joins to all that is behind it."""
    forwards, forwards_url = lived(NIGHTS)
    backwards, backwards_url = lived((*NIGHTS[::-1], NIGHTS[0]))
    assert standing(backwards, definition.name) == standing(forwards, definition.name)
    found = read(forwards_url, PREDICTED)
    assert [row[:5] for row in found] == [
        (day(number), role, "current", ROWS, ROWS) for number in NIGHTS for role in ("baseline", "champion")
    ]
    assert read(backwards_url, PREDICTED) == found
    assert read(backwards_url, ORPHANS) == read(forwards_url, ORPHANS) == [(0,)]


def test_promise_18_a_share_of_bad_rows_is_left_out_and_moves_nothing(
    definition: Definition, lived: Any, source: dict[str, pa.Table]
) -> None:
    """Of 200 000 rows 2 000 are refused: the others are predicted, and neither drift nor profile knows of the refused ones."""
    good, clean_url = lived(NIGHTS[:1])
    kept = source["conditions"].slice(0, source["conditions"].num_rows - 2 * ROWS)
    source["conditions"] = pa.concat_tables([kept, spoiled(large(NIGHTS[0]), 0.01)])
    stores, url = lived(NIGHTS[:1])
    [validation] = [row for row in stores.ledger.history(Validation, definition.name) if row.interval == night(NIGHTS[0])]
    assert (validation.verdict, validation.quarantined) == (Verdict.PASS, 2000)
    refused = pq.read_table(io.BytesIO(stores.artifacts.get(validation.quarantine or "")))
    assert set(refused["temperature"].to_pylist()) == {-200.0}
    assert refused.num_rows == 2000
    assert [row[3] for row in read(url, PREDICTED)] == [ROWS - 2000] * 2
    assert [row[3] for row in read(clean_url, PREDICTED)] == [ROWS] * 2
    drift = [[(signal.name, signal.state) for signal in _measured(stores, definition).signals] for stores in (good, stores)]
    assert drift[0] == drift[1]


def test_promise_18_too_many_bad_rows_are_a_fault(definition: Definition, lived: Any, source: dict[str, pa.Table]) -> None:
    """Of 200 000 rows 20 000 are refused, 5 % are tolerated: nothing is predicted, and nothing of the night ever trains."""
    kept = source["conditions"].slice(0, source["conditions"].num_rows - 2 * ROWS)
    source["conditions"] = pa.concat_tables([kept, spoiled(large(NIGHTS[0]), 0.1)])
    stores, url = lived(NIGHTS[:1])
    [decision] = stores.ledger.history(Decision, definition.name)
    assert (decision.action, decision.rule) == (Action.QUARANTINE, "data_fault")
    assert read(url, PREDICTED) == []
    assert stores.ledger.history(PredictionBatch, definition.name) == []


def _measured(stores: Stores, definition: Definition) -> Measurement:
    [measurement] = stores.ledger.history(Measurement, definition.name)
    return measurement


def test_promise_03_a_reader_sees_one_whole_night_while_it_is_replaced(workers: Workers, new_ledger: Callable[[], str]) -> None:
    """Four processes replace 200 000 predictions two times each; whoever looks sees all rows of one attempt."""
    url, story = new_ledger(), Story()
    with closing(PostgresLedger.open(url)) as ledger:
        story.keep_champion(ledger)
        story.keep_night(ledger, 0)
    ask = {"kind": "publish", "url": url, "model": story.model, "rows": ROWS}
    assert workers.ended(workers.start(**ask, work=[[0, 1, 1]])).error is None
    tasks = [workers.start(**ask, work=[[0, 2 * n, 1], [0, 2 * n + 1, 1]], backwards=n % 2 == 1) for n in range(1, 5)]
    seen = set()
    for task in tasks:
        while workers.until(task, lambda outcome: outcome.ended is not None, 0.05).ended is None:
            [(rows, batches, least, most)] = read(url, NOW)
            assert (rows, batches, most - least) == (ROWS, 1, ROWS - 1)
            seen.add(least)
        assert workers.ended(task).error is None
    assert len(seen) > 1
    assert read(url, TWICE) == []
    assert read(url, "SELECT state, count(*) FROM perennial.prediction_batch GROUP BY state ORDER BY state") == [
        ("current", 1),
        ("superseded", 8),
    ]
