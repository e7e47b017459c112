"""Reading the Parquet parts of a snapshot, one row group at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Lock

import pyarrow as pa
import pyarrow.parquet as pq

from perennial.ports import Artifacts
from perennial.steps.snapshots.parts import Part
from perennial.steps.snapshots.stored_parquet import open_parquet, read_all, read_group

MOST_LENT = 3
"""So many parts are lent at a time: with a store that is elsewhere, each of them lies in the scratch folder."""


class StoredRows:
    """The rows of consecutive parts.

    A part is lent, and thereby verified, when it is first read, and kept for the next reading. Where there are more parts than may
    be lent, the last one makes room for the next, and is lent and verified again when it is read again.
    """

    def __init__(self, artifacts: Artifacts, lent: ExitStack, parts: Sequence[Part]) -> None:
        """Read *parts*, of which there is at least one.

        Args:
            artifacts: Where they are kept.
            lent: Gives them back when it is closed.
            parts: Which ones, in the order of their rows.
        """
        self._artifacts, self._parts = artifacts, parts
        self._lent: dict[str, tuple[Path, ExitStack]] = {}
        self._one_at_a_time = Lock()
        lent.callback(self._give_back_all)
        with self._opened(parts[0]) as first:
            self.schema: pa.Schema = first.schema_arrow
        self.num_rows = sum(part.rows for part in parts)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, one batch per row group, with *columns* only."""
        for part in self._parts:
            with self._opened(part) as file:
                for group in range(file.num_row_groups):
                    yield from _whole(read_group(file, group, columns)).select(columns).to_batches()

    def table(self) -> pa.Table:
        """Return all rows in memory."""
        return pa.concat_tables(map(self._read, self._parts))

    def _read(self, part: Part) -> pa.Table:
        with self._opened(part) as file:
            return read_all(file)

    def _opened(self, part: Part) -> pq.ParquetFile:
        """Open *part*. What is open can be read to its end, also after it was given back."""
        with self._one_at_a_time:
            if part.digest not in self._lent:
                if len(self._lent) >= MOST_LENT:
                    self._give_back()
                with ExitStack() as lent:
                    path = lent.enter_context(self._artifacts.fetch(part.digest))
                    self._lent[part.digest] = path, lent.pop_all()
            return open_parquet(self._lent[part.digest][0])

    def _give_back(self) -> None:
        _, (_, lent) = self._lent.popitem()
        lent.close()

    def _give_back_all(self) -> None:
        while self._lent:
            self._give_back()


def _whole(group: pa.Table) -> pa.Table:
    return group.combine_chunks()
