"""Applies a selection to Arrow data: which columns, of which types, which rows, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault
from perennial.core.members import members
from perennial.ports import Among, Selection
from perennial.stores.arrow_types import INSTANT, canonical, convert, settle, type_faults
from perennial.stores.declared import declared_faults, declared_kind, undeclared_faults

ROWS_PER_BATCH = 50_000


def require_columns(found: Sequence[str], selection: Selection, where: str) -> None:
    """Refuse a relation that lacks a selected column, or has one twice. Further columns are normal.

    Raises:
        DataError: SCHEMA_MISSING and SCHEMA_DUPLICATE, all columns at once.
    """
    if faults := column_faults(found, selection.columns, where):
        raise DataError.of(faults)


def column_faults(found: Sequence[str], wanted: Sequence[str], where: str) -> list[Fault]:
    """Return a fault for every column of *wanted* that is not in *found*, SCHEMA_MISSING, or there twice, SCHEMA_DUPLICATE."""
    missing = [name for name in wanted if name not in found]
    doubled = [name for name in wanted if found.count(name) > 1]
    faults = [Fault(Code.SCHEMA_MISSING, "must be there, is not", f"{where}: {name}") for name in missing]
    return faults + [Fault(Code.SCHEMA_DUPLICATE, "must stand once, stands twice", f"{where}: {name}") for name in doubled]


def file_column_faults(found: Sequence[str], selection: Selection, where: str) -> list[Fault]:
    """Return everything that is wrong with the names of a file's columns, in view of what the definition declares."""
    if selection.declared is None:
        return column_faults(found, selection.columns, where)
    wanted = tuple(dict.fromkeys((*selection.columns, *selection.declared)))
    return column_faults(found, wanted, where) + undeclared_faults(found, selection.declared, where)


def instant_columns(selection: Selection) -> tuple[str, ...]:
    """Return the columns that must be moments: event_at and, where there is one, available_at."""
    return (selection.event_at, *([selection.available_at] if selection.available_at else []))


def sort_columns(selection: Selection) -> tuple[str, ...]:
    """Return all columns in the order in which they sort: event_at, entity, available_at, and the others to break ties."""
    first = (selection.event_at, *selection.entity, *instant_columns(selection)[1:])
    return tuple(dict.fromkeys((*first, *selection.columns)))


def selected_kinds(
    kinds: Mapping[str, pa.DataType], selection: Selection, where: str, *, text_moments: bool = True
) -> dict[str, pa.DataType]:
    """Return the canonical type of every selected column; null for one without any value that nobody declared.

    Args:
        kinds: The type in the store, by column.
        selection: What is asked for.
        where: The file or table, for the faults.
        text_moments: Whether text counts as a moment; see ``type_faults``.

    Raises:
        DataError: SCHEMA_TYPE, TIME_NAIVE; all columns at once.
    """
    moments, declared = instant_columns(selection), selection.declared or {}
    found = {name: kinds[name] for name in selection.columns}
    faults = type_faults(found, moments, where, text_moments=text_moments)
    faults += declared_faults({name: kind for name, kind in found.items() if canonical(kind)}, declared, where)
    faults += among_faults({name: declared_kind(declared, name) or kind for name, kind in found.items()}, selection.among, where)
    if faults:
        raise DataError.of(faults)
    wanted = {name: declared_kind(declared, name) or canonical(kind) for name, kind in found.items()}
    return wanted | dict.fromkeys(moments, INSTANT)


def among_faults(kinds: Mapping[str, pa.DataType], among: Among | None, where: str) -> list[Fault]:
    """Return a fault where a column cannot have any of the values that are asked for: a text is never a number.

    Args:
        kinds: The type in the store, by column.
        among: What is asked for.
        where: The file or table, for the fault.
    """
    kind = canonical(kinds[among.column]) if among and among.column in kinds else None
    if among is None or kind is None or kind == pa.null():
        return []
    text = isinstance(among.values[0], str)
    if kind in ((pa.string(),) if text else (pa.int64(), pa.float64())):
        return []
    message = f"must be {'text' if text else 'a number'}, as what it is compared with, is {kind}"
    return [Fault(Code.SCHEMA_TYPE, message, f"{where}: {among.column}")]


def convert_batch(batch: pa.RecordBatch, schema: pa.Schema, where: str) -> pa.RecordBatch:
    """Return *batch* with the canonical types of *schema*.

    Raises:
        DataError: SCHEMA_TYPE, TIME_NAIVE, DATA_INT_PRECISION.
    """
    arrays = [
        column if column.type == field.type else convert(column, field.type, f"{where}: {field.name}")
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def select_rows(batch: pa.RecordBatch, selection: Selection) -> pa.RecordBatch:
    """Return the selected rows of *batch*, whose moments are converted."""
    inside = rows_inside(batch, selection)
    return batch if inside is None else batch.filter(inside)


def rows_inside(batch: pa.RecordBatch, selection: Selection) -> pa.Array | None:
    """Return which rows of *batch* are selected, or None where all are.

    A row whose event_at or available_at is null is not selected: nobody can say that it lies inside.
    """
    happened, known = batch.column(selection.event_at), batch.column(selection.available_at or selection.event_at)
    start, end, as_of = (pa.scalar(at, INSTANT) for at in (selection.interval.start, selection.interval.end, selection.as_of))
    inside = pc.and_(pc.greater_equal(happened, start), pc.less(happened, end))
    inside = pc.fill_null(pc.and_kleene(inside, pc.less_equal(known, as_of)), fill_value=False)
    if selection.among is not None:
        inside = pc.and_(inside, rows_among(batch, selection.among))
    return None if inside.true_count == len(inside) else inside


def rows_among(batch: pa.RecordBatch, among: Among) -> pa.Array:
    """Return which rows of *batch* have a value that is asked for."""
    found = members(batch.column(among.column), among.values)
    return pc.invert(found) if among.others else found


def deciding_columns(selection: Selection) -> tuple[str, ...]:
    """Return the columns that say whether a row is selected, each once."""
    others = (selection.among.column,) if selection.among else ()
    return tuple(dict.fromkeys((*instant_columns(selection), *others)))


def settled(parts: Sequence[Mapping[str, pa.DataType]], where: str) -> pa.Schema:
    """Return the one schema of parts that have *parts*' canonical types.

    Raises:
        DataError: SCHEMA_TYPE, parts contradict each other.
    """
    kinds = {name: settle({part[name] for part in parts}) for name in parts[0]}
    if faults := [
        Fault(Code.SCHEMA_TYPE, "must have one type, has another in each part", f"{where}: {name}")
        for name, kind in kinds.items()
        if kind is None
    ]:
        raise DataError.of(faults)
    return pa.schema(list(kinds.items()))
