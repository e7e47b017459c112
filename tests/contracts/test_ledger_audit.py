"""What every ledger's audit sees: nothing in a sound ledger, and exactly what is broken in one that is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, cast

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Table, text, update
from sqlalchemy import delete as delete_from

from perennial.core.receipts import (
    Audit,
    BatchState,
    Fault,
    Holds,
    ModelVersion,
    Named,
    PredictionBatch,
    Promotion,
    PromotionKind,
    Purpose,
    Receipt,
    RequestState,
    Role,
    Snapshot,
    Verdict,
)
from perennial.ports import Ledger
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.ledger import PostgresLedger
from perennial.stores.ledger.receipts import shape_of
from perennial.stores.tables import prediction, training_run
from perennial.testing import MemoryLedger, Story
from perennial.testing.ledger_records import epoch_key
from perennial.testing.story import day, night, predictions

BATCHES, ROWS = 7, 48


class Behind:
    """Changes rows behind the ledger's back, as no method of it would."""

    def __init__(self, ledger: Ledger) -> None:
        """Change *ledger*, of either kind."""
        self.ledger = ledger

    def alter(self, receipt: Receipt, **values: Any) -> None:
        """Give the row of *receipt* other values."""
        if isinstance(self.ledger, MemoryLedger):
            records = self.ledger.records
            if "state" in values and isinstance(receipt, PredictionBatch):
                records.states[receipt.id] = values.pop("state")
            rows = records.of(type(receipt))
            rows[_key(receipt)] = rows[_key(receipt)].model_copy(update=values)
            return
        for table in (shape_of(type(receipt)).head, *([training_run] if isinstance(receipt, ModelVersion) else [])):
            if chosen := {name: value for name, value in values.items() if name in table.c}:
                self._run(update(table).where(*_of(table, receipt)).values(chosen))

    def remove(self, receipt: Receipt) -> None:
        """Delete the row of *receipt*."""
        if isinstance(self.ledger, MemoryLedger):
            del self.ledger.records.of(type(receipt))[_key(receipt)]
            return
        table = shape_of(type(receipt)).head
        self._run(delete_from(table).where(*_of(table, receipt)))

    def lose(self, batch: PredictionBatch, entity: str = "north") -> None:
        """Delete the predictions of an entity in a *batch*."""
        if isinstance(self.ledger, MemoryLedger):
            rows = self.ledger.records.rows[batch.id].predictions
            for key in [key for key in rows if key[0] == entity]:
                del rows[key]
            return
        self._run(delete_from(prediction).where(prediction.c.batch == self._number(batch), prediction.c.entity == entity))

    def move(self, batch: PredictionBatch, by: timedelta) -> None:
        """Move the last prediction of a *batch* in time."""
        at, to = batch.interval.end - timedelta(hours=1), batch.interval.end - timedelta(hours=1) + by
        if isinstance(self.ledger, MemoryLedger):
            rows = self.ledger.records.rows[batch.id].predictions
            rows["north", to] = rows.pop(("north", at))
            return
        of_batch = (prediction.c.batch == self._number(batch), prediction.c.entity == "north", prediction.c.event_at == at)
        self._run(update(prediction).where(*of_batch).values(event_at=to))

    def _number(self, batch: PredictionBatch) -> int:
        ledger = cast("PostgresLedger", self.ledger)
        with ledger.engine.connect() as connection:
            query = text("SELECT number FROM perennial.prediction_batch WHERE id = :id")
            return int(connection.scalar(query, {"id": batch.id}) or 0)

    def _run(self, statement: Any) -> None:
        ledger = cast("PostgresLedger", self.ledger)
        with ledger.engine.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))  # neither foreign keys nor triggers
            assert connection.execute(statement).rowcount > 0


def _key(receipt: Any) -> str:
    if isinstance(receipt, Promotion):
        return epoch_key(receipt.model, receipt.segment, receipt.epoch)
    return str(receipt.digest if isinstance(receipt, Snapshot) else receipt.id)


def _of(table: Table, receipt: Any) -> list[Any]:
    if isinstance(receipt, Promotion):
        return [table.c[name] == getattr(receipt, name) for name in ("model", "segment", "epoch")]
    if table is training_run:
        return [table.c.id == receipt.training_run]
    return [table.c["digest" if isinstance(receipt, Snapshot) else "id"] == _key(receipt)]


