"""Reading the Parquet parts of a snapshot, one row group at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from perennial.ports import Artifacts
from perennial.steps.snapshots.parts import Part


class StoredRows:
    """The rows of consecutive parts. Each part is lent, and thereby verified, once: when it is first read."""

    def __init__(self, artifacts: Artifacts, lent: ExitStack, parts: Sequence[Part]) -> None:
        """Read *parts*, of which there is at least one.

        Args:
            artifacts: Where they are kept.
            lent: Gives them back when it is closed.
            parts: Which ones, in the order of their rows.
        """
        self._artifacts, self._lent, self._parts = artifacts, lent, parts
        self._paths: dict[str, Path] = {}
        self.schema: pa.Schema = pq.read_schema(self._path(parts[0]))
        self.num_rows = sum(part.rows for part in parts)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, one batch per row group, with *columns* only."""
        for part in self._parts:
            with pq.ParquetFile(self._path(part)) as file:
                for group in range(file.num_row_groups):
                    yield from _whole(file.read_row_group(group, list(columns))).select(columns).to_batches()

    def table(self) -> pa.Table:
        """Return all rows in memory."""
        return pa.concat_tables(pq.ParquetFile(self._path(part)).read() for part in self._parts)

    def _path(self, part: Part) -> Path:
        if part.digest not in self._paths:
            self._paths[part.digest] = self._lent.enter_context(self._artifacts.fetch(part.digest))
        return self._paths[part.digest]


def _whole(group: pa.Table) -> pa.Table:
    return group.combine_chunks()
