"""Reads rows out of a SQL database, in bounded memory, by the fastest way that gives the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from perennial.monitoring.counting.edges import Edges
from perennial.monitoring.counting.profile import Profile
from perennial.ports import Selection
from perennial.stores.sql.adbc_connections import AdbcConnections
from perennial.stores.sql.connection import reading_engine
from perennial.stores.sql.duckdb_rows import DuckDb, duckdb_of
from perennial.stores.sql.postgres_rows import copying
from perennial.stores.sql.profiles.in_database import profile_in_database
from perennial.stores.sql.sqlite_rows import scanning
from perennial.stores.sql.statement import is_table
from perennial.stores.sql.stream import streamed
from perennial.stores.sql.table import write_table

__all__ = ["SqlSource", "write_table"]


class SqlSource:
    """Tables, views and queries of one database.

    Examples:
        >>> SqlSource("sqlite:///demand.db")
        SqlSource('sqlite')
    """

    def __init__(self, url: str, *, scratch: Path | None = None, keep: bool = False) -> None:
        """Remember where the database is.

        Args:
            url: As SQLAlchemy writes it, such as ``postgresql+psycopg://user@host/database`` or ``duckdb:///file``.
            scratch: The folder for temporary files, which DuckDB alone writes; by default the system's.
            keep: Keep PostgreSQL's connections from one read to the next, until ``close``; otherwise each read has its own.

        Raises:
            DefinitionError: DEFINITION_URL.
        """
        self._engine: sa.Engine | DuckDb = duckdb_of(url, scratch) or reading_engine(url, keep=keep)
        self._connections = AdbcConnections(keep=keep)

    def __repr__(self) -> str:
        """Return the dialect only; the rest of a URL may be secret."""
        return f"SqlSource({'duckdb' if isinstance(self._engine, DuckDb) else self._engine.dialect.name!r})"

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Yield the selected rows in order, at most 50 000 a batch; see ``ports.Source``."""
        where = selection.relation if is_table(selection.relation) else "query"
        if isinstance(self._engine, DuckDb):
            yield from self._engine.read(selection, where)
            return
        with self._fast(self._engine, selection, where) as batches:
            yield from streamed(self._engine, selection, where) if batches is None else batches

    def profile(self, selection: Selection, edges: Edges) -> Profile:
        """Return the profile of the selected rows, counted inside the database; see ``ports.Profiling``."""
        where = selection.relation if is_table(selection.relation) else "query"
        if isinstance(self._engine, DuckDb):
            return self._engine.profile(selection, edges, where)
        return profile_in_database(self._engine, selection, edges, where)

    def close(self) -> None:
        """Close the connections that were kept."""
        self._connections.close()
        if not isinstance(self._engine, DuckDb):
            self._engine.dispose()

    def _fast(self, engine: sa.Engine, selection: Selection, where: str) -> AbstractContextManager[Iterator[pa.RecordBatch] | None]:
        """Lend what may be faster than SQLAlchemy's stream; None where there is no such way."""
        match engine.dialect.driver:
            case "psycopg":
                return copying(engine, self._connections, selection, where)
            case "pysqlite":
                return scanning(engine, selection, where)
            case _:
                return nullcontext()
