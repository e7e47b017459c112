"""An audit of the ledger in PostgreSQL: what only a database can lose, and that it disturbs nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from perennial.core.codes import Code
from perennial.core.errors import RejectedError, UnavailableError
from perennial.core.receipts import Audit, Fault, Role
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.ledger import PostgresLedger, expiry
from perennial.stores.ledger import audit as auditing
from perennial.stores.ledger.faults import PromotionFacts, promotion_faults
from perennial.testing import Story
from perennial.testing.story import day, night, predictions

ONE = Audit(promotions=1, batches=1, predictions=48, faults=())


@pytest.fixture
def ready(postgres_ledger: PostgresLedger, story: Story) -> PostgresLedger:
    """A sound ledger with one night."""
    return filled(postgres_ledger, story)


@pytest.fixture
def own(postgres: EmbeddedPostgres, ledger_template: str, story: Story) -> Iterator[PostgresLedger]:
    """The same in a database whose tables may be changed."""
    postgres.url("audited")  # there is one
    with psycopg.connect(host=str(postgres.socket_folder), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE audited WITH (FORCE)")
        connection.execute(sql.SQL("CREATE DATABASE audited TEMPLATE {}").format(sql.Identifier(ledger_template)))
    ledger = PostgresLedger.open(postgres.url("audited"))
    yield filled(ledger, story)
    ledger.close()


def filled(ledger: PostgresLedger, story: Story) -> PostgresLedger:
    """Publish one night."""
    story.keep_champion(ledger)
    story.keep_night(ledger, 1)
    ledger.publish(story.batch(1), predictions(night(1)))
    return ledger


def execute(ledger: PostgresLedger, *statements: str) -> None:
    """Change the database behind the ledger's back."""
    with ledger.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            connection.execute(text(statement))


def test_rows_of_a_batch_that_is_not_there_are_a_fault(ready: PostgresLedger, story: Story) -> None:
    """They have no foreign key; the rows of other batches are looked at all the same."""
    ready.publish(story.batch(1, attempt=2), predictions(night(1)))
    execute(ready, "UPDATE perennial.prediction_batch SET number = DEFAULT WHERE state = 'superseded'")
    with ready.engine.connect() as connection:
        lost = connection.scalar(text("SELECT min(batch) FROM perennial.prediction"))
    found = ready.audit()
    where = f"bike_demand/all/{night(1)}/champion: batch {story.batch(1).id}"
    assert (found.batches, found.predictions) == (2, 96)
    assert set(found.faults) == {
        Fault(promise=4, where=where, found="is superseded and has 0 predictions, must have 48"),
        Fault(promise=9, where=f"prediction_batch {lost}", found="is not there, but has 48 predictions"),
    }


def test_a_promotion_that_takes_effect_at_no_moment_is_a_fault(ready: PostgresLedger) -> None:
    """No clock ever shows it."""
    execute(ready, "UPDATE perennial.promotion SET effective_from = 'infinity'")
    expected = Fault(promise=1, where="bike_demand/all: epoch 1", found="takes effect at no moment")
    assert ready.audit().faults == (expected,)


def test_a_second_request_that_waits_is_a_fault(own: PostgresLedger, story: Story) -> None:
    """Its index would forbid it; here it was dropped."""
    own.request_retraining(story.request(8), cooldown=timedelta(0), max_per_30d=None)
    execute(
        own,
        "DROP INDEX perennial.retrain_request_one_open_idx",
        "INSERT INTO perennial.retrain_request (id, model, segment, at, reason, origin, state) "
        "SELECT 'twice', model, segment, at, reason, origin, state FROM perennial.retrain_request",
    )
    assert own.audit().faults == (
        Fault(promise=7, where="bike_demand/all: request twice", found="is open beside another one"),
        Fault(promise=7, where="retrain_request retrain_request_one_open_idx", found="is not there, or switched off"),
    )


@pytest.mark.parametrize(
    ("view", "old", "new", "shown"),
    [("current_prediction", "'current'", "'staged'", 0), ("prediction_lineage", "LEFT JOIN", "JOIN", 0)],
)
def test_a_view_that_hides_predictions_is_a_fault(own: PostgresLedger, view: str, old: str, new: str, shown: int) -> None:
    """It shows what there is, as analysts read it."""
    with own.engine.connect() as connection:
        definition = str(connection.scalar(text(f"SELECT pg_get_viewdef('perennial.{view}')")))
    assert old in definition
    execute(own, f"CREATE OR REPLACE VIEW perennial.{view} AS {definition.replace(old, new)}")
    assert own.audit().faults == (Fault(promise=9, where=view, found=f"shows {shown} predictions, must show 48"),)


