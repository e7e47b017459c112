"""Reads out of PostgreSQL by binary COPY, which ADBC decodes straight into Arrow."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from adbc_driver_manager import Error
from adbc_driver_manager.dbapi import Cursor
from adbc_driver_postgresql import StatementOptions

from perennial.core.read_ahead import read_ahead
from perennial.ports import Selection
from perennial.stores.arrow_selection import require_columns, selected_kinds
from perennial.stores.arrow_types import UNREADABLE
from perennial.stores.sql.adbc_connections import AdbcConnections
from perennial.stores.sql.adbc_errors import adbc_errors
from perennial.stores.sql.adbc_stream import adbc_batches
from perennial.stores.sql.batches import settled_batches
from perennial.stores.sql.connection import reading
from perennial.stores.sql.statement import all_columns, relation_clause, select_rows
from perennial.stores.sql.types import POSTGRES_KINDS, postgres_shown, postgres_types

_BATCH_BYTES = 16_000_000
"""About how much of COPY's stream makes one batch: 37 000 rows of 30 numbers and 5 texts. Measured: 1 to 32 MB are equally fast."""


@contextmanager
def copying(
    engine: sa.Engine, connections: AdbcConnections, selection: Selection, where: str
) -> Iterator[Iterator[pa.RecordBatch] | None]:
    """Lend the selected rows in order, or None where ADBC cannot connect and the plain stream must read.

    The columns are asked for through psycopg, and the rows are one statement, which sees one state whatever happens beside it.

    Args:
        engine: From ``reading_engine``.
        connections: Those of *engine*'s source.
        selection: What is asked for.
        where: The table, for error messages.

    Raises:
        DataError: SCHEMA_MISSING, SCHEMA_DUPLICATE, SCHEMA_TYPE, TIME_NAIVE, DATA_ENCODING.
        RejectedError: STORE_REJECTED, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    types = _types(engine, selection, where)
    found = {name: POSTGRES_KINDS.get(kind, UNREADABLE) for name, kind in types.items()}
    kinds = selected_kinds(found, selection, where, text_moments=False)
    relation = relation_clause(selection)
    statement = _text(select_rows(relation, selection, kinds, "postgresql", postgres_shown(relation, types)), engine)
    with adbc_errors(where), connections.cursor(engine) as cursor:
        if cursor is None:
            yield None
            return
        cursor.adbc_statement.set_options(**{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_BATCH_BYTES)})
        rows = _rows(cursor, statement, pa.schema(list(kinds.items())), where)
        with closing(read_ahead(rows, cancel=lambda: _cancel(cursor))) as batches:
            yield batches


def _rows(cursor: Cursor, statement: str, schema: pa.Schema, where: str) -> Generator[pa.RecordBatch]:
    with adbc_errors(where):
        yield from settled_batches(adbc_batches(cursor, statement), schema, where)


def _types(engine: sa.Engine, selection: Selection, where: str) -> dict[str, str]:
    with reading(engine, where) as connection:
        with connection.execute(all_columns(selection)) as result:
            require_columns(list(result.keys()), selection, where)
        return postgres_types(connection, relation_clause(selection), selection)


def _text(statement: sa.Select[Any], engine: sa.Engine) -> str:
    """Return *statement* with its three moments, our own, and what a definition says as literals: COPY takes no parameters."""
    plain = type(engine.dialect)(paramstyle="named")  # type: ignore[call-arg] # psycopg's own style would double each %
    return str(statement.compile(dialect=plain, compile_kwargs={"literal_binds": True}))


def _cancel(cursor: Cursor) -> None:
    with suppress(Error):  # nothing runs any more
        cursor.adbc_cancel()
