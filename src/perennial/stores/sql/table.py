"""Writes an Arrow table into a SQL database, in place of a table of that name."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import sqlalchemy as sa

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault
from perennial.core.names import identifier
from perennial.core.names import table as table_name
from perennial.stores.arrow_selection import ROWS_PER_BATCH
from perennial.stores.arrow_types import INSTANT, canonical, convert
from perennial.stores.sql.connection import new_engine, source_errors

_TYPES: dict[pa.DataType, sa.types.TypeEngine[Any]] = {
    pa.int64(): sa.BigInteger(),
    pa.float64(): sa.Double(),
    pa.string(): sa.Text(),
    pa.bool_(): sa.Boolean(),
    pa.date32(): sa.Date(),
    INSTANT: sa.TIMESTAMP(timezone=True),
}


def write_table(url: str, name: str, table: pa.Table) -> None:
    """Create *name* with the rows of *table*, in place of an earlier one; all or nothing where the database can.

    Args:
        url: As SQLAlchemy writes it.
        name: ``table`` or ``schema.table``; the schema must exist.
        table: Whole numbers become bigint, others double precision, moments timestamptz (ISO 8601 text with Z on SQLite).

    Raises:
        DefinitionError: DEFINITION_URL, IDENTIFIER_INVALID.
        DataError: SCHEMA_TYPE, TIME_NAIVE.
        RejectedError: STORE_REJECTED, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    rows = _canonical(table, table_name(name))
    schema, _, short = name.rpartition(".")
    columns: list[sa.Column[Any]] = [sa.Column(identifier(field.name), _TYPES[field.type]) for field in rows.schema]
    target = sa.Table(short, sa.MetaData(), *columns, schema=schema or None)
    with source_errors(name), new_engine(url).begin() as connection:
        target.drop(connection, checkfirst=True)
        target.create(connection)
        load = _copy if connection.dialect.driver == "psycopg" else _insert
        load(connection, target, rows)


def _canonical(table: pa.Table, where: str) -> pa.Table:
    kinds = {field.name: canonical(field.type) for field in table.schema}
    if faults := [
        Fault(Code.SCHEMA_TYPE, f"cannot be written, is {table.schema.field(name).type}", f"{where}: {name}")
        for name, kind in kinds.items()
        if kind not in _TYPES
    ]:
        raise DataError.of(faults)
    return pa.table({name: convert(table[name], kind, f"{where}: {name}") for name, kind in kinds.items()})


def _copy(connection: sa.Connection, target: sa.Table, rows: pa.Table) -> None:
    statement = f"COPY {connection.dialect.identifier_preparer.format_table(target)} FROM STDIN (FORMAT csv)"
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined] # psycopg's own
        for batch in rows.to_batches(max_chunksize=ROWS_PER_BATCH):
            buffer = io.BytesIO()
            pa_csv.write_csv(batch, buffer, pa_csv.WriteOptions(include_header=False))
            copy.write(buffer.getvalue())


def _insert(connection: sa.Connection, target: sa.Table, rows: pa.Table) -> None:
    # Without types, so that the driver gets plain values: SQLAlchemy would cut the offset off on SQLite.
    plain = sa.table(target.name, *(sa.column(column.name) for column in target.columns), schema=target.schema)
    for batch in rows.to_batches(max_chunksize=ROWS_PER_BATCH):
        if batch.num_rows:
            connection.execute(sa.insert(plain), _as_text(batch, connection.dialect.name).to_pylist())


def _as_text(batch: pa.RecordBatch, dialect: str) -> pa.RecordBatch:
    if dialect != "sqlite":
        return batch
    kinds = {field.name: pa.string() if field.type in (INSTANT, pa.date32()) else field.type for field in batch.schema}
    return pa.RecordBatch.from_pydict({name: batch[name].cast(kind) for name, kind in kinds.items()})
