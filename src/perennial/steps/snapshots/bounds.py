"""Believing no source: what it yields is in order, inside the interval, and was known as of the cut-off."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault
from perennial.core.interval import iso
from perennial.core.members import members
from perennial.ports import Among, Selection
from perennial.steps.arrays import MOMENT, scalar

Mask = npt.NDArray[np.bool_]


def bounded(batches: Iterator[pa.RecordBatch], selection: Selection, where: str) -> Generator[pa.RecordBatch, None, None]:
    """Yield *batches*, each when it was found to be what *selection* asks for. Closed early, it closes *batches*.

    Args:
        batches: Rows of a source.
        selection: What the source was asked for.
        where: The table, query or file, for the faults.

    Raises:
        DataError: TIME_OUT_OF_INTERVAL, TIME_FUTURE, SEGMENT_MIXED, DATA_UNORDERED, each with the position of the first such row,
            counted from 0, but never its values; SCHEMA_TYPE, a moment is no moment in UTC microseconds, or a later batch has
            other columns.
    """
    position = 0
    before: pa.RecordBatch | None = None
    schema: pa.Schema | None = None
    try:
        for batch in batches:
            schema = schema or batch.schema
            if faults := [*_types(batch, schema, selection, where)] or [*_faults(batch, before, selection, where, position)]:
                raise DataError.of(faults)
            yield batch
            position += batch.num_rows
            before = batch.slice(batch.num_rows - 1) if batch.num_rows else before
    finally:
        if isinstance(batches, Generator):
            batches.close()


def _types(batch: pa.RecordBatch, schema: pa.Schema, selection: Selection, where: str) -> Iterator[Fault]:
    for name in dict.fromkeys((selection.event_at, selection.available_at or selection.event_at)):
        if (found := batch.schema.field(name).type) != MOMENT:
            yield Fault(Code.SCHEMA_TYPE, f"must be {MOMENT}, is {found}", f"{where}: {name}")
    if not batch.schema.equals(schema):
        yield Fault(Code.SCHEMA_TYPE, "must have the same columns, in the same types, from the first row to the last", where)


def _faults(
    batch: pa.RecordBatch, before: pa.RecordBatch | None, selection: Selection, where: str, position: int
) -> Iterator[Fault]:
    interval, as_of = selection.interval, selection.as_of
    event_at, known_at = selection.event_at, selection.available_at or selection.event_at
    at, known = batch.column(event_at), batch.column(known_at)
    inside = pc.and_(pc.greater_equal(at, scalar(interval.start)), pc.less(at, scalar(interval.end)))
    if (row := _first_without(inside)) is not None:
        yield Fault(Code.TIME_OUT_OF_INTERVAL, f"{event_at} must lie in {interval}", f"{where}: row {position + row}")
    if (row := _first_without(pc.less_equal(known, scalar(as_of)))) is not None:
        yield Fault(Code.TIME_FUTURE, f"{known_at} must not be after the cut-off {iso(as_of)}", f"{where}: row {position + row}")
    if selection.among is not None and (row := _first_without(_asked_for(batch, selection.among))) is not None:
        message = f"{selection.among.column} must be as the definition writes it"
        yield Fault(Code.SEGMENT_MIXED, message, f"{where}: row {position + row}")
    names = dict.fromkeys((event_at, *selection.entity, known_at))
    if (row := _first_unordered(batch, before, names)) is not None:
        order = f"must come in the order of {', '.join(names)}"
        yield Fault(Code.DATA_UNORDERED, f"{order}: texts by code point, nulls last", f"{where}: row {position + row}")


def _asked_for(batch: pa.RecordBatch, among: Among) -> pa.BooleanArray:
    column = batch.column(among.column)
    if pa.types.is_string(column.type):
        column = pc.utf8_rtrim(column, " ")  # a database pads what has a fixed length, and compares without
    values = tuple(value.rstrip(" ") if isinstance(value, str) else value for value in among.values)
    found = members(column, values)
    return pc.invert(found) if among.others else found


def _first_without(good: pa.BooleanArray) -> int | None:
    row = pc.index(pc.fill_null(good, fill_value=False), value=False).as_py()
    return None if row < 0 else int(row)


def _first_unordered(batch: pa.RecordBatch, before: pa.RecordBatch | None, names: Iterable[str]) -> int | None:
    """Return the first row of *batch* that sorts before the one in front of it, which may be the last of the batch *before*."""
    if before is not None and batch.num_rows:
        border = [pa.concat_arrays([before.column(name), batch.column(name).slice(0, 1)]) for name in names]
        if _falls(border).any():
            return 0
    rows = np.flatnonzero(_falls([batch.column(name) for name in names]))
    return int(rows[0]) + 1 if rows.size else None


def _falls(keys: Iterable[pa.Array]) -> Mask:
    """Return for each row but the first whether it sorts before the one in front of it, shape (rows - 1,)."""
    falls: Mask | None = None
    tied: Mask | None = None
    for key in keys:
        less, more = _sorts_before(key[1:], key[:-1]), _sorts_before(key[:-1], key[1:])
        falls = less if falls is None or tied is None else falls | (tied & less)
        tied = ~(less | more) if tied is None else tied & ~(less | more)
        if not tied.any():
            break
    return np.empty(0, dtype=bool) if falls is None else falls


def _sorts_before(left: pa.Array, right: pa.Array) -> Mask:
    less: Mask = pc.fill_null(pc.less(left, right), fill_value=False).to_numpy(zero_copy_only=False)
    if right.null_count:
        less |= pc.and_(left.is_valid(), right.is_null()).to_numpy(zero_copy_only=False)
    return less
