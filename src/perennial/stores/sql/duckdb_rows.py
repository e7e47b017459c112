"""Reads out of a DuckDB file with DuckDB itself, which speaks Arrow. It is imported only where a URL names it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError, PerennialError, RejectedError, UnavailableError
from perennial.core.file_errors import file_errors
from perennial.core.scratch import WHERE, temporary_folder
from perennial.monitoring.counting.edges import Edges
from perennial.monitoring.counting.profile import Profile
from perennial.ports import Selection
from perennial.stores.arrow_selection import ROWS_PER_BATCH, require_columns, selected_kinds
from perennial.stores.database import read_url
from perennial.stores.driver_errors import DriverError
from perennial.stores.duckdb_space import space_error
from perennial.stores.sql.batches import settled_batches
from perennial.stores.sql.profiles.cells import Cells
from perennial.stores.sql.profiles.in_database import profile_of, settled_kinds
from perennial.stores.sql.profiles.statement import Statement
from perennial.stores.sql.statement import all_columns, relation_clause, select_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, Error

_MEMORY = "256MB"
_CLOSED = ("python_enable_replacements", "enable_external_access")
"""A query sees the one file, and neither variables of this program nor other files, addresses or extensions."""
_PLAIN = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call] # SQLAlchemy's own
"""DuckDB's SQL is PostgreSQL's, as far as a selection goes."""
_NUMBERED = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call] # SQLAlchemy's own


def duckdb_of(url: str, scratch: Path | None = None) -> DuckDb | None:
    """Return the DuckDB file behind *url*, or None where it names another database.

    Args:
        url: As SQLAlchemy writes it.
        scratch: The folder for temporary files; by default the system's.

    Raises:
        DefinitionError: DEFINITION_URL, it names no file.
    """
    parsed = read_url(url, where="connection")
    if parsed.drivername != "duckdb":
        return None
    if not parsed.database or parsed.database == ":memory:" or parsed.query:
        raise DefinitionError(Code.DEFINITION_URL, "must be duckdb:///file, and no more", where="connection")
    return DuckDb(parsed.database, scratch)


@dataclass(frozen=True, slots=True)
class DuckDb:
    """Tables, views and queries of one DuckDB file, which is only read and may not be open for writing elsewhere."""

    path: str
    scratch: Path | None = None

    def read(self, selection: Selection, where: str) -> Iterator[pa.RecordBatch]:
        """Yield the selected rows in order, at most 50 000 a batch; see ``ports.Source``.

        What DuckDB sorts beyond its memory, 256 MB, it writes into a folder for temporary files.

        Raises:
            RejectedError: STORE_FULL, that folder's disk is; STORE_REJECTED.
            UnavailableError: STORE_UNAVAILABLE.
        """
        with _errors(where), self._folder() as folder, closing(_connect(self.path, folder)) as connection:
            require_columns(connection.sql(_text(all_columns(selection))).columns, selection, where)
            relation = relation_clause(selection)
            found = _schema(connection, _text(sa.select(*relation.c.values()).limit(0)))
            kinds = selected_kinds(found, selection, where, text_moments=False)
            schema = pa.schema(list(kinds.items()))
            yield from settled_batches(_batches(connection, _statement(selection, found, kinds)), schema, where)

    def profile(self, selection: Selection, edges: Edges, where: str) -> Profile:
        """Return the profile of the selected rows, counted by DuckDB; see ``ports.Profiling``.

        Raises:
            RejectedError: STORE_FULL, the disk of the folder for temporary files is; STORE_REJECTED.
            UnavailableError: STORE_UNAVAILABLE.
        """
        with _errors(where), self._folder() as folder, closing(_connect(self.path, folder)) as connection:
            require_columns(connection.sql(_text(all_columns(selection))).columns, selection, where)
            relation = relation_clause(selection)
            found = _schema(connection, _text(sa.select(*relation.c.values()).limit(0)))
            kinds = settled_kinds(found, selection, where, text_moments=False)
            cells = {name: Cells(relation.c[name], kind, "duckdb") for name, kind in kinds.items()}
            connection.execute("BEGIN")
            return profile_of(lambda asked: _answer(connection, asked), relation, selection, edges, cells, where)

    def _folder(self) -> AbstractContextManager[Path]:
        if self.scratch:
            with file_errors(WHERE):
                self.scratch.mkdir(parents=True, exist_ok=True)
        return temporary_folder(self.scratch)


def _connect(path: str, folder: Path) -> DuckDBPyConnection:
    import duckdb  # noqa: PLC0415 - a large library, which few sources need

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "temp_directory": str(folder),
        "threads": 2,
    }
    connection = duckdb.connect(path, read_only=True, config=settings)
    for setting in _CLOSED:
        connection.execute(f"SET {setting} = false")
    return connection


def _schema(connection: DuckDBPyConnection, statement: str) -> dict[str, pa.DataType]:
    schema = connection.sql(statement).to_arrow_reader(1).schema
    return {field.name: field.type for field in schema}


def _statement(selection: Selection, found: dict[str, pa.DataType], kinds: dict[str, pa.DataType]) -> str:
    relation = relation_clause(selection)
    shown: dict[str, sa.ColumnElement[Any]] = {
        name: sa.cast(relation.c[name], sa.Double()) for name, kind in found.items() if pa.types.is_decimal(kind)
    }
    return _text(select_rows(relation, selection, kinds, "duckdb", shown))


def _answer(connection: DuckDBPyConnection, statement: Statement) -> list[tuple[Any, ...]]:
    """Run *statement*, its values beside it."""
    compiled = statement.compile(dialect=_NUMBERED)
    values = [compiled.params[name] for name in compiled.positiontup or ()]
    return connection.execute(str(compiled), values).fetchall()


def _batches(connection: DuckDBPyConnection, statement: str) -> Generator[pa.RecordBatch]:
    with closing(connection.sql(statement).to_arrow_reader(ROWS_PER_BATCH)) as reader:
        yield from reader


def _text(statement: sa.Select[object]) -> str:
    return str(statement.compile(dialect=_PLAIN, compile_kwargs={"literal_binds": True}))


@contextmanager
def _errors(where: str) -> Iterator[None]:
    """Turn DuckDB's errors into ours. Its messages quote rows and statements, so they do not travel on."""
    import duckdb  # noqa: PLC0415 - a large library, which few sources need

    try:
        yield
    except (duckdb.Error, OSError) as error:
        cause = DriverError(f"{type(error).__module__}.{type(error).__name__}").with_traceback(error.__traceback__)
        raise _translated(error, where) from cause


def _translated(error: Error | OSError, where: str) -> PerennialError:
    import duckdb  # noqa: PLC0415 - a large library, which few sources need

    if full := space_error(error):
        return full
    name = type(error).__name__
    if isinstance(error, (OSError, duckdb.OperationalError)) and not isinstance(error, duckdb.ConnectionException):
        return UnavailableError(Code.STORE_UNAVAILABLE, f"the file could not be read now ({name})", where=where)
    return RejectedError(Code.STORE_REJECTED, f"the store refuses the statement or the data ({name})", where=where)
