"""A dictionary that stands beside the rows, for columns of so many values that a CASE would be too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

VALUE, PLACE = "value", "place"


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table of (value, place) that is joined to the rows, each of which meets one row of it or none."""

    table: sa.FromClause
    on: sa.ColumnElement[bool]

    @property
    def place(self) -> sa.ColumnElement[int]:
        """What stands beside the value; null where nothing does."""
        return self.table.c[PLACE]


def lookup(name: str, value: sa.ColumnElement[Any], known: Sequence[tuple[Any, int]], dialect: str) -> Lookup:
    """Return the dictionary *known*, to be joined on *value*. What it holds is sent beside the statement.

    Args:
        name: Of the dictionary, within the statement.
        value: What is looked up; its type is that of the keys.
        known: Keys, each once, and what stands beside them.
        dialect: SQLAlchemy's name of it.
    """
    table = _listed(name, value.type, known) if dialect == "sqlite" else _arrays(name, value.type, known)
    return Lookup(table, value == table.c[VALUE])


def _listed(name: str, kind: sa.types.TypeEngine[Any], known: Sequence[tuple[Any, int]]) -> sa.FromClause:
    rows = sa.values(sa.column(VALUE, kind), sa.column(PLACE, sa.Integer)).data(list(known)).cte(f"{name}_rows")
    # Only of a column with a type does SQLite make an index by itself.
    return sa.select(sa.cast(rows.c[VALUE], kind).label(VALUE), rows.c[PLACE]).cte(name)


def _arrays(name: str, kind: sa.types.TypeEngine[Any], known: Sequence[tuple[Any, int]]) -> sa.FromClause:
    keys = sa.bindparam(None, [key for key, _ in known], postgresql.ARRAY(kind), unique=True)
    places = sa.bindparam(None, [place for _, place in known], postgresql.ARRAY(sa.Integer), unique=True)
    beside = sa.func.unnest(places, type_=sa.Integer).label(PLACE)
    return sa.select(sa.func.unnest(keys, type_=kind).label(VALUE), beside).subquery(name)
