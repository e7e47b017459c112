"""What a check reads: rows in batches, as often as it asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

_ROWS_PER_BATCH = 100_000


class Rows(Protocol):
    """Rows that are read batch by batch, any number of times, always in the same order."""

    @property
    def schema(self) -> pa.Schema:
        """The columns that there are."""
        ...

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        ...

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of *columns* (all by default) in bounded memory."""
        ...


@dataclass(frozen=True, slots=True)
class TableRows:
    """The rows of a table in memory."""

    table: pa.Table
    rows_per_batch: int = _ROWS_PER_BATCH

    @property
    def schema(self) -> pa.Schema:
        """The columns that there are."""
        return self.table.schema

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return int(self.table.num_rows)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of *columns* (all by default)."""
        chosen = self.table if columns is None else self.table.select(list(columns))
        yield from chosen.to_batches(max_chunksize=self.rows_per_batch)