def filled(ledger: Ledger, story: Story) -> Ledger:
    """Record two champions, the second approved by a person; three nights, one of them predicted twice; a request."""
    story.keep_champion(ledger, 0)
    ledger.record(story.snapshot(5, Purpose.TRAIN))
    ledger.record(story.validation(5, Purpose.TRAIN))
    ledger.record(story.version(5))
    ledger.record(story.evaluation(5, champion=story.version(0).id))
    ledger.record(story.approval(5))
    ledger.promote(story.promotion(2, 5, approved=True))
    for number, version, epoch in ((1, 0, 1), (2, 0, 1), (7, 5, 2)):
        story.keep_night(ledger, number)
        for role in (Role.CHAMPION, Role.BASELINE):
            ledger.publish(story.batch(number, version, epoch=epoch, role=role), predictions(night(number)))
    ledger.publish(story.batch(2, attempt=2), predictions(night(2)))
    ledger.record(story.measurement(2))
    request, _ = ledger.request_retraining(story.request(8), cooldown=timedelta(0), max_per_30d=None)
    ledger.record(story.decision(2, request.id if request else None))
    return ledger


@pytest.fixture(scope="module")
def sound_template(postgres: EmbeddedPostgres, ledger_template: str) -> str:
    """The name of a database with a sound ledger, of which every test has a copy: it is made once."""
    copy(postgres, ledger_template, "audit_sound")
    ledger = PostgresLedger.open(postgres.url("audit_sound"))
    filled(ledger, Story())
    ledger.close()
    return "audit_sound"


@pytest.fixture
def sound_postgres(postgres: EmbeddedPostgres, sound_template: str) -> Iterator[PostgresLedger]:
    """A sound ledger in PostgreSQL."""
    copy(postgres, sound_template, "audit_copy")
    ledger = PostgresLedger.open(postgres.url("audit_copy"))
    yield ledger
    ledger.close()


@pytest.fixture(params=["postgres", "memory"])
def sound(request: pytest.FixtureRequest, story: Story) -> Ledger:
    """A sound ledger, once of each kind."""
    if request.param == "memory":
        return filled(MemoryLedger(), story)
    copied: PostgresLedger = request.getfixturevalue("sound_postgres")
    return copied


def copy(server: EmbeddedPostgres, template: str, name: str) -> None:
    """Make a database that is a copy of *template*, in place of one that has its name."""
    with psycopg.connect(host=str(server.socket_folder), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))


@pytest.fixture
def behind(sound: Ledger) -> Behind:
    """Break the sound ledger."""
    return Behind(sound)


def test_a_sound_ledger_has_no_fault(sound: Ledger) -> None:
    """All of it was looked at."""
    assert sound.audit() == Audit(promotions=2, batches=BATCHES, predictions=BATCHES * ROWS, faults=())


def test_an_empty_ledger_has_no_fault(ledger: Ledger) -> None:
    """There is nothing to break."""
    assert ledger.audit() == Audit(promotions=0, batches=0, predictions=0, faults=())


@pytest.mark.parametrize(("until", "left"), [(1.5, BATCHES * ROWS - 48), (2, 5 * 48), (40, 0)])
def test_what_retention_removed_is_not_missing(sound: Ledger, story: Story, until: float, left: int) -> None:
    """Row by row or a month at once; and where it is written again, it is whole again."""
    sound.expire_predictions({(story.model, "all"): day(until)})
    assert sound.audit() == Audit(promotions=2, batches=BATCHES, predictions=left, faults=())
    sound.expire_predictions({(story.model, "all"): day(until)})
    sound.publish(story.batch(1), predictions(night(1)))
    assert sound.audit().faults == ()


@pytest.mark.parametrize("until", [1.5, 40])
def test_what_is_lost_beside_retention_is_missing(sound: Ledger, behind: Behind, story: Story, until: float) -> None:
    """A batch keeps count of the rows that it has lost to its age."""
    sound.expire_predictions({(story.model, "all"): day(until)})
    sound.publish(story.batch(1), predictions(night(1)))
    behind.lose(story.batch(1))
    where = f"bike_demand/all/{night(1)}/champion: batch {story.batch(1).id}"
    assert sound.audit().faults == (Fault(promise=4, where=where, found="is current and has 24 predictions, must have 48"),)


def test_what_a_killed_run_left_and_retention_cleared_is_not_missing(sound: Ledger, behind: Behind, story: Story) -> None:
    """A batch that was written but never became current is as whole as any other, and nothing when it was cleared."""
    behind.alter(story.batch(7, 5, epoch=2), state=BatchState.STAGED)
    assert sound.audit().faults == ()
    behind.lose(story.batch(7, 5, epoch=2))
    behind.lose(story.batch(7, 5, epoch=2), "south")
    behind.alter(story.batch(7, 5, epoch=2), rows=0)
    assert sound.audit().faults == ()


