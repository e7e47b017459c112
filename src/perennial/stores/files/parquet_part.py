"""Reads the selected rows out of one Parquet file, in slices, so that what it holds is found out before memory is spent on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.ports import Selection
from perennial.stores.arrow_selection import (
    ROWS_PER_BATCH,
    convert_batch,
    deciding_columns,
    file_column_faults,
    select_rows,
    selected_kinds,
)
from perennial.stores.arrow_types import INSTANT, canonical
from perennial.stores.files.inflation import Inflation
from perennial.stores.files.parquet_footer import MOST_BYTES, Group, footer_groups
from perennial.stores.files.parquet_pages import MOST_PAGE_BYTES, Pages, column_pages, corrupt, too_large
from perennial.stores.files.part import FilePart
from perennial.stores.files.unpacked import unpacked

_BATCH_BYTES = 64 << 20
"""About so much is decoded at once."""
_BUFFER_BYTES = 1 << 20
_FOOTER_BYTES = 64 << 10
_MICROSECONDS = {"s": (1_000_000, 1), "ms": (1_000, 1), "us": (1, 1), "ns": (1, 1_000)}
"""In one of each unit, as a fraction."""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group of a file.

    Attributes:
        number: Which one.
        first_row: The number of its first row in the file, from 1.
        rows: How many rows it has.
        at_once: How many of its rows may be decoded at once.
    """

    number: int
    first_row: int
    rows: int
    at_once: int


@dataclass(frozen=True, slots=True)
class ParquetRows:
    """The selected rows of one Parquet file.

    Attributes:
        path: A local file.
        size: The bytes that are stored.
        where: Its name, for messages.
        selection: What is asked for.
        kinds: The canonical type by column.
        groups: The row groups that may hold selected rows.
        packed: The columns that are read as dictionaries.
    """

    path: Path
    size: int
    where: str
    selection: Selection
    kinds: dict[str, pa.DataType]
    groups: tuple[RowGroup, ...]
    packed: tuple[str, ...]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield *columns* of the rows in the order in which they stand.

        Raises:
            DataError: FILE_CORRUPT, DATA_TOO_LARGE, DATA_ENCODING, SCHEMA_TYPE, TIME_NAIVE, DATA_INT_PRECISION.
        """
        wanted = tuple(dict.fromkeys((*columns, *deciding_columns(self.selection))))
        schema = pa.schema([(name, self.kinds[name]) for name in wanted])
        inflation = Inflation(self.size, self.where)
        with parquet_errors(self.where), _opened(self.path, self.packed) as file:
            for group in self.groups:
                row = group.first_row
                for batch in file.iter_batches(batch_size=group.at_once, row_groups=[group.number], columns=list(wanted)):
                    for part in unpacked(batch.select(wanted), self.where):
                        inflation.count(part.nbytes)
                        _require_utf8(part, self.where, row)
                        row += part.num_rows
                        yield select_rows(convert_batch(part, schema, self.where), self.selection).select(list(columns))
                if row != group.first_row + group.rows:
                    raise corrupt(self.where)  # Arrow takes the end of a file that was cut for the end of its rows


def open_parquet(part: FilePart, selection: Selection, folder: Path) -> ParquetRows:
    """Look at a Parquet file's footer and at the headers of the pages that are going to be read.

    Args:
        part: The file.
        selection: What is asked for.
        folder: For a local copy of what is read of it, where it lies elsewhere.

    Raises:
        DataError: FILE_CORRUPT, DATA_TOO_LARGE, SCHEMA_MISSING, SCHEMA_EXTRA, SCHEMA_DUPLICATE, SCHEMA_TYPE, TIME_NAIVE.
    """
    with parquet_errors(part.name):
        path = _with_footer(part, folder)
        groups = footer_groups(path, part.name)
        schema = pq.read_schema(path)
        if faults := file_column_faults(schema.names, selection, part.name):
            raise DataError.of(faults)
        kinds = selected_kinds({name: schema.field(name).type for name in selection.columns}, selection, part.name)
        wanted = [number for number, group in enumerate(groups) if _may_hold(group, schema, selection)]
        chunks = {number: {name: groups[number].chunks[name] for name in selection.columns} for number in wanted}
        path = part.local([(chunk.start, chunk.length) for group in chunks.values() for chunk in group.values()], folder)
        with path.open("rb") as file:
            pages = {
                number: {name: column_pages(file, chunk, f"{part.name}: {name}") for name, chunk in group.items()}
                for number, group in chunks.items()
            }
        first_rows = np.cumsum([1, *(group.rows for group in groups)])
        limits = tuple(
            RowGroup(number, int(first_rows[number]), groups[number].rows, _rows_at_once(found, groups[number].rows, part.name))
            for number, found in pages.items()
        )
        texts = (name for name in selection.columns if canonical(schema.field(name).type) == pa.string())
        packed = tuple(name for name in texts if any(found[name].dictionary for found in pages.values()))
        return ParquetRows(path, part.size, part.name, selection, kinds, limits, packed)


@contextmanager
def parquet_errors(where: str) -> Iterator[None]:
    """Turn what Arrow says about bytes that are no Parquet into FILE_CORRUPT, and leave what the operating system says."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowTypeError, NotImplementedError, ValueError, LookupError, OverflowError):
        raise corrupt(where) from None  # the cause may quote a value
    except OSError as error:
        if error.errno is not None:
            raise  # the operating system's, for our caller
        raise corrupt(where) from None