def test_an_audit_waits_for_nobody_and_sees_one_moment(ready: PostgresLedger) -> None:
    """What is being written is not there yet; what was written before is whole."""
    with ready.engine.begin() as writer:
        writer.execute(text("UPDATE perennial.prediction_batch SET rows = 1"))
        writer.execute(text("DELETE FROM perennial.prediction"))
        assert ready.audit() == ONE
        writer.rollback()
    assert ready.audit() == ONE


def test_an_audit_can_change_nothing(ready: PostgresLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its transaction only reads."""
    monkeypatch.setattr(auditing, "_REQUESTS", text("UPDATE perennial.prediction_batch SET rows = 1 RETURNING 1"))
    with pytest.raises(RejectedError) as caught:
        ready.audit()
    assert caught.value.code is Code.STORE_REJECTED


def test_months_stay_while_an_audit_looks(ready: PostgresLedger, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A month that went in the middle would look like one that was lost. Its rows go one by one instead, which nobody sees yet."""

    def removed(promotions: Iterable[PromotionFacts]) -> Iterator[Fault]:
        assert ready.expire_predictions({(story.model, "all"): day(60)}) == 48
        return promotion_faults(promotions)

    monkeypatch.setattr(expiry, "_NOT_FOR_LONG", text("SELECT set_config('lock_timeout', '50ms', true)"))
    monkeypatch.setattr(auditing, "promotion_faults", removed)
    assert ready.audit() == ONE
    monkeypatch.setattr(auditing, "promotion_faults", promotion_faults)
    assert ready.audit() == ONE.model_copy(update={"predictions": 0})


@pytest.mark.parametrize(
    ("statement", "promise", "where"),
    [
        ("ALTER TABLE perennial.promotion DISABLE TRIGGER promotion_append_only", 1, "promotion promotion_append_only"),
        ("DROP TRIGGER prediction_batch_is_named ON perennial.prediction_batch", 9, "prediction_batch prediction_batch_is_named"),
        ("DROP INDEX perennial.prediction_batch_one_current_idx", 3, "prediction_batch prediction_batch_one_current_idx"),
        ("ALTER TABLE perennial.prediction DROP CONSTRAINT prediction_pkey", 3, "prediction prediction_pkey"),
        ("ALTER TABLE perennial.validation DROP CONSTRAINT validation_snapshot_fkey", 9, "validation validation_snapshot_fkey"),
        ("ALTER TABLE perennial.outcome DROP CONSTRAINT outcome_finite_check", 9, "outcome outcome_finite_check"),
    ],
)
def test_a_guard_that_is_gone_is_a_fault(own: PostgresLedger, statement: str, promise: int, where: str) -> None:
    """Nothing is broken yet, but nothing keeps it from being."""
    execute(own, statement)
    assert own.audit().faults == (Fault(promise=promise, where=where, found="is not there, or switched off"),)


def test_foreign_keys_that_are_switched_off_are_a_fault(own: PostgresLedger) -> None:
    """As somebody does who repairs tables by hand, and forgets to switch them on."""
    execute(own, "ALTER TABLE perennial.decision DISABLE TRIGGER ALL")
    assert own.audit().faults == (Fault(promise=9, where="decision", found="its foreign keys are switched off"),)


def test_nothing_looks_broken_while_nights_are_written_and_expire(ready: PostgresLedger, story: Story) -> None:
    """Old nights are written again while retention removes them, months come and go, and every audit finds all whole."""
    nights = range(2, 62, 6)
    for number in nights:
        story.keep_night(ready, number)

    def write(role: Role) -> None:
        for attempt in (1, 2, 1):
            for number in nights:
                with suppress(UnavailableError):  # its month went just then
                    ready.publish(story.batch(number, role=role, attempt=attempt), predictions(night(number)))

    def expire() -> None:
        for number in nights:
            ready.expire_predictions({(story.model, "all"): day(number + 0.5)})

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(write, Role.CHAMPION), pool.submit(write, Role.BASELINE), pool.submit(expire), pool.submit(expire)]
        audits = []
        while not all(task.done() for task in running):
            audits.append(ready.audit())
        for task in running:
            task.result()
    assert [found.faults for found in (*audits, ready.audit())] == [()] * (len(audits) + 1)
    assert len({found.predictions for found in audits}) > 1