def test_a_retired_model_comes_back_beside_no_champion_or_its_last_one(sound: Ledger, behind: Behind, story: Story) -> None:
    """A person may promote what waited when it was retired, but nothing that was compared with an earlier champion."""
    sound.promote(story.promotion(3, 5, PromotionKind.RETIRE))
    story.keep_champion(sound, 9, epoch=4)
    assert sound.audit().faults == ()
    behind.alter(story.evaluation(9), champion=story.version(5).id)
    assert sound.audit().faults == ()
    behind.alter(story.evaluation(9), champion=story.version(0).id)
    found = "was compared with bike_demand-all-version-0, but replaced none"
    assert sound.audit().faults == (Fault(promise=5, where="bike_demand/all: epoch 4", found=found),)


Break = Callable[[Behind, Story], object]
FIRST, SECOND = "bike_demand/all: epoch 1", "bike_demand/all: epoch 2"
NIGHT = f"bike_demand/all/{night(2)}/champion: batch bike_demand-all-batch-2-0-champion-2-1"
VIEWS = {"current_prediction", "prediction_lineage"}
EARLIER = f"bike_demand/all/{night(2)}/champion: batch bike_demand-all-batch-2-0-champion-1-1"
REQUEST = "bike_demand/all: request bike_demand-all-request-8"


def _second(story: Story) -> Promotion:
    return story.promotion(2, 5, approved=True)


