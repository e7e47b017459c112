"""What the pages of model health read: the right rows, by an index, and as many statements for many models as for one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from perennial.core.errors import RejectedError, UnavailableError
from perennial.core.interval import Interval
from perennial.core.receipts import Action, NightLoss, PromotionKind, Role
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.health import PostgresHealth, entities, losses, nights, standings
from perennial.stores.ledger import PostgresLedger
from perennial.stores.migrations import migrate
from perennial.testing.story import DAY, Story, day, night, outcomes, predictions

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
MODELS, NIGHTS = 60, 30


@pytest.fixture
def ledger(postgres_ledger: PostgresLedger) -> PostgresLedger:
    """An empty ledger."""
    return postgres_ledger


@pytest.fixture
def health(ledger_url: str) -> Iterator[PostgresHealth]:
    """A reader of the same ledger."""
    opened = PostgresHealth.open(ledger_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def fleet(postgres: EmbeddedPostgres) -> Iterator[PostgresHealth]:
    """A reader of a ledger with 60 models of 30 nights."""
    url = postgres.url("health_fleet")
    migrate(url)
    sys.path.insert(0, str(BENCHMARKS))
    importlib.import_module("fleet_ledger").fill(url.replace("+psycopg", ""), models=MODELS, nights=NIGHTS)
    sys.path.remove(str(BENCHMARKS))
    opened = PostgresHealth.open(url)
    yield opened
    opened.close()


def test_a_standing_tells_the_newest_of_each_thing(ledger: PostgresLedger, health: PostgresHealth) -> None:
    """Champion, decision, drift, request, and the evaluation that waits."""
    story = Story()
    story.keep_champion(ledger)
    story.keep_night(ledger, 1)
    ledger.record(story.measurement(1))
    ledger.record(story.decision(1).model_copy(update={"action": Action.WATCH}))
    ledger.request_retraining(story.request(1), cooldown=DAY, max_per_30d=None)
    story.keep_version(ledger, 2)
    (found,) = health.standings()
    assert found == health.standing("bike_demand", "all")
    assert (found.version, found.epoch, found.since, found.by) == (story.version(0).id, 1, day(1), "retrain")
    assert (found.night, found.action, found.drift, found.drifted) == (night(1), Action.WATCH, 0.4, "temperature")
    assert (found.request, found.waits, found.challenger) == (story.request(1).id, story.evaluation(2).id, story.version(2).id)


def test_an_evaluation_that_was_answered_or_promoted_does_not_wait(ledger: PostgresLedger, health: PostgresHealth) -> None:
    """Nor does one that a later one followed."""
    story = Story()
    story.keep_version(ledger, 0)
    assert health.standing("bike_demand", "all").waits == story.evaluation(0).id
    ledger.record(story.approval(0))
    assert health.standing("bike_demand", "all").waits is None
    story.keep_version(ledger, 1)
    ledger.promote(story.promotion(1, 1))
    assert health.standing("bike_demand", "all").waits is None


def test_a_model_that_was_retired_has_no_version(ledger: PostgresLedger, health: PostgresHealth) -> None:
    """But a promotion, which says so."""
    story = Story()
    story.keep_champion(ledger)
    ledger.promote(story.promotion(2, 0, PromotionKind.RETIRE))
    found = health.standing("bike_demand", "all")
    assert (found.kind, found.version, found.epoch) == (PromotionKind.RETIRE, None, 2)


def test_a_model_that_was_only_asked_for_is_there(ledger: PostgresLedger, health: PostgresHealth) -> None:
    """By its request; and one of which nothing is known has a name only."""
    ledger.request_retraining(Story(segment="north").request(1), cooldown=DAY, max_per_30d=None)
    assert [(one.model, one.segment, one.night) for one in health.standings()] == [("bike_demand", "north", None)]
    assert health.segments("bike_demand") == ["north"]
    assert health.standing("nothing", "all").epoch is None


def test_segments_are_by_themselves(ledger: PostgresLedger, health: PostgresHealth) -> None:
    """In order of their names."""
    for segment in ("north", "all", "east"):
        Story(segment=segment).keep_night(ledger, 1)
    Story(model="another").keep_night(ledger, 1)
    assert health.segments("bike_demand") == ["all", "east", "north"]
    assert [(one.model, one.segment) for one in health.standings()] == [
        ("another", "all"), ("bike_demand", "all"), ("bike_demand", "east"), ("bike_demand", "north"),
    ]  # fmt: skip


def test_a_nights_loss_is_what_was_measured_last(ledger: PostgresLedger, health: PostgresHealth) -> None:
    """Of the two measurements that speak of it; losses by slice are not it."""
    story = Story()
    story.keep_champion(ledger)
    for number in (1, 2):
        story.keep_night(ledger, number)
        seen = NightLoss(
            interval=night(1),
            role=Role.CHAMPION,
            version=story.version(0).id,
            predicted=48,
            labelled=20 * number,
            loss=float(number),
        )
        rows = (
            seen,
            seen.model_copy(update={"role": Role.BASELINE, "loss": 9.0}),
            seen.model_copy(update={"slice": "a=b", "loss": 99.0}),
        )
        ledger.record(story.measurement(number).model_copy(update={"losses": rows}))
        ledger.record(story.decision(number))
    first, second = health.nights("bike_demand", "all", night(0, 9))
    assert (first.interval, first.loss, first.labelled, first.baseline, first.action) == (night(1), 2.0, 40, 9.0, Action.KEEP)
    assert (second.loss, second.predicted, second.quarantined) == (None, 0, 1)
    assert health.decided("bike_demand", "all") == Interval(day(1), day(3))
    assert health.decided("bike_demand", "north") is None


def test_a_night_that_was_decided_again_tells_what_was_said_last(ledger: PostgresLedger, health: PostgresHealth) -> None:
    """Once."""
    story = Story()
    story.keep_champion(ledger)
    story.keep_night(ledger, 1)
    ledger.record(story.measurement(1))
    ledger.record(story.decision(1))
    ledger.record(story.decision(1).model_copy(update={"id": "again", "action": Action.HOLD}))
    (found,) = health.nights("bike_demand", "all", night(1))
    assert (found.decision, found.action) == ("again", Action.HOLD)


def test_an_entitys_predictions_come_with_their_newest_labels(ledger: PostgresLedger, health: PostgresHealth) -> None:
    """The current ones, of the champion; names are compared byte by byte."""
    story = Story()
    story.keep_champion(ledger)
    story.keep_night(ledger, 1)
    ledger.publish(story.batch(1), predictions(night(1)))
    ledger.publish(story.batch(1, role=Role.BASELINE), predictions(night(1), 50.0))
    for value, known in ((3.0, day(3)), (5.0, day(4))):
        ledger.record_outcomes("bike_demand", "all", outcomes(night(1), value, available_at=known))
    found = health.foretold("bike_demand", "all", "north", Interval(day(1), day(1.25)))
    assert [(row.event_at, row.prediction, row.label) for row in found[:2]] == [(day(1), 1.0, 5.0), (day(1 + 1 / 24), 2.0, 6.0)]
    assert len(found) == 6
    assert health.foretold("bike_demand", "all", "North", night(0, 9)) == []
    assert health.entities("bike_demand", "all") == ["north", "south"]
    assert health.entities("bike_demand", "all", "no") == ["north"]
    assert health.entities("bike_demand", "all", "", most=1) == ["north"]


def test_the_reader_cannot_write(health: PostgresHealth) -> None:
    """Whatever it is told."""
    with health.engine.connect() as connection, pytest.raises(Exception, match="read-only"):
        connection.execute(text("DELETE FROM perennial.decision"))


def test_a_ledger_of_another_version_is_refused(empty_url: str) -> None:
    """As by the ledger itself; a server that is not there is said to be so."""
    with pytest.raises(RejectedError):
        PostgresHealth.open(empty_url)
    with pytest.raises(UnavailableError):
        PostgresHealth.open("postgresql://nobody@127.0.0.1:9/none")


def test_many_models_cost_as_many_statements_as_one(fleet: PostgresHealth) -> None:
    """One each: nothing is asked model by model."""
    asked: list[str] = []
    event.listen(fleet.engine.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    found = fleet.standings()
    assert (len(found), len(asked)) == (MODELS, 1)
    drawn = fleet.sketches([(one.model, one.segment) for one in found], nights=20)
    assert (len(drawn), len(asked)) == (MODELS, 2)
    assert all(len(one.losses[Role.CHAMPION]) >= 20 for one in drawn.values())


@pytest.mark.parametrize(
    ("statement", "given"),
    [
        (standings._ALL, {}),
        (standings._ONE, {"model": "model_0007", "segment": "all"}),
        (standings._SEGMENTS, {"model": "model_0007"}),
        (losses._SKETCHES, {"models": ["model_0007", "model_0008"], "segments": ["all", "all"], "nights": 20}),
        (nights._NIGHTS, {"model": "model_0007", "segment": "all", "start": "2024-01-10Z", "until": "2024-01-20Z"}),
        (nights._SPAN, {"model": "model_0007", "segment": "all"}),
        (
            entities._FORETOLD,
            {
                "model": "model_0007", "segment": "all", "entity": "entity 7", "role": "champion", "most": 99,
                "start": "2024-01-10Z", "until": "2024-01-20Z",
            },
        ),
        (entities._ENTITIES, {"model": "model_0007", "segment": "all", "beginning": "e", "most": 20}),
    ],
)  # fmt: skip
def test_every_statement_has_an_index_for_all_that_it_reads(fleet: PostgresHealth, statement: Any, given: dict[str, Any]) -> None:
    """Where the planner may read nothing from end to end, each scan has a condition, or ends with its first row."""
    with fleet.engine.connect() as connection:
        for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):
            connection.execute(text(f"SET enable_{way} = off"))
        plan = connection.scalar(text(f"EXPLAIN (FORMAT JSON) {statement.text}"), given)
        connection.execute(text("RESET ALL"))
    scans = [(node, above) for node, above in _walk(plan[0]["Plan"], "") if "Relation Name" in node]
    assert scans
    for node, above in scans:
        assert "Index" in node["Node Type"], node
        assert "Index Cond" in node or above == "Limit", node


def _walk(node: dict[str, Any], above: str) -> Iterator[tuple[dict[str, Any], str]]:
    yield node, above
    for below in node.get("Plans", []):
        yield from _walk(below, node["Node Type"])
