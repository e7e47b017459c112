"""Reads rows out of a SQL database, through any SQLAlchemy dialect, in bounded memory."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from decimal import Decimal

import pyarrow as pa
import sqlalchemy as sa

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.ports import Selection
from perennial.stores.arrow_selection import ROWS_PER_BATCH, instant_columns, require_columns
from perennial.stores.arrow_types import INSTANT, canonical, convert, settle, type_faults
from perennial.stores.sql_connection import reading, reading_engine
from perennial.stores.sql_statement import all_columns, is_table, relation_clause, select_rows
from perennial.stores.sql_table import write_table
from perennial.stores.sql_types import column_kinds

__all__ = ["SqlSource", "write_table"]


class SqlSource:
    """Tables, views and queries of one database.

    Examples:
        >>> SqlSource("sqlite:///demand.db")
        SqlSource('sqlite')
    """

    def __init__(self, url: str) -> None:
        """Remember where the database is. Each read opens a connection and closes it.

        Args:
            url: As SQLAlchemy writes it, such as ``postgresql+psycopg://user@host/database``.

        Raises:
            DefinitionError: DEFINITION_URL.
        """
        self._engine = reading_engine(url)

    def __repr__(self) -> str:
        """Return the dialect only; the rest of a URL may be secret."""
        return f"SqlSource({self._engine.dialect.name!r})"

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Yield the selected rows in order, at most 50 000 a batch; see ``ports.Source``."""
        where = selection.relation if is_table(selection.relation) else "query"
        with reading(self._engine, where) as connection:
            with connection.execute(all_columns(selection)) as result:
                require_columns(list(result.keys()), selection, where)
            relation = relation_clause(selection)
            kinds = _settled(column_kinds(connection, relation, selection), selection, where)
            statement = select_rows(relation, selection, kinds, connection.dialect.name)
            yield from _batches(connection, statement, kinds, where)


def _settled(kinds: dict[str, pa.DataType], selection: Selection, where: str) -> dict[str, pa.DataType]:
    moments = instant_columns(selection)
    if faults := type_faults(kinds, moments, where):
        raise DataError.of(faults)
    return {name: INSTANT if name in moments else settle({canonical(kind)}) for name, kind in kinds.items()}


def _batches(
    connection: sa.Connection, statement: sa.Select[tuple[object, ...]], kinds: dict[str, pa.DataType], where: str
) -> Iterator[pa.RecordBatch]:
    schema = pa.schema(list(kinds.items()))
    with connection.execution_options(yield_per=ROWS_PER_BATCH).execute(statement) as result:
        empty = True
        for part in result.partitions():
            empty = False
            columns = zip(*part, strict=True)
            arrays = [_array(values, field, where) for values, field in zip(columns, schema, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
    if empty:
        yield pa.RecordBatch.from_pylist([], schema=schema)


def _array(values: Sequence[object], field: pa.Field, where: str) -> pa.Array:
    place = f"{where}: {field.name}"
    try:
        found = pa.array([_plain(value) for value in values] if _is_odd(values) else values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        # The library's message quotes the value, so it is not chained.
        raise DataError(Code.SCHEMA_TYPE, f"must be {field.type}, holds a value that is not", where=place) from None
    if pa.types.is_timestamp(found.type) and found.type.tz is None:
        raise DataError(Code.TIME_NAIVE, "must have a timezone, holds a timestamp without one", where=place)
    return convert(found, field.type, place)


def _is_odd(values: Sequence[object]) -> bool:
    return isinstance(next((value for value in values if value is not None), None), (Decimal, uuid.UUID))


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, uuid.UUID) else value
