"""Which Arrow type each column of a table or query has, asked of the database and never guessed from one night's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import pyarrow as pa
import sqlalchemy as sa

from perennial.ports import Selection
from perennial.stores.arrow_types import INSTANT, UNREADABLE
from perennial.stores.sql.statement import is_table

_SAMPLE_ROWS = 1_000
_NAIVE = pa.timestamp("us")
POSTGRES_KINDS = {
    "bool": pa.bool_(),
    "int2": pa.int64(),
    "int4": pa.int64(),
    "int8": pa.int64(),
    "oid": pa.int64(),
    "float4": pa.float64(),
    "float8": pa.float64(),
    "numeric": pa.float64(),
    "text": pa.string(),
    "varchar": pa.string(),
    "bpchar": pa.string(),
    "name": pa.string(),
    "uuid": pa.string(),
    "date": pa.date32(),
    "timestamptz": INSTANT,
    "timestamp": _NAIVE,
}
"""What PostgreSQL's types are read as, by name; all others are ``UNREADABLE``."""
_POSTGRES_CASTS: dict[str, sa.types.TypeEngine[Any]] = {
    "numeric": sa.Double(),
    "float4": sa.Double(),
    "uuid": sa.Text(),
    "oid": sa.BigInteger(),
}
"""Types that drivers give as text, as bytes, rounded, or with a sign, each in its own way. The server casts them instead."""
_GENERIC: tuple[tuple[tuple[type[Any], ...], pa.DataType], ...] = (
    ((sa.Boolean,), pa.bool_()),
    ((sa.Integer,), pa.int64()),
    ((sa.Numeric, sa.Float), pa.float64()),
    ((sa.Date,), pa.date32()),
    ((sa.String, sa.Uuid), pa.string()),
)


def column_kinds(connection: sa.Connection, relation: sa.FromClause, selection: Selection) -> dict[str, pa.DataType]:
    """Return the type of every selected column, as it is in the store (a naive timestamp is one without a timezone).

    PostgreSQL says it for tables and queries alike. Elsewhere a table's declaration says it, and where there is none (a query, an
    expression in a view) the first rows of the whole relation do.
    """
    if connection.dialect.name == "postgresql":
        types = postgres_types(connection, relation, selection)
        return {name: POSTGRES_KINDS.get(kind, UNREADABLE) for name, kind in types.items()}
    declared = _declared(connection, selection)
    if any(kind is None for kind in declared.values()):
        sampled = _sampled(connection, relation, selection)
        return {name: kind or sampled[name] for name, kind in declared.items()}
    return {name: kind for name, kind in declared.items() if kind}


def postgres_types(connection: sa.Connection, relation: sa.FromClause, selection: Selection) -> dict[str, str]:
    """Return PostgreSQL's own name of the type of every selected column, or an empty text where it is none that we read."""
    names = {psycopg.adapters.types[name].oid: name for name in POSTGRES_KINDS}
    with connection.execute(sa.select(*(relation.c[name] for name in selection.columns)).limit(0)) as result:
        description: Sequence[Any] = result.cursor.description
        return {name: names.get(column[1], "") for name, column in zip(selection.columns, description, strict=True)}


def postgres_shown(relation: sa.FromClause, types: Mapping[str, str]) -> dict[str, sa.ColumnElement[Any]]:
    """Return what to select in place of plain columns: other types, and text that is told to sort by code point.

    To sort by one expression and select another would make the server carry both through its sort.

    Args:
        relation: What is read.
        types: From ``postgres_types``.
    """
    shown: dict[str, sa.ColumnElement[Any]] = {}
    for name, kind in types.items():
        column = sa.cast(relation.c[name], _POSTGRES_CASTS[kind]) if kind in _POSTGRES_CASTS else relation.c[name]
        if POSTGRES_KINDS.get(kind) == pa.string():
            shown[name] = sa.collate(column, "C")
        elif kind in _POSTGRES_CASTS:
            shown[name] = column
    return shown


def _declared(connection: sa.Connection, selection: Selection) -> dict[str, pa.DataType | None]:
    if not is_table(selection.relation):
        return dict.fromkeys(selection.columns)
    schema, _, name = selection.relation.rpartition(".")
    types = {column["name"]: column["type"] for column in sa.inspect(connection).get_columns(name, schema or None)}
    moments = (selection.event_at, selection.available_at) if connection.dialect.name == "sqlite" else ()
    return {
        column: INSTANT if column in moments else _generic(types[column], connection.dialect.name) for column in selection.columns
    }


def _generic(declared: sa.types.TypeEngine[Any], dialect: str) -> pa.DataType | None:
    if isinstance(declared, sa.types.NullType):
        return None
    if isinstance(declared, sa.DateTime):
        # SQLite has no timestamps: there the text itself must carry its offset.
        return INSTANT if dialect == "sqlite" or declared.timezone else _NAIVE
    return next((kind for families, kind in _GENERIC if isinstance(declared, families)), UNREADABLE)


def _sampled(connection: sa.Connection, relation: sa.FromClause, selection: Selection) -> dict[str, pa.DataType]:
    found = connection.execute(sa.select(*(relation.c[name] for name in selection.columns)).limit(_SAMPLE_ROWS)).all()
    columns = zip(*found, strict=True) if found else [()] * len(selection.columns)
    return {name: _inferred(values) for name, values in zip(selection.columns, columns, strict=True)}


def _inferred(values: Sequence[object]) -> pa.DataType:
    try:
        return pa.array(values).type
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return UNREADABLE
