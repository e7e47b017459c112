"""The ledger's schema: made once, checked at every opening, and the same in the code and in the database."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from perennial.core.errors import RejectedError
from perennial.stores.database import open_engine
from perennial.stores.ledger import PostgresLedger
from perennial.stores.migrations import check_version, head, migrate
from perennial.stores.tables import SCHEMA, VERSION_TABLE, metadata

A_MONTH = re.compile(r"prediction_\d{4}m\d{2}")


def set_version(url: str, version: str) -> None:
    """Pretend that the ledger has *version*."""
    engine = open_engine(url, where="test")
    with engine.begin() as connection:
        connection.execute(text("UPDATE perennial.schema_version SET version_num = :version"), {"version": version})
    engine.dispose()


def test_the_migrations_make_the_tables_of_the_code(ledger_engine: Engine) -> None:
    """Alembic finds no difference, in types and defaults neither."""
    options = {
        "version_table": VERSION_TABLE,
        "version_table_schema": SCHEMA,
        "include_schemas": True,
        # A month of predictions is made when one is published; the tests before this one may have.
        "include_name": lambda name, kind, _: name == SCHEMA if kind == "schema" else not A_MONTH.fullmatch(name or ""),
        "compare_type": True,
        "compare_server_default": True,
    }
    with ledger_engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_the_check_constraints_are_those_of_the_code(ledger_engine: Engine) -> None:
    """Alembic does not compare them; every one has its name in both."""
    query = text("SELECT conname FROM pg_constraint WHERE connamespace = 'perennial'::regnamespace AND contype = 'c'")
    with ledger_engine.connect() as connection:
        found = set(connection.scalars(query))
    assert found == {
        constraint.name
        for table in metadata.tables.values()
        for constraint in table.constraints
        if constraint.__visit_name__ in {"check_constraint", "table_or_column_check_constraint"}
    }


def test_migrating_twice_is_migrating_once(empty_url: str) -> None:
    """The second one finds nothing to do."""
    assert migrate(empty_url) == head()
    assert migrate(empty_url) == head()
    PostgresLedger.open(empty_url).close()


def test_migrations_at_once_wait_for_each_other(empty_url: str) -> None:
    """Two containers that start together."""
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(migrate, [empty_url] * 4)) == [head()] * 4


def test_a_ledger_without_tables_asks_for_migrate(empty_url: str) -> None:
    """It says what to run."""
    with pytest.raises(RejectedError) as caught:
        PostgresLedger.open(empty_url)
    found = f"must have the schema of this code, version {head()}, found no tables; run `perennial migrate`"
    assert str(caught.value) == f"ledger: {found} [LEDGER_VERSION]"


def test_a_newer_ledger_is_refused(empty_url: str) -> None:
    """Neither opened nor migrated."""
    migrate(empty_url)
    set_version(empty_url, "9999")
    found = f"must not be newer than this code, which knows version {head()}, found version 9999; update Perennial"
    for use in (PostgresLedger.open, migrate):
        with pytest.raises(RejectedError) as caught:
            use(empty_url)
        assert str(caught.value) == f"ledger: {found} [LEDGER_VERSION]"


def test_other_tables_are_left_alone(empty_url: str) -> None:
    """The ledger has a schema of its own, so that it can share a database."""
    engine = open_engine(empty_url, where="test")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE public.alembic_version (version_num text)"))
        connection.execute(text("INSERT INTO public.alembic_version VALUES ('somebody else''s')"))
    migrate(empty_url)
    check_version(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM public.alembic_version")) == "somebody else's"
    engine.dispose()
