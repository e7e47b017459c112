"""A profile counted where the rows are: only counts leave the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault, RejectedError
from perennial.monitoring.counting.edges import Edges
from perennial.monitoring.counting.profile import Profile, counted
from perennial.monitoring.psi import Counts
from perennial.ports import Selection
from perennial.stores.arrow_selection import among_faults, instant_columns, require_columns
from perennial.stores.arrow_types import INSTANT, canonical, settle, type_faults
from perennial.stores.sql.connection import reading
from perennial.stores.sql.profiles.cells import Cells
from perennial.stores.sql.profiles.statement import Asked, Statement, count_statements
from perennial.stores.sql.statement import all_columns, relation_clause
from perennial.stores.sql.types import column_kinds, postgres_types

Answer = Callable[[Statement], Iterable[Sequence[Any]]]
"""Runs a statement, and returns its rows."""

_DIALECTS = ("postgresql", "sqlite")


def profile_in_database(engine: sa.Engine, selection: Selection, edges: Edges, where: str) -> Profile:
    """Count the rows of *selection* over *edges*, in one state of the database.

    Args:
        engine: From ``reading_engine``.
        selection: Which rows; its columns hold those that the edges read.
        edges: Over which to count.
        where: The table, for error messages.

    Raises:
        DataError: As reading the rows. On SQLite a text with a NUL is refused too, as its functions stop there.
        RejectedError: STORE_REJECTED, the dialect is another one, or the statement fails; STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    dialect = engine.dialect.name
    if dialect not in _DIALECTS:
        message = f"must be one of {', '.join((*_DIALECTS, 'duckdb'))} to count inside, is {dialect}"
        raise RejectedError(Code.STORE_REJECTED, message, where=where)
    with reading(engine, where) as connection:
        if dialect == "sqlite":
            connection.exec_driver_sql("BEGIN")  # the driver begins nothing for a SELECT
        with connection.execute(all_columns(selection)) as result:
            require_columns(list(result.keys()), selection, where)
        relation = relation_clause(selection)
        padded = _padded(connection, relation, selection)
        kinds = settled_kinds(column_kinds(connection, relation, selection), selection, where, text_moments=dialect == "sqlite")
        cells = {name: Cells(relation.c[name], kind, dialect, name in padded) for name, kind in kinds.items()}
        return profile_of(lambda statement: connection.execute(statement).all(), relation, selection, edges, cells, where)


def settled_kinds(
    found: Mapping[str, pa.DataType], selection: Selection, where: str, *, text_moments: bool
) -> dict[str, pa.DataType]:
    """Return the canonical type of each column, out of its type in the store.

    Raises:
        DataError: SCHEMA_TYPE, TIME_NAIVE; all columns at once.
    """
    moments = instant_columns(selection)
    faults = type_faults(found, moments, where, text_moments=text_moments) + among_faults(found, selection.among, where)
    if faults:
        raise DataError.of(faults)
    kinds = {name: settle({kind}) for name, kind in ((name, canonical(kind)) for name, kind in found.items()) if kind is not None}
    return {name: INSTANT if name in moments else kind for name, kind in kinds.items() if kind is not None}


def profile_of(
    answer: Answer, relation: sa.FromClause, selection: Selection, edges: Edges, cells: Mapping[str, Cells], where: str
) -> Profile:
    """Ask for the counts, and return them as the profile that counting the rows would give.

    Raises:
        DataError: SCHEMA_TYPE.
    """
    _require_moments(answer, relation, selection, cells, where)
    rows, counts = 0, dict[str, Counts]()
    for asked in count_statements(relation, selection, edges, cells):
        found = {slot: int(number) for slot, number in answer(asked.statement)}
        rows = found.pop(None, 0)
        counts |= _counts(asked, found, edges)
    if faults := list(_refused(counts, edges, where)):
        raise DataError.of(faults)
    return counted(edges, rows, {name: column[:-1] for name, column in counts.items()})


def _counts(asked: Asked, found: Mapping[int, int], edges: Edges) -> dict[str, Counts]:
    bins = {one.name: one.bins + 1 for one in edges.columns}
    return {
        name: np.array([found.get(first + place, 0) for place in range(bins[name])], dtype=np.int64)
        for name, first in asked.first.items()
    }


def _refused(counts: Mapping[str, Counts], edges: Edges, where: str) -> Iterator[Fault]:
    names = dict.fromkeys(one.column for one in edges.columns if counts[one.name][-1])
    message = "must hold values of one type, and no text with a NUL, to be counted in the database"
    return (Fault(Code.SCHEMA_TYPE, message, f"{where}: {name}") for name in names)


def _require_moments(answer: Answer, relation: sa.FromClause, selection: Selection, cells: Mapping[str, Cells], where: str) -> None:
    """Refuse a SQLite table in which something stands in place of a moment: nobody can say whether such a row is selected."""
    for name in instant_columns(selection):
        if cells[name].dialect == "sqlite":
            odd = sa.select(sa.func.count()).select_from(relation).where(cells[name].unreadable)
            if any(number for (number,) in answer(odd)):
                message = "must hold moments in ISO 8601 with an offset or Z"
                raise DataError(Code.SCHEMA_TYPE, message, where=f"{where}: {name}")


def _padded(connection: sa.Connection, relation: sa.FromClause, selection: Selection) -> set[str]:
    if connection.dialect.name != "postgresql":
        return set()
    return {name for name, kind in postgres_types(connection, relation, selection).items() if kind == "bpchar"}
