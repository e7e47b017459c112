"""The one statement that reads a selection, built from expressions; no value ever becomes part of its text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from perennial.core.interval import utc
from perennial.core.names import TABLE_PATTERN
from perennial.ports import Selection
from perennial.stores.arrow_selection import instant_columns, sort_columns
from perennial.stores.arrow_types import microseconds

MICROSECONDS = "perennial_microseconds"
"""The SQL function that ``reading_engine`` gives to SQLite, which has no timestamps: microseconds since 1970, or null."""


_NULLS_LAST = {"postgresql", "sqlite", "duckdb"}
_TYPED = {"postgresql", "duckdb"}
"""Where the bounds say their type: a bare literal would take the type of what it is compared with."""


def is_table(relation: str) -> bool:
    """Return whether *relation* names a table or view, and is no query."""
    return re.fullmatch(TABLE_PATTERN, relation, re.ASCII) is not None


def relation_clause(selection: Selection) -> sa.FromClause:
    """Return the table or the query that is read, with the selected columns."""
    columns: list[sa.ColumnClause[object]] = [sa.column(name) for name in selection.columns]
    if is_table(selection.relation):
        schema, _, name = selection.relation.rpartition(".")
        return sa.table(name, *columns, schema=schema or None)
    return _query(selection.relation).columns(*columns).subquery("selected")


def all_columns(selection: Selection) -> sa.Select[tuple[object]]:
    """Return the statement that yields no rows, and all columns of the relation."""
    return sa.select(sa.literal_column("*")).select_from(relation_clause(selection)).limit(0)


def _query(text: str) -> sa.TextClause:
    # A colon before a word would be read as a parameter; the line break ends a comment on the last line.
    return sa.text(re.sub(r":(?=\w)", r"\:", text.strip().rstrip(";")) + "\n")


def select_rows(
    relation: sa.FromClause,
    selection: Selection,
    kinds: Mapping[str, pa.DataType],
    dialect: str,
    shown: Mapping[str, sa.ColumnElement[Any]] | None = None,
) -> sa.Select[tuple[object, ...]]:
    """Return the statement that yields the selected rows in order.

    Text sorts by code point and nulls come last, so that every PostgreSQL, SQLite and DuckDB gives one order. event_at leads as
    it stands, so that an index on it gives the order, and only rows of one moment are left to sort. On SQLite, rows whose moment
    cannot be read are selected too, so that they are refused and not overlooked.

    Args:
        relation: From ``relation_clause``.
        selection: What is asked for.
        kinds: The type of every selected column.
        dialect: SQLAlchemy's name of it.
        shown: What to select and sort by in place of the column of that name.
    """
    labels = {name: expression.label(name) for name, expression in (shown or {}).items()}
    columns = {name: relation.c[name] for name in selection.columns}
    return (
        sa.select(*(labels.get(name, column) for name, column in columns.items()))
        .where(*selected(relation, selection, dialect))
        .order_by(
            *(_key(name, labels.get(name, columns[name]), selection, kinds[name], dialect) for name in sort_columns(selection))
        )
    )


def selected(relation: sa.FromClause, selection: Selection, dialect: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of the selected rows, and on SQLite of those whose moment cannot be read."""
    start, end, as_of = (_bound(at, dialect) for at in (selection.interval.start, selection.interval.end, selection.as_of))
    event_at, known_at = relation.c[selection.event_at], relation.c[selection.available_at or selection.event_at]
    happened, known = (_instant(column, dialect) for column in (event_at, known_at))
    return (
        _or_unreadable(event_at, (happened >= start) & (happened < end), dialect),
        _or_unreadable(known_at, known <= as_of, dialect),
        *among_clauses(relation, selection, dialect),
    )


def among_clauses(relation: sa.FromClause, selection: Selection, dialect: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the condition of the values that are asked for, if any are."""
    if selection.among is None:
        return ()
    found, values = relation.c[selection.among.column], selection.among.values
    column: sa.ColumnElement[Any] = _as_text(found, dialect) if isinstance(values[0], str) else found
    met = column.in_([sa.literal(value) for value in values])
    return (found.is_(None) | ~met if selection.among.others else met,)


def _as_text(column: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[Any]:
    """Return *column* as what a text can be compared with: also of an enumeration or a UUID. That of a text uses its index."""
    if dialect == "sqlite":
        return sa.collate(column, "BINARY")  # it may have a collation of its own
    return sa.cast(column, sa.Text) if dialect in _TYPED else column


def _instant(column: sa.ColumnElement[object], dialect: str) -> sa.ColumnElement[object]:
    return sa.Function(MICROSECONDS, column) if dialect == "sqlite" else column


def _bound(at: datetime, dialect: str) -> sa.ColumnElement[Any]:
    if dialect == "sqlite":
        return sa.bindparam(None, microseconds(at.isoformat()), sa.BigInteger)
    moment = sa.DateTime(timezone=True)
    bound = sa.bindparam(None, utc(at), moment)
    return sa.cast(bound, moment) if dialect in _TYPED else bound


def _or_unreadable(column: sa.ColumnElement[object], met: sa.ColumnElement[bool], dialect: str) -> sa.ColumnElement[bool]:
    if dialect != "sqlite":
        return met
    return met | (column.is_not(None) & _instant(column, dialect).is_(None))


def _key(
    name: str, column: sa.ColumnElement[Any], selection: Selection, kind: pa.DataType, dialect: str
) -> sa.ColumnElement[object]:
    if name in instant_columns(selection):
        column = _instant(column, dialect)
    elif kind == pa.string() and dialect == "sqlite":
        column = sa.collate(column, "BINARY")  # a column may have another collation of its own
    return column.asc().nulls_last() if dialect in _NULLS_LAST else column.asc()
