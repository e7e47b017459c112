"""The roles of docs/operations.md: each may do its work, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from perennial.core.errors import DataError
from perennial.core.receipts import PredictionBatch
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.ledger import PostgresLedger
from perennial.stores.migrations import migrate
from perennial.testing.story import Story, day, night, predictions

OPERATIONS = (Path(__file__).parents[2] / "docs/operations.md").read_text(encoding="utf-8")
DATABASE = "perennial_ledger"
ROLES = ("perennial_owner", "perennial_app", "perennial_analyst")


def _statements(name: str) -> list[str]:
    block = re.search(rf"^```sql file={name}\n(.*?)^```$", OPERATIONS, re.MULTILINE | re.DOTALL)
    assert block is not None
    return [line.partition(";")[0] for line in block[1].splitlines()]


def _connect(server: EmbeddedPostgres, user: str, database: str = DATABASE) -> psycopg.Connection:
    return psycopg.connect(host=str(server.socket_folder), user=user, dbname=database, autocommit=True)


def _url(server: EmbeddedPostgres, user: str) -> str:
    return f"postgresql://{user}@/{DATABASE}?host={server.socket_folder}"


@pytest.fixture(scope="module")
def server(postgres: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """A server that was set up as the document says."""
    with _connect(postgres, "postgres", "postgres") as superuser:
        for statement in _statements("roles.sql"):
            superuser.execute(statement.encode())
        migrate(_url(postgres, "perennial_owner"))
        with _connect(postgres, "perennial_owner") as owner:
            for statement in _statements("grants.sql"):
                owner.execute(statement.encode())
        yield postgres
        superuser.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)".encode())
        for role in ROLES:
            superuser.execute(f"DROP ROLE {role}".encode())


@pytest.fixture
def app_ledger(server: EmbeddedPostgres) -> Iterator[PostgresLedger]:
    """The ledger, as Airflow's tasks open it."""
    ledger = PostgresLedger.open(_url(server, "perennial_app"))
    yield ledger
    ledger.close()


def test_tasks_and_analysts_can_do_their_work(server: EmbeddedPostgres, app_ledger: PostgresLedger) -> None:
    """A night is published by one and read by the other; retention removes it again."""
    story = Story()
    story.keep_champion(app_ledger)
    story.keep_night(app_ledger, 0)
    batch: PredictionBatch = app_ledger.publish(story.batch(0), predictions(night(0)))
    with _connect(server, "perennial_analyst") as analyst:
        counted = "SELECT count(*) FROM perennial.current_prediction WHERE model = %s"
        assert analyst.execute(counted, (story.model,)).fetchone() == (batch.rows,)
        assert app_ledger.expire_predictions({(story.model, story.segment): day(2)}) == batch.rows
        assert analyst.execute(counted, (story.model,)).fetchone() == (0,)


def test_what_tasks_could_not_publish_they_remove(server: EmbeddedPostgres, app_ledger: PostgresLedger) -> None:
    """Copied by two connections, of which one found an event that the other one has, too. What stays does not stand in the way."""
    story = Story(model="removed")
    story.keep_champion(app_ledger)
    story.keep_night(app_ledger, 2)
    with pytest.raises(DataError):
        app_ledger.publish(story.batch(2), predictions(night(2)), predictions(night(2)))
    with _connect(server, "perennial_owner") as owner:
        left = "SELECT count(*) FROM perennial.prediction WHERE event_at >= %s AND event_at < %s"
        assert owner.execute(left, (day(2), day(3))).fetchone() == (0,)
    assert app_ledger.publish(story.batch(2), predictions(night(2)), iter(())) == story.batch(2)


def test_nobody_but_the_owner_can_change_the_schema(server: EmbeddedPostgres) -> None:
    """A task's credentials are not enough."""
    with _connect(server, "perennial_app") as app:
        for statement in ("ALTER TABLE perennial.promotion DISABLE TRIGGER ALL", "DELETE FROM perennial.schema_version"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement.encode())


@pytest.mark.parametrize("table", ["outcome", "prediction", "promotion"])
def test_analysts_read_the_views_and_nothing_else(server: EmbeddedPostgres, table: str) -> None:
    """The tables behind the views are closed to them."""
    with _connect(server, "perennial_analyst") as analyst, pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute(f"TABLE perennial.{table}".encode())


def test_tasks_cannot_rewrite_the_record_of_promotions(server: EmbeddedPostgres) -> None:
    """Not even where a trigger would let them."""
    with _connect(server, "perennial_app") as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("UPDATE perennial.promotion SET reason = 'another'")


def test_tasks_may_audit(app_ledger: PostgresLedger) -> None:
    """What looks at everything needs no other rights."""
    story = Story(model="audited")
    story.keep_champion(app_ledger)
    story.keep_night(app_ledger, 1)
    app_ledger.publish(story.batch(1), predictions(night(1)))
    assert [fault for fault in app_ledger.audit().faults if "bike_demand" not in fault.where] == []
