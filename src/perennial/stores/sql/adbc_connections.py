"""ADBC's connections to PostgreSQL, each used for one read at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa
from adbc_driver_manager import Error
from adbc_driver_manager.dbapi import Connection, Cursor
from adbc_driver_postgresql import dbapi
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo

_READ_ONLY = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


class AdbcConnections:
    """Makes connections, and keeps those whose read went to its end, where that is wished.

    ADBC reads the server's whole catalogue of types when it connects: 45 ms, as much as reading a small night.
    """

    def __init__(self, *, keep: bool = False) -> None:
        """Use a connection for one read, or with *keep* for any number until ``close``."""
        self._keep = keep
        self._idle: list[Connection] = []

    @contextmanager
    def cursor(self, engine: sa.Engine) -> Iterator[Cursor | None]:
        """Lend a cursor that sees one state of the database and cannot write, or None where ADBC cannot connect.

        Args:
            engine: Where to connect, the same at every call.

        Raises:
            Error: The driver's, what the caller asks of the cursor.
        """
        connection = self._begun(engine)
        if connection is None:
            yield None
            return
        whole = False
        try:
            with connection.cursor() as cursor:
                yield cursor
            connection.rollback()
            whole = True
        finally:
            if whole and self._keep:
                self._idle.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Close what was kept."""
        while kept := self._taken():
            kept.close()

    def _begun(self, engine: sa.Engine) -> Connection | None:
        while kept := self._taken():
            with suppress(Error):  # the server has ended it in the meantime
                return _begin(kept)
        fresh = _connect(engine)
        return _begin(fresh) if fresh else None

    def _taken(self) -> Connection | None:
        """Return a connection that was kept, or None. To ask first whether there is one would leave time for another thread."""
        try:
            return self._idle.pop()
        except IndexError:
            return None


def _begin(connection: Connection) -> Connection:
    """Begin a read on *connection* and return it; where that fails, it is closed."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(_READ_ONLY)
    except BaseException:
        with suppress(Error):
            connection.close()
        raise
    return connection


def _connect(engine: sa.Engine) -> Connection | None:
    """Return a connection to where *engine* connects, or None where ADBC's libpq cannot.

    It knows all of libpq's parameters, but neither psycopg's own nor Kerberos, and may look for certificates elsewhere. What is
    wrong beside that, psycopg says in its better words.
    """
    _, parameters = engine.dialect.create_connect_args(engine.url)
    parameters.pop("context", None)  # SQLAlchemy's, for psycopg
    try:
        connection: Connection = dbapi.connect(make_conninfo(**{**parameters, "client_encoding": "UTF8"}))
    except (Error, ProgrammingError):
        return None
    return connection
