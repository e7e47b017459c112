"""The statements that count a profile: one pass over the rows for as many columns as fit into one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from perennial.monitoring.counting.edges import CategoricalEdges, ColumnEdges, Edges
from perennial.ports import Selection
from perennial.stores.sql.profiles.bin_tree import Bin
from perennial.stores.sql.profiles.bins import bin_of, dictionary_of
from perennial.stores.sql.profiles.cells import Cells, whole
from perennial.stores.sql.profiles.lookup import Lookup
from perennial.stores.sql.statement import selected

_MOST_VALUES = 30_000
"""SQLite takes 32 766 values beside a statement, PostgreSQL 65 535."""
_MOST_EDGES = 400
"""SQLite joins at most 500 SELECTs."""
_MOST_JOINS = 40
"""SQLite joins at most 64 tables."""

Statement = sa.Select[*tuple[Any, ...]] | sa.CompoundSelect[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement that yields (slot, rows); the slot is null for all rows.

    Attributes:
        statement: What to run.
        first: The first slot of each of the edges; its bins follow, and one for values that cannot be read.
    """

    statement: Statement
    first: Mapping[str, int]


def count_statements(relation: sa.FromClause, selection: Selection, edges: Edges, cells: Mapping[str, Cells]) -> Iterator[Asked]:
    """Yield the statements that count the selected rows over *edges*; at least one.

    Raises:
        DataError: SCHEMA_TYPE, a column is of a type that cannot be counted so.
    """
    dialect = next(iter(cells.values())).dialect
    for part in _parts(edges):
        dictionaries = {one.name: dictionary_of(f"known_{number}", one, cells) for number, one in enumerate(part)}
        first, bins = _slots(part, edges, cells, dictionaries)
        joined = relation
        for dictionary in filter(None, dictionaries.values()):
            joined = joined.outerjoin(dictionary.table, dictionary.on)
        rows: sa.Select[*tuple[Any, ...]] = sa.select(sa.literal_column("0").label("none"), *bins).select_from(joined)
        yield Asked(_counted(rows.where(*selected(relation, selection, dialect)), len(bins), dialect), first)


def _parts(edges: Edges) -> Iterator[Sequence[ColumnEdges]]:
    part: list[ColumnEdges] = []
    room, dictionaries = _MOST_VALUES, 0
    for one in edges.columns:
        needed = 2 * len(one.places) if isinstance(one, CategoricalEdges) else len(one.runs[0]) + 1
        if part and (needed > room or len(part) == _MOST_EDGES or dictionaries == _MOST_JOINS):
            yield part
            part, room, dictionaries = [], _MOST_VALUES, 0
        part.append(one)
        room -= needed
        dictionaries += isinstance(one, CategoricalEdges)
    yield part


def _slots(
    part: Sequence[ColumnEdges], edges: Edges, cells: Mapping[str, Cells], dictionaries: Mapping[str, Lookup | None]
) -> tuple[dict[str, int], list[sa.Label[int]]]:
    first: dict[str, int] = {}
    bins: list[sa.Label[int]] = []
    slot = 0
    for number, one in enumerate(part):
        first[one.name] = slot
        place: Bin = whole(slot) + bin_of(one, edges, cells, dictionaries[one.name])
        bins.append(place.label(f"bin_{number}"))
        slot += one.bins + 1
    return first, bins


def _counted(rows: sa.Select[*tuple[Any, ...]], columns: int, dialect: str) -> Statement:
    names = [f"bin_{number}" for number in range(columns)]
    if dialect == "sqlite":
        binned = rows.cte("binned").prefix_with("MATERIALIZED")
        every = sa.select(sa.null().label("slot"), sa.func.count().label("rows")).select_from(binned)
        each = (sa.select(binned.c[name], sa.func.count()).group_by(binned.c[name]) for name in names)
        return sa.union_all(every, *each)
    inner = rows.subquery("binned")
    found = [inner.c[name] for name in names]
    slot = sa.func.coalesce(*found, sa.null()) if found else sa.null()
    sets = sa.func.grouping_sets(*(sa.tuple_(column) for column in found), sa.tuple_())
    return sa.select(slot.label("slot"), sa.func.count().label("rows")).select_from(inner).group_by(sets)