BREAKS: dict[str, tuple[Break, int, str, str]] = {
    "the evaluation did not pass": (
        lambda behind, story: behind.alter(story.evaluation(5), verdict=Verdict.INCONCLUSIVE),
        8,
        SECOND,
        "was promoted although its evaluation said inconclusive",
    ),
    "the evaluation is of another version": (
        lambda behind, story: behind.alter(story.evaluation(5), challenger=story.version(0).id),
        8,
        SECOND,
        "was promoted by the evaluation of bike_demand-all-version-0",
    ),
    "there is no evaluation": (
        lambda behind, story: behind.alter(story.promotion(1, 0), evaluation=None),
        8,
        FIRST,
        "was promoted without an evaluation",
    ),
    "it was compared with no champion": (
        lambda behind, story: behind.alter(story.evaluation(5), champion=None),
        5,
        SECOND,
        "was compared with no champion, but replaced bike_demand-all-version-0",
    ),
    "it was compared with one that was not champion": (
        lambda behind, story: behind.alter(story.evaluation(0), champion=story.version(5).id),
        5,
        FIRST,
        "was compared with bike_demand-all-version-5, but replaced none",
    ),
    "the person refused": (
        lambda behind, story: behind.alter(story.approval(5), verdict=Verdict.FAIL),
        8,
        SECOND,
        "was promoted although a person said fail",
    ),
    "the person approved something else": (
        lambda behind, story: behind.alter(story.approval(5), evaluation=story.evaluation(0).id),
        8,
        SECOND,
        "was promoted by the approval of another evaluation, bike_demand-all-evaluation-0",
    ),
    "the version is another model's": (
        lambda behind, story: behind.alter(story.version(5), model="other"),
        1,
        SECOND,
        "its version was trained for other/all",
    ),
    "the version knows the nights that it predicts": (
        lambda behind, story: behind.alter(story.version(5), as_of=day(7)),
        1,
        SECOND,
        "takes effect at 2024-03-07T00:00:00Z, but its version knows what happened until 2024-03-08T00:00:00Z",
    ),
    "a rollback goes to a version that never passed": (
        lambda behind, story: behind.alter(_second(story), kind=PromotionKind.ROLLBACK),
        8,
        SECOND,
        "goes back to a version that was never champion",
    ),
    "rows of a current batch are lost": (
        lambda behind, story: behind.lose(story.batch(2, attempt=2)),
        4,
        NIGHT,
        "is current and has 24 predictions, must have 48",
    ),
    "rows of a superseded batch are lost": (
        lambda behind, story: behind.lose(story.batch(2)),
        4,
        EARLIER,
        "is superseded and has 24 predictions, must have 48",
    ),
    "there are more rows than were published": (
        lambda behind, story: behind.alter(story.batch(2, attempt=2), rows=40),
        4,
        NIGHT,
        "is current and has 48 predictions, must have 40",
    ),
    "a row lies outside its night": (
        lambda behind, story: behind.move(story.batch(2, attempt=2), timedelta(hours=1)),
        3,
        NIGHT,
        "has predictions outside its interval",
    ),
    "the epoch is another version's": (
        lambda behind, story: behind.alter(story.batch(2, attempt=2), version=story.version(5).id),
        9,
        NIGHT,
        "was predicted by bike_demand-all-version-5, but its epoch is that of bike_demand-all-version-0",
    ),
    "the champion came later": (
        lambda behind, story: behind.alter(story.batch(2, attempt=2), version=story.version(5).id, epoch=2),
        9,
        NIGHT,
        "was predicted by a champion that took effect only after it",
    ),
    "the validation is of another snapshot": (
        lambda behind, story: behind.alter(story.batch(2, attempt=2), validation=story.validation(1).id),
        9,
        NIGHT,
        "its validation is of another snapshot",
    ),
    "a request was claimed by nobody": (
        lambda behind, story: behind.alter(story.request(8), state=RequestState.CLAIMED),
        7,
        REQUEST,
        "is claimed, but by nobody",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_is_the_only_fault(behind: Behind, story: Story, name: str) -> None:
    """The promise, the place, and what was found there. A row outside its night is missing in the views, which is told, too."""
    break_it, promise, where, found = BREAKS[name]
    break_it(behind, story)
    told = [fault for fault in behind.ledger.audit().faults if fault.where == where or fault.where not in VIEWS]
    assert told == [Fault(promise=promise, where=where, found=found)]


def test_a_batch_of_a_retirements_epoch_is_a_fault(sound: Ledger, story: Story) -> None:
    """The ledger takes it, as the row is there; but nobody was champion, whoever predicted. Nights of before are sound."""
    sound.promote(story.promotion(3, 8, PromotionKind.RETIRE))
    story.keep_night(sound, 10)
    assert sound.audit().faults == ()
    late = story.batch(10, 5, epoch=3)
    sound.publish(late, predictions(night(10)))
    where = f"bike_demand/all/{night(10)}/champion: batch {late.id}"
    said = "was predicted by bike_demand-all-version-5, but its epoch is that of a retirement"
    assert sound.audit().faults == (Fault(promise=9, where=where, found=said),)


def test_two_current_batches_that_overlap_are_a_fault(sound: Ledger, behind: Behind, story: Story) -> None:
    """The ledger refuses to make a second one current; here a row was changed by hand."""
    wide = story.batch(1, attempt=9, nights=2).model_copy(update={"interval": night(3, 2)})
    sound.publish(wide, predictions(night(3, 2)))
    span = {"interval": night(1, 2), "interval_start": day(1), "interval_end": day(3)}
    behind.alter(wide, **{name: value for name, value in span.items() if isinstance(sound, MemoryLedger) == (name == "interval")})
    found = [fault for fault in sound.audit().faults if fault.promise == 3]
    place = f"bike_demand/all/{night(1, 2)}/champion: batch {wide.id}"
    assert [(fault.where, fault.found) for fault in found] == [
        (place, "has predictions outside its interval"),
        (place, f"is current, and so is batch {story.batch(1).id}, which covers a part of its interval"),
        (NIGHT, f"is current, and so is batch {wide.id}, which covers a part of its interval"),
    ]


def test_an_epoch_that_is_missing_is_a_fault(ledger: Ledger, story: Story) -> None:
    """Promotions are counted without a gap."""
    story.keep_champion(ledger, 0)
    ledger.promote(story.promotion(2, 0, PromotionKind.ROLLBACK))
    Behind(ledger).alter(story.promotion(2, 0), epoch=3)
    missing = "must be epoch 2: one is missing"
    assert ledger.audit().faults == (Fault(promise=1, where="bike_demand/all: epoch 3", found=missing),)


def test_a_batch_of_nothing_must_not_be_current(behind: Behind, story: Story) -> None:
    """It may be what was left of a run that was killed, but nobody may see it."""
    batch = story.batch(2, attempt=2)
    behind.lose(batch)
    behind.lose(batch, "south")
    behind.alter(batch, rows=0)
    assert behind.ledger.audit().faults == (Fault(promise=4, where=NIGHT, found="is current, but nothing was published"),)


def test_a_batch_must_be_of_its_snapshots_night(behind: Behind, story: Story) -> None:
    """Every batch of the night is named."""
    span = {"interval_start": day(7.5)} if isinstance(behind.ledger, PostgresLedger) else {"interval": night(6)}
    behind.alter(story.snapshot(7), **span)
    faults = behind.ledger.audit().faults
    assert [(fault.promise, fault.found) for fault in faults] == [(9, "its snapshot is of another interval, model or segment")] * 2


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.ERROR])
def test_a_night_that_failed_its_validation_must_not_be_predicted(behind: Behind, story: Story, verdict: Verdict) -> None:
    """Every batch of the night is named."""
    behind.alter(story.validation(7), verdict=verdict)
    found = behind.ledger.audit().faults
    assert [(fault.promise, fault.found) for fault in found] == [(18, f"was predicted although its validation said {verdict}")] * 2


