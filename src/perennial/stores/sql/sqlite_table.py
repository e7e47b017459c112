"""What a SQLite table declares of its columns, and which SQL gives them so that nothing is lost on the way."""

from __future__ import annotations

import re

import pyarrow as pa
import sqlalchemy as sa
from adbc_driver_manager.dbapi import Cursor

from perennial.stores.arrow_types import INSTANT

_KINDS: dict[str, pa.DataType] = {
    **dict.fromkeys(("INTEGER", "INT", "BIGINT", "SMALLINT", "TINYINT", "MEDIUMINT"), pa.int64()),
    **dict.fromkeys(("REAL", "DOUBLE", "DOUBLE PRECISION", "FLOAT"), pa.float64()),
    **dict.fromkeys(("TEXT", "VARCHAR", "NVARCHAR", "CHAR", "NCHAR", "CLOB"), pa.string()),
    **dict.fromkeys(("TIMESTAMP", "DATETIME"), INSTANT),
    "NUMERIC": pa.float64(),
    "DECIMAL": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
}
_EXACT = ("NUMERIC", "DECIMAL")
"""Declared types in which SQLite keeps whole numbers as such, beside others."""
_PLAIN_TABLE = "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr = 0 AND name = '{}'"
_COLUMNS = "SELECT name, upper(type) FROM pragma_table_xinfo('{}')"
_RAW = {pa.int64(): pa.int64(), pa.bool_(): pa.int64(), pa.float64(): pa.float64()}
_HEADER = {pa.int64(): "0", pa.float64(): "0.0", pa.string(): "''"}


def declared_types(cursor: Cursor, name: str) -> dict[str, str] | None:
    """Return the declared type of each column, without lengths; None where *name* is no table whose rows have numbers.

    Args:
        cursor: Of SQLite's ADBC driver.
        name: An identifier.
    """
    cursor.execute(_PLAIN_TABLE.format(name))
    if cursor.fetchone() != (1,):
        return None
    cursor.execute(_COLUMNS.format(name))
    types = {column: re.sub(r"\s*\(.*\)", "", kind) for column, kind in cursor.fetchall()}
    return None if "rowid" in {column.lower() for column in types} else types


def kind_of(declared: str) -> pa.DataType | None:
    """Return the canonical type of a declared one, or None where only its values would tell."""
    return _KINDS.get(declared)


def raw_kind(kind: pa.DataType) -> pa.DataType:
    """Return the type in which SQLite itself gives what is read as *kind*: it has whole numbers, others, and text."""
    return _RAW.get(kind, pa.string())


def header(name: str, kind: pa.DataType) -> sa.ColumnElement[object]:
    """Return a value of the type that *kind* comes as. ADBC takes the type of a column from its first values."""
    return sa.literal_column(_HEADER[raw_kind(kind)]).label(name)


def shown(column: sa.ColumnElement[object], declared: str) -> sa.ColumnElement[object]:
    """Return what to select for *column*: a text in place of a whole number that ADBC would round to a float64."""
    if declared not in _EXACT:
        return column
    rounded = sa.cast(column, sa.REAL)
    is_whole = sa.func.typeof(column) == sa.literal_column("'integer'")
    return sa.case((is_whole & (column != rounded), sa.literal_column("'inexact'")), else_=column).label(column.name)
