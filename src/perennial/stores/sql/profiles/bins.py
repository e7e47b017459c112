"""The bin of a row, as an expression: the same one that counting Arrow batches would put it into."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from perennial.monitoring.counting.columns import require_countable
from perennial.monitoring.counting.edges import CategoricalEdges, ColumnEdges, Edges, NumericEdges
from perennial.monitoring.counting.kinds import CHARACTERS, CLASSES, DAY_US, HOUR_US, HOURS, THURSDAY, WEEKDAYS
from perennial.monitoring.counting.zone import zone
from perennial.stores.arrow_types import INSTANT
from perennial.stores.sql.profiles.bin_tree import Bin, bin_tree
from perennial.stores.sql.profiles.cells import Cells, number, whole
from perennial.stores.sql.profiles.lookup import Lookup, lookup

_MOST = float(np.finfo(np.float64).max)


_FEW = 32
"""Values that a CASE tells apart as fast as a dictionary does."""


def dictionary_of(name: str, edges: ColumnEdges, cells: Mapping[str, Cells]) -> Lookup | None:
    """Return the dictionary *name* that finding the bin of a row needs, or None where it needs none."""
    if not isinstance(edges, CategoricalEdges) or edges.measure or len(edges.places) <= _FEW:
        return None
    own = cells[edges.column]
    return lookup(name, _value(own), _known(edges, own), own.dialect)


def bin_of(edges: ColumnEdges, over: Edges, cells: Mapping[str, Cells], dictionary: Lookup | None) -> Bin:
    """Return the bin of a row; one beyond the last where SQLite holds a value of another type than the column's.

    Args:
        edges: One of the edges of *over*.
        over: All edges.
        cells: The columns that they read.
        dictionary: From :func:`dictionary_of`.

    Raises:
        DataError: SCHEMA_TYPE, the column is of a type that cannot be counted so.
    """
    own = cells[edges.column]
    require_countable(edges.column, own.kind, edges.measure, numeric=isinstance(edges, NumericEdges))
    found = sa.func.coalesce(dictionary.place, whole(edges.ordinary)) if dictionary else _found(edges, over, own, cells)
    cases = ((own.unreadable, whole(edges.bins)),) if own.dialect == "sqlite" else ()
    return sa.case(*cases, (own.missing, whole(edges.bins - 1)), else_=found)


def _found(edges: ColumnEdges, over: Edges, own: Cells, cells: Mapping[str, Cells]) -> Bin:
    if isinstance(edges, NumericEdges):
        return _of_number(edges, _number(edges, over, own, cells))
    match edges.measure:
        case "classes":
            return _of_class(edges, own)
        case "hour":
            return _of_part(edges, _local(own, over), HOURS, HOUR_US, own.dialect)
        case "weekday":
            return _of_part(edges, _local(own, over) + whole(THURSDAY * DAY_US), WEEKDAYS, DAY_US, own.dialect)
        case _:
            return _of_value(edges, own)


def _number(edges: NumericEdges, over: Edges, own: Cells, cells: Mapping[str, Cells]) -> sa.ColumnElement[Any]:
    """Return the number that is counted, as float64."""
    if edges.measure is None:
        return own.number
    if edges.measure == "length":
        return sa.cast(sa.func.length(own.text), sa.Double)
    age = cells[over.event_at].microseconds - own.microseconds
    return sa.cast(age, sa.Double) / number(DAY_US)


def _of_number(edges: NumericEdges, value: sa.ColumnElement[Any]) -> Bin:
    ends, bins = edges.runs

    def reaches(position: int) -> sa.ColumnElement[bool]:
        end = float(ends[position])
        return value > number(_MOST) if end > _MOST else value >= number(end)

    return bin_tree([whole(int(place)) for place in bins], reaches)


def _of_value(edges: CategoricalEdges, own: Cells) -> Bin:
    value, known = _value(own), sorted(_known(edges, own))
    if not known:
        return whole(edges.ordinary)
    keys = [sa.bindparam(None, key, value.type, unique=True) for key, _ in known]
    leaves = [
        sa.case((value == key, whole(place)), else_=whole(edges.ordinary)) for key, (_, place) in zip(keys, known, strict=True)
    ]
    return bin_tree(leaves, lambda position: value >= keys[position])


def _value(own: Cells) -> sa.ColumnElement[Any]:
    """Return what tells one value of a category from another."""
    if own.kind == pa.bool_():
        return sa.case((own.number != number(0), whole(1)), else_=whole(0))
    if own.kind == pa.int64():
        return sa.type_coerce(own.column, sa.BigInteger)
    if own.kind == pa.float64():
        return own.number
    if own.kind == INSTANT:
        return own.microseconds
    if own.kind == pa.date32() and own.dialect != "sqlite":
        return sa.type_coerce(own.column, sa.Date)
    return own.text


def _known(edges: CategoricalEdges, own: Cells) -> Sequence[tuple[object, int]]:
    """Return each value of the edges as *own* would hold it, with its bin; without those that it cannot hold."""
    texts = list(edges.places)
    read = _READ.get(own.kind)
    if read is None:
        return [(text, place) for text, place in edges.places.items() if own.dialect != "postgresql" or "\0" not in text]
    values = [read(text) for text in texts]
    known = [(value, text) for value, text in zip(values, texts, strict=True) if value is not None]
    written = pa.array([value for value, _ in known], own.kind).cast(pa.string()).to_pylist()
    kept = [(value, text) for (value, text), again in zip(known, written, strict=True) if again == text]
    if own.kind == pa.date32() and own.dialect == "sqlite":
        return [(text, edges.places[text]) for _, text in kept]
    return [(value, edges.places[text]) for value, text in kept]


def _int(text: str) -> int | None:
    try:
        value = int(text)
    except ValueError:
        return None
    return value if -(2**63) <= value < 2**63 else None


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return None if np.isnan(value) else value + 0.0  # the text of -0.0 is that of no value


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _instant(text: str) -> int | None:
    try:
        return int(pa.scalar(text).cast(INSTANT).value)
    except pa.ArrowInvalid:
        return None


def _bool(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text)


_READ: dict[pa.DataType, Callable[[str], object]] = {
    pa.bool_(): _bool,
    pa.int64(): _int,
    pa.float64(): _float,
    pa.date32(): _date,
    INSTANT: _instant,
}


def _of_class(edges: CategoricalEdges, own: Cells) -> Bin:
    bins = [whole(edges.places.get(name, edges.ordinary)) for name in CLASSES]
    trim = sa.func.btrim if own.dialect == "postgresql" else sa.func.trim
    made_of = [text.replace("\0", "") if own.dialect == "postgresql" else text for text in CHARACTERS]
    trimmed = [own.text, *(trim(own.text, sa.bindparam(None, text, sa.Text, unique=True)) for text in made_of[1:])]
    return sa.case(*((rest == "", place) for rest, place in zip(trimmed, bins, strict=False)), else_=bins[-1])


def _local(own: Cells, over: Edges) -> sa.ColumnElement[int]:
    """Return the moment in local time, in microseconds since 1970."""
    known, moment = zone(over.timezone), own.microseconds
    offsets = [whole(int(offset)) for offset in known.offsets]
    return moment + bin_tree(offsets, lambda position: moment >= whole(int(known.starts[position - 1])))


def _of_part(edges: CategoricalEdges, local: sa.ColumnElement[int], words: Sequence[str], length: int, dialect: str) -> Bin:
    """Return the bin of which of the *words*, each *length* microseconds long, the time lies in; they come round for ever.

    The bins stand in one text, two digits each, as that names the long expression for the local time but once.
    """
    turn = whole(length * len(words))
    inside = (local % turn + turn) % turn  # of a moment before 1970 the remainder is negative
    part: sa.ColumnElement[int] = inside.op("//" if dialect == "duckdb" else "/", return_type=sa.BigInteger())(whole(length))
    bins = "".join(f"{edges.places.get(word, edges.ordinary):02}" for word in words)
    digits = sa.func.substr(sa.literal_column(f"'{bins}'"), sa.cast(part, sa.Integer) * whole(2) + whole(1), whole(2))
    return sa.cast(digits, sa.Integer)
