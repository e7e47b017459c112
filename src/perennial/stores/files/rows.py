"""The selected rows of several files as one stream in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault
from perennial.core.file_errors import file_errors
from perennial.core.rechunked import rechunked
from perennial.core.scratch import WHERE, temporary_folder
from perennial.ports import Selection
from perennial.stores.arrow_selection import ROWS_PER_BATCH, convert_batch, instant_columns, settled, sort_columns
from perennial.stores.files.csv_part import land_csv
from perennial.stores.files.disk_sort import disk_sorted
from perennial.stores.files.local_sort import MOST_AT_ONCE, locally_sorted
from perennial.stores.files.parquet_part import open_parquet
from perennial.stores.files.part import PARQUET, FilePart
from perennial.stores.key_order import KeyOrder

_MOST_FAULTS = 100
_ABOUT_COLUMNS = {Code.SCHEMA_MISSING, Code.SCHEMA_EXTRA, Code.SCHEMA_DUPLICATE}


class PartRows(Protocol):
    """The selected rows of one file in canonical types, in the order in which they stand there."""

    @property
    def kinds(self) -> dict[str, pa.DataType]:
        """The canonical type by column; null where there is no value."""
        ...

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield *columns* of the rows, any number of times."""
        ...


@dataclass(frozen=True, slots=True)
class _Ordered:
    """A part and the order of its keys."""

    rows: PartRows
    order: KeyOrder


def file_rows(parts: Sequence[FilePart], selection: Selection, scratch: Path | None) -> Iterator[pa.RecordBatch]:
    """Yield the selected rows of all *parts* in order, at most 50 000 a batch; at least one batch.

    The keys are read first. Where they are in order, rows are streamed as they lie; where only rows of one moment are not, these
    are sorted in memory; else everything is sorted on disk.

    Args:
        parts: The files.
        selection: What is asked for.
        scratch: The folder for temporary files; by default the system's.

    Raises:
        DataError: Whatever is wrong with any of the files, all of it at once as far as rows need not be seen for it.
        UnavailableError: STORE_UNAVAILABLE, a file was changed since it was listed; said at the end, and instead of a DataError.
    """
    if scratch:
        with file_errors(WHERE):
            scratch.mkdir(parents=True, exist_ok=True)
    with temporary_folder(scratch) as folder, _unchanged(parts):
        opened = _opened(parts, selection, folder)
        schema = settled([rows.kinds for rows in opened], selection.relation)
        ordered = sorted((_Ordered(rows, _key_order(rows, selection)) for rows in opened), key=lambda part: part.order.place())
        none = pa.RecordBatch.from_pylist([], schema=schema)
        yield from rechunked(chain([none], _in_order(ordered, schema, selection, folder)), ROWS_PER_BATCH)


@contextmanager
def _unchanged(parts: Sequence[FilePart]) -> Iterator[None]:
    """Refuse what was read if a part was changed meanwhile. It is then not known to be at fault, whatever seemed wrong with it."""
    try:
        yield
    except DataError:
        _require_unchanged(parts)
        raise
    _require_unchanged(parts)


def _require_unchanged(parts: Sequence[FilePart]) -> None:
    for part in parts:
        part.require_unchanged()


def _in_order(parts: list[_Ordered], schema: pa.Schema, selection: Selection, folder: Path) -> Iterator[pa.RecordBatch]:
    order = KeyOrder.joined(part.order for part in parts)
    rows = (convert_batch(batch, schema, selection.relation) for part in parts for batch in part.rows.batches(selection.columns))
    if order.strict:
        return rows
    keys = sort_columns(selection)
    if order.in_time and order.most_at_once <= MOST_AT_ONCE:
        return locally_sorted(rows, schema, keys)
    return disk_sorted(rows, schema, keys, folder)


def _key_order(rows: PartRows, selection: Selection) -> KeyOrder:
    event_at, *others = instant_columns(selection)
    keys = tuple(dict.fromkeys((event_at, *selection.entity, *others)))
    order = KeyOrder(keys)
    for batch in rows.batches(keys):
        order.add(batch)
    return order


def _opened(parts: Iterable[FilePart], selection: Selection, folder: Path) -> list[PartRows]:
    opened: list[PartRows] = []
    faults: dict[object, Fault] = {}
    for number, part in enumerate(parts):
        own = folder / str(number)
        with file_errors(WHERE):
            own.mkdir()
        opener: Callable[[FilePart, Selection, Path], PartRows] = open_parquet if part.name.endswith(PARQUET) else land_csv
        try:
            opened.append(opener(part, selection, own))
        except DataError as error:
            for fault in error.faults if len(faults) < _MOST_FAULTS else ():
                faults.setdefault(_place(fault, part.name), fault)
    if faults:
        raise DataError.of(faults.values())
    return opened


def _place(fault: Fault, part: str) -> object:
    """Return what *fault* is about; a column that is missing in every part is told once."""
    return (fault.code, fault.where.removeprefix(part)) if fault.code in _ABOUT_COLUMNS else fault