def test_a_night_that_is_found_at_fault_later_must_be_withdrawn(sound: Ledger, story: Story) -> None:
    """It was predicted when it seemed good."""
    sound.record(story.validation(2).model_copy(update={"id": "again", "verdict": Verdict.FAIL}))
    found = sound.audit().faults
    assert [(fault.promise, fault.found) for fault in found] == [
        (18, "is current although its night was found to be a data fault")
    ] * 2
    assert {fault.where.rpartition("-batch-")[0] for fault in found} == {
        f"bike_demand/all/{night(2)}/{role}: batch bike_demand-all" for role in ("baseline", "champion")
    }
    sound.withdraw(story.model, within=night(2))
    assert sound.audit().faults == ()


@pytest.mark.parametrize(
    ("lost", "promise", "expected"),
    [
        ("snapshot", 9, {"prediction_batch": 2, "validation": 1}),
        ("validation", 9, {"prediction_batch": 2}),
        ("trained on", 1, {"training_run": 1, "evaluation": 1, "validation": 1}),
        ("version", 1, {"promotion": 1, "evaluation": 1, "prediction_batch": 2}),
        ("evaluation", 1, {"promotion": 1, "approval": 1}),
        ("approval", 1, {"promotion": 1}),
        ("promotion", 9, {"prediction_batch": 2}),
        ("request", 9, {"decision": 1}),
    ],
)
def test_a_row_that_names_what_is_not_there_is_a_fault(
    behind: Behind, story: Story, lost: str, promise: int, expected: dict[str, int]
) -> None:
    """Each of them, with the table it is in; nothing else is said of it."""
    rows: dict[str, Receipt] = {
        "snapshot": story.snapshot(7),
        "validation": story.validation(7),
        "trained on": story.snapshot(5, Purpose.TRAIN),
        "version": story.version(5),
        "evaluation": story.evaluation(5),
        "approval": story.approval(5),
        "promotion": _second(story),
        "request": story.request(8),
    }
    behind.remove(rows[lost])
    faults = behind.ledger.audit().faults
    tables = [fault.where.split()[0] for fault in faults]
    assert {name: tables.count(name) for name in tables} == expected
    assert promise in {fault.promise for fault in faults}
    name = "2" if lost == "promotion" else _key(rows[lost])
    assert all(name in fault.found and fault.found.endswith("is not there") for fault in faults)


def test_the_words_for_a_row_that_names_what_is_not_there(behind: Behind, story: Story) -> None:
    """Table, key, column and value."""
    behind.remove(story.approval(5))
    missing = "its approval, bike_demand-all-approval-5, is not there"
    assert behind.ledger.audit().faults == (Fault(promise=1, where="promotion bike_demand/all/2", found=missing),)


def test_models_and_segments_are_looked_at_by_themselves(sound: Ledger) -> None:
    """Epochs begin anew in each, and batches of different ones may cover the same night."""
    for other in (Story(segment="north"), Story(model="another")):
        other.keep_champion(sound)
        other.keep_night(sound, 2)
        sound.publish(other.batch(2), predictions(night(2)))
    assert sound.audit() == Audit(promotions=4, batches=BATCHES + 2, predictions=(BATCHES + 2) * ROWS, faults=())


def test_artifacts_are_named_by_every_row_that_leads_to_them(sound: Ledger, story: Story) -> None:
    """The same that garbage collection keeps, each with what it is."""
    named = sound.named()
    assert {row.digest for row in named} == sound.referenced()
    manifests = {row.digest for row in named if row.holds in {Holds.SNAPSHOT, Holds.MODEL, Holds.BASELINE}}
    assert manifests == sound.manifests()
    version = story.version(5)
    place = {"model": version.model, "segment": version.segment, "interval": version.interval}
    assert [row for row in named if row.holds is Holds.MODEL and row.digest == version.artifact] == [
        Named(**place, digest=version.artifact, holds=Holds.MODEL, reigns=True)
    ]
    assert {row.holds for row in named} == set(Holds)


def test_a_version_reigns_until_its_model_is_retired(sound: Ledger, story: Story) -> None:
    """What was champion before may have been signed with another key."""
    story.keep_version(sound, 9)

    def reigning() -> set[datetime]:
        return {row.interval.end for row in sound.named() if row.reigns}

    assert reigning() == {day(1), day(6)}
    sound.promote(story.promotion(3, 9, PromotionKind.RETIRE))
    assert reigning() == set()
    sound.promote(story.promotion(4, 9))
    assert reigning() == {day(10)}
    assert sound.audit().faults == ()
