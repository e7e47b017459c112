"""Rows in a temporary file, while they wait to be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from perennial.core.file_errors import file_errors
from perennial.core.scratch import temporary_folder
from perennial.steps.snapshots.rows import Rows

_WHERE = "scratch"


@contextmanager
def spooled_rows(schema: pa.Schema, batches: Iterable[pa.RecordBatch], scratch: Path) -> Iterator[Rows]:
    """Write *batches* to a file below *scratch*, and lend them to be read any number of times in bounded memory.

    Args:
        schema: Theirs.
        batches: Read once, one at a time, before anything is lent.
        scratch: The folder for temporary files.

    Raises:
        RejectedError: STORE_FULL, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE; also when what was lent is read.
    """
    with temporary_folder(scratch) as folder:
        path = folder / "rows.arrow"
        count = _write(path, schema, batches)
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
        yield from (batch.select(list(columns)) for batch in reader if batch.num_rows)
