"""Brings the ledger's schema to the version of this code, and says whether it is there.

Alembic runs the files of ``versions/``; its version table lies in the ledger's own schema. There is no alembic.ini and nothing
to configure.
"""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.stores.database import open_engine
from perennial.stores.driver_errors import driver_errors
from perennial.stores.tables import SCHEMA, VERSION_TABLE

_WHERE = "ledger"


def migrate(url: str) -> str:
    """Bring the ledger behind *url* to the schema of this code, in one transaction, and return its version.

    What is up to date stays as it is. Two that migrate at once wait for each other.

    Raises:
        DefinitionError: DEFINITION_URL.
        RejectedError: LEDGER_VERSION, the ledger is newer than this code; STORE_DENIED, STORE_REJECTED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    engine = open_engine(url, where=_WHERE)
    try:
        with driver_errors(_WHERE), engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('perennial/migrate', 0))"))
            _refuse_newer(_version(connection))
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            _upgrade(connection)
    finally:
        engine.dispose()
    return head()


def open_checked(url: str, *, where: str, options: str = "") -> Engine:
    """Return an engine of the ledger behind *url*, whose schema is the one of this code; see ``database.open_engine``.

    Raises:
        DefinitionError: DEFINITION_URL.
        RejectedError: LEDGER_VERSION, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    engine = open_engine(url, where=where, options=options)
    try:
        check_version(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def check_version(engine: Engine) -> None:
    """Make sure that the ledger has the schema of this code.

    Raises:
        RejectedError: LEDGER_VERSION.
        UnavailableError: STORE_UNAVAILABLE.
    """
    with driver_errors(_WHERE), engine.connect() as connection:
        found = _version(connection)
    _refuse_newer(found)
    if found != head():
        shown = f"version {found}" if found else "no tables"
        message = f"must have the schema of this code, version {head()}, found {shown}; run `perennial migrate`"
        raise RejectedError(Code.LEDGER_VERSION, message, where=_WHERE, fix="perennial migrate")


def head() -> str:
    """Return the schema version that this code needs."""
    return _script().get_current_head() or ""


def _version(connection: Connection) -> str | None:
    return _context(connection).get_current_revision()


def _refuse_newer(found: str | None) -> None:
    known = {script.revision for script in _script().walk_revisions()}
    if found is not None and found not in known:
        message = f"must not be newer than this code, which knows version {head()}, found version {found}; update Perennial"
        raise RejectedError(Code.LEDGER_VERSION, message, where=_WHERE, fix="Install the Perennial that wrote the ledger.")


def _script() -> ScriptDirectory:
    return ScriptDirectory(Path(__file__).parent)


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "version_table_schema": SCHEMA})


def _upgrade(connection: Connection) -> None:
    script = _script()

    def steps(revision: str, _: MigrationContext) -> list[RevisionStep]:
        return script._upgrade_revs("head", revision)  # noqa: SLF001 - as Alembic's own manual has it

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, version_table=VERSION_TABLE, version_table_schema=SCHEMA)
        environment.run_migrations()
