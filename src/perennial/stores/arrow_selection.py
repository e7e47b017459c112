"""Applies a selection to Arrow tables: which columns, which rows, in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault
from perennial.ports import Selection
from perennial.stores.arrow_types import INSTANT, canonical, convert, settle, type_faults

ROWS_PER_BATCH = 50_000


def require_columns(found: Sequence[str], selection: Selection, where: str) -> None:
    """Refuse a relation that lacks a selected column, or has one twice.

    Raises:
        DataError: SCHEMA_MISSING and SCHEMA_DUPLICATE, all columns at once.
    """
    missing = [name for name in selection.columns if name not in found]
    doubled = [name for name in selection.columns if found.count(name) > 1]
    faults = [Fault(Code.SCHEMA_MISSING, "must be there, is not", f"{where}: {name}") for name in missing]
    faults += [Fault(Code.SCHEMA_DUPLICATE, "must stand once, stands twice", f"{where}: {name}") for name in doubled]
    if faults:
        raise DataError.of(faults)


def instant_columns(selection: Selection) -> tuple[str, ...]:
    """Return the columns that must be moments: event_at and, where there is one, available_at."""
    return (selection.event_at, *([selection.available_at] if selection.available_at else []))


def sort_columns(selection: Selection) -> tuple[str, ...]:
    """Return all columns in the order in which they sort: event_at, entity, available_at, and the others to break ties."""
    first = (selection.event_at, *selection.entity, *instant_columns(selection)[1:])
    return tuple(dict.fromkeys((*first, *selection.columns)))


def select(table: pa.Table, selection: Selection, where: str) -> pa.Table:
    """Return the selected columns and rows of *table*, in canonical types and in the order they stand.

    A row whose event_at or available_at is null is not selected: nobody can say that it lies inside.

    Raises:
        DataError: SCHEMA_MISSING, SCHEMA_DUPLICATE, SCHEMA_TYPE, TIME_NAIVE.
    """
    require_columns(table.column_names, selection, where)
    table = table.select(selection.columns)
    moments = instant_columns(selection)
    if faults := type_faults({field.name: field.type for field in table.schema}, moments, where):
        raise DataError.of(faults)
    kinds = {field.name: INSTANT if field.name in moments else canonical(field.type) for field in table.schema}
    columns = {name: convert(table[name], kind, f"{where}: {name}") for name, kind in kinds.items()}
    return pa.table(columns).filter(rows(selection))


def rows(selection: Selection, event_kind: pa.DataType = INSTANT, known_kind: pa.DataType = INSTANT) -> pc.Expression:
    """Return the condition that a selected row meets.

    Args:
        selection: What is asked for.
        event_kind: The type of event_at, a timestamp with a timezone. Arrow compares only what has one unit and one timezone.
        known_kind: The type of available_at, or of event_at where there is none.

    Raises:
        pa.ArrowInvalid: A bound cannot be said in these units.
    """
    event_at, known_at = pc.field(selection.event_at), pc.field(selection.available_at or selection.event_at)
    inside = (event_at >= _bound(selection.interval.start, event_kind)) & (event_at < _bound(selection.interval.end, event_kind))
    return inside & (known_at <= _bound(selection.as_of, known_kind))


def _bound(at: datetime, kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(at, INSTANT).cast(kind)


def ordered(parts: Iterable[pa.Table], selection: Selection, where: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows of selected *parts* in order, in batches of one schema; at least one batch.

    Raises:
        DataError: SCHEMA_TYPE, parts contradict each other.
    """
    table = _joined(list(parts), where).sort_by([(name, "ascending") for name in sort_columns(selection)])
    batches = table.combine_chunks().to_batches(max_chunksize=ROWS_PER_BATCH)
    yield from batches or [pa.RecordBatch.from_pylist([], schema=table.schema)]


def _joined(parts: list[pa.Table], where: str) -> pa.Table:
    kinds = {name: settle({part.schema.field(name).type for part in parts}) for name in parts[0].column_names}
    if faults := [
        Fault(Code.SCHEMA_TYPE, "must have one type, has another in each part", f"{where}: {name}")
        for name, kind in kinds.items()
        if kind is None
    ]:
        raise DataError.of(faults)
    return pa.concat_tables([_cast(part, kinds, where) for part in parts])


def _cast(part: pa.Table, kinds: dict[str, pa.DataType], where: str) -> pa.Table:
    return pa.table({name: convert(part[name], kind, f"{where}: {name}") for name, kind in kinds.items()})
