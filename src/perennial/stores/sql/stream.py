"""Reads out of any database through SQLAlchemy, row by row: slower than what is made for one dialect, and right for all."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.ports import Selection
from perennial.stores.arrow_selection import ROWS_PER_BATCH, among_faults, instant_columns, require_columns
from perennial.stores.arrow_types import INSTANT, canonical, convert, settle, type_faults
from perennial.stores.sql.connection import reading
from perennial.stores.sql.statement import all_columns, relation_clause, select_rows
from perennial.stores.sql.types import column_kinds, postgres_shown, postgres_types


def streamed(engine: sa.Engine, selection: Selection, where: str) -> Iterator[pa.RecordBatch]:
    """Yield the selected rows in order; see ``ports.Source``.

    Args:
        engine: From ``reading_engine``.
        selection: What is asked for.
        where: The table, for error messages.
    """
    with reading(engine, where) as connection:
        with connection.execute(all_columns(selection)) as result:
            require_columns(list(result.keys()), selection, where)
        relation = relation_clause(selection)
        found = column_kinds(connection, relation, selection)
        kinds = _settled(found, selection, where, text_moments=connection.dialect.name == "sqlite")
        statement = select_rows(relation, selection, kinds, connection.dialect.name, _shown(connection, relation, selection))
        yield from _batches(connection, statement, kinds, where)


def _shown(connection: sa.Connection, relation: sa.FromClause, selection: Selection) -> dict[str, sa.ColumnElement[Any]]:
    if connection.dialect.name != "postgresql":
        return {}
    return postgres_shown(relation, postgres_types(connection, relation, selection))


def _settled(kinds: dict[str, pa.DataType], selection: Selection, where: str, *, text_moments: bool) -> dict[str, pa.DataType]:
    moments = instant_columns(selection)
    faults = type_faults(kinds, moments, where, text_moments=text_moments) + among_faults(kinds, selection.among, where)
    if faults:
        raise DataError.of(faults)
    return {name: INSTANT if name in moments else settle({canonical(kind)}) for name, kind in kinds.items()}


def _batches(
    connection: sa.Connection, statement: sa.Select[tuple[object, ...]], kinds: dict[str, pa.DataType], where: str
) -> Iterator[pa.RecordBatch]:
    schema = pa.schema(list(kinds.items()))
    before = 0
    with connection.execution_options(yield_per=ROWS_PER_BATCH).execute(statement) as result:
        for part in result.partitions():
            columns = zip(*part, strict=True)
            arrays = [_array(values, field, before, where) for values, field in zip(columns, schema, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
            before += len(part)
    if not before:
        yield pa.RecordBatch.from_pylist([], schema=schema)


def _array(values: Sequence[object], field: pa.Field, before: int, where: str) -> pa.Array:
    place = f"{where}: {field.name}"
    try:
        found = pa.array([_plain(value) for value in values] if _is_odd(values) else values)
    except UnicodeEncodeError:  # the driver has let bytes through that are no text
        row = before + next(index for index, value in enumerate(values, 1) if isinstance(value, str) and not _is_text(value))
        raise DataError(Code.DATA_ENCODING, f"must be text in UTF-8, is not in row {row}", where=place) from None
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        # The library's message quotes the value, so it is not chained.
        raise DataError(Code.SCHEMA_TYPE, f"must be {field.type}, holds a value that is not", where=place) from None
    if pa.types.is_timestamp(found.type) and found.type.tz is None:
        raise DataError(Code.TIME_NAIVE, "must have a timezone, holds a timestamp without one", where=place)
    return convert(found, field.type, place)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_odd(values: Sequence[object]) -> bool:
    return isinstance(next((value for value in values if value is not None), None), (Decimal, uuid.UUID))


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, uuid.UUID) else value
