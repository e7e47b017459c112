"""The statements that read a SQLite table through ADBC. A first row of known types leads, as ADBC goes by the first values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from perennial.ports import Selection
from perennial.stores.arrow_selection import instant_columns, sort_columns
from perennial.stores.sql.sqlite_moments import Writing
from perennial.stores.sql.sqlite_survey import ODD, ROW, surveyed_columns
from perennial.stores.sql.sqlite_table import header, raw_kind, shown
from perennial.stores.sql.statement import among_clauses

_ROW: sa.ColumnClause[int] = sa.literal_column("rowid", sa.Integer)
_MICROSECOND = timedelta(microseconds=1)


def key_scan(selection: Selection) -> str:
    """Return the statement that gives every row's number, and its key and moments, in the order of the numbers."""
    table = _table(selection)
    odd = sa.or_(*(sa.func.typeof(table.c[name]) == "blob" for name in instant_columns(selection)))
    keys = (table.c[name] for name in surveyed_columns(selection))
    return _text(sa.select(_ROW.label(ROW), sa.cast(odd, sa.Integer).label(ODD), *keys).select_from(table).order_by(_ROW))


def row_scan(
    selection: Selection,
    types: Mapping[str, str],
    kinds: Mapping[str, pa.DataType],
    rows: tuple[int, int],
    writings: Mapping[str, Writing] | None = None,
) -> str:
    """Return the statement that gives the rows from the first to the last of *rows*, in the order of their numbers.

    Args:
        selection: What is asked for.
        types: The declared types.
        kinds: The canonical types.
        rows: Numbers of rows.
        writings: The one way in which each column of moments is written; None where all rows between are selected.

    Raises:
        OverflowError: A bound of *selection* cannot be written so.
    """
    table = _table(selection)
    inside = _inside(table, selection, writings) if writings else ()
    found = _rows(table, types, _ROW.label(ROW)).where(rows[0] <= _ROW, rows[1] >= _ROW, *inside)
    led = sa.union_all(_header(kinds, sa.literal_column("-9223372036854775808").label(ROW)), found)
    return _text(led.order_by(sa.column(ROW)))


def text_scan(
    selection: Selection, types: Mapping[str, str], kinds: Mapping[str, pa.DataType], writings: Mapping[str, Writing]
) -> str:
    """Return the statement that selects and sorts by the text of the moments.

    Args:
        selection: What is asked for.
        types: The declared types.
        kinds: The canonical types.
        writings: The one way in which each column of moments is written.

    Raises:
        OverflowError: A bound of *selection* cannot be written so.
    """
    table = _table(selection)
    found = _rows(table, types).where(*_inside(table, selection, writings))
    return _text(sa.union_all(_header(kinds), found).order_by(*(_key(name, kinds[name]) for name in sort_columns(selection))))


def _inside(table: sa.TableClause, selection: Selection, writings: Mapping[str, Writing]) -> tuple[sa.ColumnElement[bool], ...]:
    known = selection.available_at or selection.event_at
    after = selection.as_of + _MICROSECOND
    return (
        table.c[selection.event_at] >= writings[selection.event_at].first_from(selection.interval.start),
        table.c[selection.event_at] < writings[selection.event_at].first_from(selection.interval.end),
        table.c[known] < writings[known].first_from(after),
        *among_clauses(table, selection, "sqlite"),
    )


def _table(selection: Selection) -> sa.TableClause:
    return sa.table(selection.relation, *(sa.column(name) for name in selection.columns))


def _rows(table: sa.TableClause, types: Mapping[str, str], *last: sa.ColumnElement[Any]) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(*(shown(column, types[column.name]) for column in table.c), *last).select_from(table)


def _header(kinds: Mapping[str, pa.DataType], *last: sa.ColumnElement[Any]) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(*(header(name, kind) for name, kind in kinds.items()), *last)


def _key(name: str, kind: pa.DataType) -> sa.ColumnElement[Any]:
    column: sa.ColumnElement[Any] = sa.column(name)
    return (sa.collate(column, "BINARY") if raw_kind(kind) == pa.string() else column).asc().nulls_last()


def _text(statement: sa.ClauseElement) -> str:
    """Return *statement* as text. Its values are moments that we wrote, numbers of rows, and what a definition says."""
    return str(statement.compile(dialect=sqlite.dialect(paramstyle="named"), compile_kwargs={"literal_binds": True}))
