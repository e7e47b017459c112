"""Record batches as CSV, safe to open in a spreadsheet, or as Parquet."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from perennial.stores.exporting.kind import Format

_FORMULA = r"^[=+\-@\t\r]"


def write(file: IO[bytes] | io.RawIOBase, kind: Format, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write *batches* of *schema* to *file*, one at a time, and return how many rows there were.

    In CSV, a text that a spreadsheet would take for a formula gets an apostrophe in front. Numbers and moments are left alone.
    """
    rows = 0
    with _writer(file, kind, schema) as writer:
        for batch in batches:
            writer.write_batch(without_formulas(batch) if kind is Format.CSV else batch)
            rows += batch.num_rows
    return rows


def without_formulas(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return *batch* with an apostrophe before each text that starts with ``=``, ``+``, ``-``, ``@``, a tab or a return.

    References:
        OWASP, CSV Injection.
    """
    columns = [_harmless(column) if pa.types.is_string(column.type) else column for column in batch.columns]
    return pa.record_batch(columns, schema=batch.schema)


def _harmless(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(column, _FORMULA), pc.binary_join_element_wise("'", column, ""), column)


def _writer(file: IO[bytes] | io.RawIOBase, kind: Format, schema: pa.Schema) -> pyarrow.csv.CSVWriter | pq.ParquetWriter:
    if kind is Format.CSV:
        return pyarrow.csv.CSVWriter(file, schema)
    return pq.ParquetWriter(file, schema, compression="zstd")
