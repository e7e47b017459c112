"""Reads rows out of a SQL database, in bounded memory, by the fastest way that gives the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from perennial.ports import Selection
from perennial.stores.sql.connection import reading_engine
from perennial.stores.sql.duckdb_rows import DuckDb, duckdb_of
from perennial.stores.sql.postgres_rows import copying
from perennial.stores.sql.sqlite_rows import scanning
from perennial.stores.sql.statement import is_table
from perennial.stores.sql.stream import streamed
from perennial.stores.sql.table import write_table

__all__ = ["SqlSource", "write_table"]

_FAST = {"psycopg": copying, "pysqlite": scanning}
"""By SQLAlchemy's driver, what may be faster than its stream. All other drivers are read by the stream."""


class SqlSource:
    """Tables, views and queries of one database.

    Examples:
        >>> SqlSource("sqlite:///demand.db")
        SqlSource('sqlite')
    """

    def __init__(self, url: str, *, scratch: Path | None = None) -> None:
        """Remember where the database is. Each read opens a connection and closes it.

        Args:
            url: As SQLAlchemy writes it, such as ``postgresql+psycopg://user@host/database`` or ``duckdb:///file``.
            scratch: The folder for temporary files, which DuckDB alone writes; by default the system's.

        Raises:
            DefinitionError: DEFINITION_URL.
        """
        self._engine: sa.Engine | DuckDb = duckdb_of(url, scratch) or reading_engine(url)

    def __repr__(self) -> str:
        """Return the dialect only; the rest of a URL may be secret."""
        return f"SqlSource({'duckdb' if isinstance(self._engine, DuckDb) else self._engine.dialect.name!r})"

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Yield the selected rows in order, at most 50 000 a batch; see ``ports.Source``."""
        where = selection.relation if is_table(selection.relation) else "query"
        if isinstance(self._engine, DuckDb):
            yield from self._engine.read(selection, where)
            return
        fast = _FAST.get(self._engine.dialect.driver)
        if fast:
            with fast(self._engine, selection, where) as batches:
                if batches is not None:
                    yield from batches
                    return
        yield from streamed(self._engine, selection, where)
