"""Reading Parquet that the artifact store lends: what the operating system says becomes one of our errors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from perennial.core.file_errors import file_errors
from perennial.ports import Artifacts

_WHERE = "artifacts"
_FEW = 5_000
"""So many rows are decoded by one thread: to hand out their columns to several takes longer (1.3 ms, not 0.6, of 1 000 rows)."""


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a file that the store has lent.

    Raises:
        RejectedError: STORE_FULL, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    with file_errors(_WHERE):
        return pq.ParquetFile(path)


def read_group(file: pq.ParquetFile, group: int, columns: Sequence[str]) -> pa.Table:
    """Return *columns* of a row group; errors as those of opening."""
    with file_errors(_WHERE):
        return file.read_row_group(group, list(columns), use_threads=file.metadata.row_group(group).num_rows > _FEW)


def read_all(file: pq.ParquetFile, columns: Sequence[str] | None = None) -> pa.Table:
    """Return *columns*, or all of them; errors as those of opening."""
    with file_errors(_WHERE):
        return file.read(None if columns is None else list(columns), use_threads=file.metadata.num_rows > _FEW)


def read_stored(artifacts: Artifacts, digest: str, columns: Sequence[str]) -> pa.Table:
    """Return *columns* of what is stored under *digest*, verified.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM.
        RejectedError: STORE_FULL, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    with artifacts.fetch(digest) as path:
        return read_all(open_parquet(path), columns)
