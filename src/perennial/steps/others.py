"""others: the rows of a night that belong to no segment, which nobody predicts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.interval import Interval
from perennial.core.receipts import Moment, Receipt
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.extract import bounded_rows, selection
from perennial.steps.of_segment import of_no_segment

MOST_VALUES = 1000
"""So many values are told apart. Of a column with more of them, the rows are still all counted."""


class Others(Receipt):
    """The receipt of *others*: how many rows of the night belong to no segment, and how many of these have no value at all.

    *refused*: they are a fault of the data, by the definition.
    """

    model: str
    interval: Interval
    as_of: Moment
    rows: int
    without: int
    refused: bool
    sentence: str


@dataclass(slots=True)
class OtherRows:
    """What was counted: all rows, those without a value, and those of the most frequent other values."""

    rows: int = 0
    without: int = 0
    values: Counter[str] = field(default_factory=Counter)


def others(definition: Definition, interval: Interval, stores: Stores, *, as_of: datetime) -> Others:
    """Count the rows of a night that belong to no segment; without segments there are none, and no source is read.

    No value of a row is told; :func:`other_rows` tells it to a person who asks.

    Raises:
        DataError: As *extract*.
    """
    found = other_rows(definition, interval, stores, as_of=as_of)
    refused = found.rows > 0 and definition.segments is not None and definition.segments.others == "refused"
    return Others(
        model=definition.name,
        interval=interval,
        as_of=as_of,
        rows=found.rows,
        without=found.without,
        refused=refused,
        sentence=_sentence(definition, found),
    )


def other_rows(definition: Definition, interval: Interval, stores: Stores, *, as_of: datetime) -> OtherRows:
    """Count the rows of a night that belong to no segment, by the value that they have instead. Memory is bounded.

    Raises:
        DataError: As *extract*.
    """
    found, source, segments = OtherRows(), definition.source, definition.segments
    if segments is None:
        return found
    available = (source.available_at,) if source.available_at else ()
    columns = tuple(dict.fromkeys((*source.entity, source.event_at, *available, segments.column)))
    wanted = selection(source, columns, interval, as_of, among=of_no_segment(segments))
    for batch in bounded_rows(source, wanted, stores):
        _count(found, batch.column(segments.column))
    return found


def _count(found: OtherRows, column: pa.Array) -> None:
    found.rows += len(column)
    found.without += column.null_count
    for counted in pc.value_counts(column.drop_null()).to_pylist():
        value = str(counted["values"])
        if value in found.values or len(found.values) < MOST_VALUES:
            found.values[value] += counted["counts"]


def _sentence(definition: Definition, found: OtherRows) -> str:
    if definition.segments is None:
        return "the model has no segments, so every row belongs to it"
    column = definition.segments.column
    if not found.rows:
        return "every row belongs to a segment"
    number = len(found.values)
    different = f"{number} or more other values" if number == MOST_VALUES else f"{number} other value{'' if number == 1 else 's'}"
    without = f", and {found.without} of them none" if found.without else ""
    return f"{found.rows} rows belong to no segment: they have {different} in {column}{without}"
