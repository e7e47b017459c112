"""The rows that validation refused, kept beside their reasons in a Parquet file that a person can read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from perennial.core.file_errors import file_errors
from perennial.core.names import POSITION, REASONS
from perennial.core.scratch import temporary_folder
from perennial.ports import Stores
from perennial.quality.refused import Refused
from perennial.quality.rows import Rows


def quarantine(rows: Rows, refused: Refused, stores: Stores) -> str | None:
    """Keep the refused ones of *rows* in an artifact, each with its position in the snapshot and its reasons, batch by batch.

    Returns:
        The artifact's digest; None where no row is refused.

    Raises:
        RejectedError: STORE_FULL, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    if not len(refused):
        return None
    schema = rows.schema.append(pa.field(POSITION, pa.int64())).append(pa.field(REASONS, pa.list_(pa.string())))
    with temporary_folder(stores.scratch) as folder:
        path = folder / "quarantine.parquet"
        _write(path, schema, _kept(rows, refused, schema))
        return stores.artifacts.put(path)


def _write(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    with file_errors("scratch"), pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def _kept(rows: Rows, refused: Refused, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    start = 0
    for batch in rows.batches():
        mask = pa.array(refused.mask(start, batch.num_rows))
        if mask.true_count:
            positions = pa.array(np.arange(start, start + batch.num_rows)).filter(mask)
            columns = [*batch.filter(mask).columns, positions, refused.reasons(start, batch.num_rows)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
        start += batch.num_rows
