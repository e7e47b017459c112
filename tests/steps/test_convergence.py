"""Promise 13: reruns, clears and backfills in any order converge to the same ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count, permutations
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from perennial.core.interval import Interval
from perennial.core.receipts import Action, Decision, Measurement, Promotion, Purpose, RetrainRequest, Role, Snapshot, Validation
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.simulation.bad_nights import BadNight, with_bad_nights
from perennial.simulation.load import tables as named
from perennial.simulation.world import World
from perennial.steps.loop import score
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.ledger import PostgresLedger
from perennial.testing.story import day, night

_NUMBERS = count(1)
NIGHTS = (31, 32, 33)
Define = Callable[..., Definition]
NewStores = Callable[..., Stores]
Retrain = Callable[[Definition, Stores, datetime], Any]
Projection = dict[str, Any]


def standing(stores: Stores, model: str) -> Projection:
    """Return what stands in the ledger, without when it was written."""
    ledger, always = stores.ledger, Interval(day(0), day(60))
    nights = {decision.interval: decision for decision in ledger.history(Decision, model)}
    return {
        "snapshots": {row.digest: row for row in ledger.history(Snapshot, model)},
        "validations": {(row.purpose, row.interval): row for row in ledger.history(Validation, model)},
        "predictions": {role: ledger.predictions(model, role=role, within=always).to_pylist() for role in Role},
        "decisions": nights,
        "measurements": {night: ledger.get(Measurement, decision.measurement) for night, decision in nights.items()},
        "losses": ledger.losses(model, "all", loss="absolute", within=always, as_of=day(60), matured_before=day(60)),
        "requests": ledger.history(RetrainRequest, model),
        "promotions": ledger.history(Promotion, model),
    }


def run(definition: Definition, stores: Stores, order: Sequence[int]) -> Projection:
    """Score the nights in *order*, each as of its own end, and return what stands then."""
    for number in order:
        score(definition, night(number), stores, as_of=day(number + 1))
    return standing(stores, definition.name)


def warmer(rows: pa.Table, number: int, degrees: float) -> pa.Table:
    """Return *rows* with that much more temperature on one day: a shift of an input that no expectation forbids."""
    start, end = (pa.scalar(day(at), rows.schema.field("event_at").type) for at in (number, number + 1))
    that_day = pc.and_(pc.greater_equal(rows["event_at"], start), pc.less(rows["event_at"], end))
    changed = pc.if_else(that_day, pc.add(rows["temperature"], degrees), rows["temperature"])
    return rows.set_column(rows.column_names.index("temperature"), "temperature", changed)


@pytest.fixture
def eventful(tables: dict[str, pa.Table], simulated: World) -> None:
    """The labels of night 31 come late, the rows of night 33 are at fault."""
    tables.update(named(with_bad_nights(simulated, {BadNight.KELVIN_ZERO: 33, BadNight.LATE_LABELS: 31})))


@pytest.fixture
def aging(define: Define) -> Definition:
    """The small definition with a shadow, whose champion of day 30 is too old from night 32 on."""
    return define(retraining={"max_age": "2d"}, publish={"shadow": "first_champion"})


@pytest.fixture
def fresh_ledger(postgres: EmbeddedPostgres, ledger_template: str, request: pytest.FixtureRequest) -> Callable[[], PostgresLedger]:
    """Make an empty ledger in a database of its own, as often as a test asks."""

    def make() -> PostgresLedger:
        name = f"converging_{next(_NUMBERS)}"
        with psycopg.connect(host=str(postgres.socket_folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {ledger_template}")
        opened = PostgresLedger.open(postgres.url(name))
        request.addfinalizer(opened.close)
        return opened

    return make


@pytest.mark.slow
@pytest.mark.usefixtures("eventful")
def test_promise_13_reruns_converge(
    aging: Definition, new_stores: NewStores, fresh_ledger: Callable[[], PostgresLedger], retrained: Retrain
) -> None:
    """Three nights forwards, backwards and twice leave the same ledger in PostgreSQL: a quiet one, one that asks, a faulty one."""
    found = []
    for order in (NIGHTS, NIGHTS[::-1], NIGHTS * 2):
        stores = new_stores(ledger=fresh_ledger())
        assert retrained(aging, stores, day(30)).promoted
        found.append(run(aging, stores, order))
    forwards, backwards, twice = found
    assert [forwards["decisions"][night(number)].action for number in NIGHTS] == [Action.KEEP, Action.RETRAIN, Action.QUARANTINE]
    assert len(forwards["predictions"][Role.SHADOW]) == 48
    assert backwards == forwards
    assert twice == forwards


@pytest.mark.usefixtures("eventful")
def test_every_order_of_three_nights_ends_in_the_same_ledger(aging: Definition, new_stores: NewStores, retrained: Retrain) -> None:
    """All six of them."""
    found = []
    for order in permutations(NIGHTS):
        stores = new_stores()
        retrained(aging, stores, day(30))
        found.append(run(aging, stores, order))
    assert all(other == found[0] for other in found)


def test_a_retraining_that_runs_again_changes_nothing(definition: Definition, postgres_stores: Stores, retrained: Retrain) -> None:
    """The same window twice is one version, one evaluation and one promotion, also after a night in between."""
    first = retrained(definition, postgres_stores, day(30))
    before = run(definition, postgres_stores, (30,))
    assert retrained(definition, postgres_stores, day(30)) == first
    assert run(definition, postgres_stores, (30,)) == before


@pytest.mark.parametrize("kind", ["postgres_stores", "stores"])
def test_what_was_said_last_stands_after_a_glitch_of_the_source(
    definition: Definition,
    kind: str,
    request: pytest.FixtureRequest,
    tables: dict[str, pa.Table],
    retrained: Retrain,
) -> None:
    """A night that was good, then at fault, then good again is good: its validation, its decision, and its rows in training."""
    stores: Stores = request.getfixturevalue(kind)
    retrained(definition, stores, day(28))
    good = tables["conditions"]
    before = run(definition, stores, (28, 29))
    tables["conditions"] = warmer(good, 28, 100)
    assert score(definition, night(28), stores, as_of=day(29)).action is Action.QUARANTINE
    tables["conditions"] = good
    after = run(definition, stores, (28,))
    assert {**after, "snapshots": None} == {**before, "snapshots": None}
    retrained(definition, stores, day(33))
    [trained] = [row for row in stores.ledger.history(Validation, definition.name) if row.interval.end == day(33)]
    assert (trained.purpose, trained.quarantined) == (Purpose.TRAIN, 0)


@pytest.mark.parametrize("order", [(32, 33), (33, 32)])
def test_promise_7_nights_that_alarm_together_ask_once(
    aging: Definition, stores: Stores, retrained: Retrain, order: tuple[int, int]
) -> None:
    """Whichever night is run first asks, the other one holds; and both say the same again when the request is answered."""
    retrained(aging, stores, day(30))
    before = run(aging, stores, order)
    first, second = (before["decisions"][night(number)] for number in order)
    assert [first.action, second.action] == [Action.RETRAIN, Action.HOLD]
    assert [request.id for request in before["requests"]] == [first.request]
    stores.ledger.claim_request(aging.name, "all", "tests", at=day(40))
    stores.ledger.settle_request(first.request, "answered")
    after = run(aging, stores, order[::-1])
    assert after["decisions"] == before["decisions"]
    assert len(after["requests"]) == 1