@contextmanager
def _opened(path: Path, packed: tuple[str, ...]) -> Iterator[pq.ParquetFile]:
    # Without pre_buffer a large row group is read through small buffers and not as a whole.
    with pq.ParquetFile(path, read_dictionary=list(packed), pre_buffer=False, buffer_size=_BUFFER_BYTES) as file:
        yield file


def _with_footer(part: FilePart, folder: Path) -> Path:
    """Return a local file that holds at least the footer of *part*."""
    path = part.local([(max(0, part.size - _FOOTER_BYTES), min(part.size, _FOOTER_BYTES))], folder)
    with path.open("rb") as file:
        file.seek(max(0, part.size - 8))
        length = int.from_bytes(file.read(8)[:4], "little") + 8
    if _FOOTER_BYTES < length <= min(part.size, MOST_BYTES):
        return part.local([(part.size - length, length - _FOOTER_BYTES)], folder)
    return path


def _rows_at_once(pages: dict[str, Pages], rows: int, where: str) -> int:
    """Return how many rows of a group are decoded at once, by what its pages unpack to."""
    if sum(found.largest for found in pages.values()) > MOST_PAGE_BYTES:
        raise too_large(where)
    average = sum(found.unpacked for found in pages.values()) // max(rows, 1) + 1
    repeated = max((found.largest for found in pages.values() if found.delta), default=1)
    return max(1, min(ROWS_PER_BATCH, _BATCH_BYTES // average, 4 * _BATCH_BYTES // max(repeated, 1)))


def _may_hold(group: Group, schema: pa.Schema, selection: Selection) -> bool:
    """Return whether the statistics of a row group leave room for a selected row."""
    if group.rows == 0:
        return False
    happened = _bounds(group, schema, selection.event_at)
    known = _bounds(group, schema, selection.available_at or selection.event_at)
    interval = selection.interval
    start, end, as_of = (pa.scalar(at, INSTANT).value for at in (interval.start, interval.end, selection.as_of))
    inside = happened is None or (happened[0] < end and happened[1] >= start)
    return inside and (known is None or known[0] <= as_of)


def _bounds(group: Group, schema: pa.Schema, column: str) -> tuple[int, int] | None:
    """Return the least and the greatest moment of a column, in microseconds, or None where the footer does not say them."""
    kind, bounds = schema.field(column).type, group.chunks[column].bounds
    if bounds is None or not (pa.types.is_timestamp(kind) and kind.tz):
        return None
    times, part = _MICROSECONDS[kind.unit]
    return bounds[0] * times // part, -(-bounds[1] * times // part)


def _require_utf8(batch: pa.RecordBatch, where: str, first_row: int) -> None:
    """Refuse text that is not UTF-8, which Arrow takes from Parquet as it is."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if canonical(column.type) == pa.string() and not _is_utf8(column):
            row = first_row + next(at for at in range(len(column)) if not _is_utf8(column[at : at + 1]))
            raise DataError(Code.DATA_ENCODING, "must be UTF-8, is not", where=f"{where}: row {row}: {name}")


def _is_utf8(texts: pa.Array) -> bool:
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
