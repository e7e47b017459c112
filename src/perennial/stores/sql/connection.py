"""Connections to databases that are not ours, and that reading never writes through."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import exc

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError, UnavailableError
from perennial.stores.arrow_types import microseconds
from perennial.stores.database import read_url
from perennial.stores.driver_errors import driver_errors
from perennial.stores.sql.statement import MICROSECONDS


def new_engine(url: str, *, keep: bool = False) -> sa.Engine:
    """Return an engine whose errors never show a value. With *keep* a server's connection is kept until ``dispose``.

    Raises:
        DefinitionError: DEFINITION_URL, the URL cannot be read, or its driver is not installed. The URL is never shown.
    """
    parsed = read_url(url, where="connection")
    try:
        if keep and parsed.get_backend_name() == "postgresql":
            return sa.create_engine(parsed, pool_size=1, max_overflow=-1, pool_pre_ping=True, hide_parameters=True)
        return sa.create_engine(parsed, poolclass=sa.NullPool, hide_parameters=True)
    except (exc.ArgumentError, exc.NoSuchModuleError, ImportError):
        message = f"must name a dialect whose driver is installed, got {parsed.drivername!r}"
        raise DefinitionError(Code.DEFINITION_URL, message, where="connection") from None


def reading_engine(url: str, *, keep: bool = False) -> sa.Engine:
    """Return an engine that only reads, and that can read moments on SQLite; see ``new_engine`` for *keep*.

    Raises:
        DefinitionError: DEFINITION_URL.
    """
    engine = new_engine(url, keep=keep)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's connection, as SQLAlchemy hands it over
    connection.create_function(MICROSECONDS, 1, microseconds, deterministic=True)
    connection.text_factory = _lenient  # the driver's own refusal would not say which row
    connection.execute("PRAGMA query_only = ON")


def _lenient(text: bytes) -> str:
    return text.decode(errors="surrogateescape")


@contextmanager
def reading(engine: sa.Engine, where: str) -> Iterator[sa.Connection]:
    """Open one connection that sees one state of the database, and cannot write where the database can forbid it.

    Args:
        engine: From ``reading_engine``.
        where: The table, for error messages.

    Raises:
        RejectedError: STORE_REJECTED, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    with source_errors(where), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection


@contextmanager
def source_errors(where: str) -> Iterator[None]:
    """Turn every error of any driver inside into one of ours.

    Raises:
        RejectedError: STORE_REJECTED, STORE_DENIED, STORE_FULL.
        UnavailableError: STORE_UNAVAILABLE.
    """
    with driver_errors(where):
        try:
            yield
        except exc.OperationalError as error:
            if _may_pass(error.orig):
                # The driver's message may quote a row, so it is not chained.
                raise UnavailableError(Code.STORE_UNAVAILABLE, "could not answer in time", where=where) from None
            raise


def _may_pass(error: BaseException | None) -> bool:
    if isinstance(error, sqlite3.Error):
        return error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_CANTOPEN"))
    # Drivers without SQLSTATE use this class for the network, and for what is refused; a retry of the latter does no harm.
    return not isinstance(error, psycopg.Error)
