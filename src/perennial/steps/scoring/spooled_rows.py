"""Rows that wait to be used: in memory while they are few, else in a temporary file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pyarrow as pa

from perennial.core.file_errors import file_errors
from perennial.core.scratch import temporary_folder
from perennial.steps.snapshots.rows import Rows

HELD = 4 << 20
"""So many bytes are held in memory: less than the batch that they come in takes anyway, and a file costs more than they do."""

_WHERE = "scratch"


@contextmanager
def spooled_rows(schema: pa.Schema, batches: Iterable[pa.RecordBatch], scratch: Path, *, held: int = HELD) -> Iterator[Rows]:
    """Take *batches*, and lend them to be read any number of times in bounded memory.

    Args:
        schema: Theirs.
        batches: Read once, one at a time, before anything is lent.
        scratch: The folder for temporary files. What takes more than *held* bytes lies in a file there.
        held: So many bytes are held in memory.

    Raises:
        RejectedError: STORE_FULL, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE; also when what was lent is read.
    """
    left = iter(batches)
    first, size = list[pa.RecordBatch](), 0
    for batch in left:
        first.append(batch)
        size += batch.get_total_buffer_size()
        if size > held:
            break
    else:
        yield Rows(schema, sum(batch.num_rows for batch in first), lambda columns: _selected(first, columns))
        return
    with temporary_folder(scratch) as folder:
        path = folder / "rows.arrow"
        count = _write(path, schema, chain(first, left))
        first.clear()
        yield Rows(schema, count, lambda columns: _read(path, columns))


def _write(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    count = 0
    with file_errors(_WHERE), pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def _read(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with file_errors(_WHERE), pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as reader:
        yield from _selected(reader, columns)


def _selected(batches: Iterable[pa.RecordBatch], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    yield from (batch.select(list(columns)) for batch in batches if batch.num_rows)
