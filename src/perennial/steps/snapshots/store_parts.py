"""Storing rows as the parts of a snapshot, in bounded memory."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from perennial.core.file_errors import file_errors
from perennial.core.scratch import WHERE, temporary_folder
from perennial.ports import Artifacts, Tools
from perennial.steps.snapshots.encoding import encoding
from perennial.steps.snapshots.overlap import overlapped
from perennial.steps.snapshots.parts import ROWS_PER_GROUP, Part
from perennial.steps.snapshots.regroup import regrouped

PART_BYTES = 128_000_000
"""A part ends with the row group that makes it this large: a size that one request of any object store takes."""


def store_parts(batches: Generator[pa.RecordBatch, None, None], tools: Tools, *, part_bytes: int = PART_BYTES) -> tuple[Part, ...]:
    """Write *batches* as Parquet parts, and put each into the store as soon as it is whole.

    Equal rows give equal parts, whatever batches they come in. One thread reads, one writes, one puts. What is in memory at any
    moment is a few batches and one row group; on the scratch disk lie two parts.

    Args:
        batches: At least one, all of one schema. They are closed at the end.
        tools: Where the parts are kept, and where they lie while they are written.
        part_bytes: How large a part may become.

    Raises:
        RejectedError: STORE_FULL, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    return overlapped(batches, lambda taken: _store(regrouped(taken, ROWS_PER_GROUP), tools, part_bytes))


def _store(groups: Iterator[pa.Table], tools: Tools, part_bytes: int) -> tuple[Part, ...]:
    """Write one part while the one before it travels to the store; the last one, or the only one, travels by itself."""
    options: dict[str, Any] | None = None
    sent: list[Future[Part]] = []
    written: tuple[Path, int] | None = None
    with temporary_folder(tools.scratch) as folder, ThreadPoolExecutor(1, thread_name_prefix="put") as sending:
        for number, first in enumerate(groups):
            if written:
                sent.append(sending.submit(_put, *written, tools.artifacts))
            options = options or encoding(first)
            path = folder / f"{number}.parquet"
            written = path, _write(path, first, groups, options, part_bytes)
            if sent:
                sent[-1].result()  # one is on its way at a time, and its error ends all
        last = [_put(*written, tools.artifacts)] if written else []
        return (*(part.result() for part in sent), *last)


def _put(path: Path, rows: int, artifacts: Artifacts) -> Part:
    digest = artifacts.put(path)
    with file_errors(WHERE):
        size = path.stat().st_size
    with suppress(OSError):  # what cannot be removed now goes with its folder
        path.unlink()
    return Part(digest=digest, rows=rows, bytes=size)


def _write(path: Path, first: pa.Table, others: Iterator[pa.Table], options: dict[str, Any], part_bytes: int) -> int:
    """Write groups into one file until it is large enough, and return how many rows it has."""
    rows = 0
    with file_errors(WHERE), pa.OSFile(str(path), "wb") as file, pq.ParquetWriter(file, first.schema, **options) as writer:
        for group in chain([first], others):
            writer.write_table(group, row_group_size=ROWS_PER_GROUP)
            rows += group.num_rows
            if file.tell() >= part_bytes:
                break
    return rows
