"""A statement's rows out of an ADBC connection, batch by batch."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, suppress

import pyarrow as pa

# The public reader turns an error in the middle of a read into an OSError without its SQLSTATE; this one keeps it.
from adbc_driver_manager._reader import AdbcRecordBatchReader
from adbc_driver_manager.dbapi import Cursor


def adbc_batches(cursor: Cursor, statement: str) -> Generator[pa.RecordBatch]:
    """Run *statement* and yield its record batches as the driver makes them. Its errors are the driver's: see ``adbc_errors``."""
    cursor.adbc_statement.set_sql_query(statement)
    handle, _ = cursor.adbc_statement.execute_query()
    with closing(AdbcRecordBatchReader._import_from_c(handle.address)) as reader, suppress(StopIteration):  # noqa: SLF001 - as above
        while True:
            yield reader.read_next_batch()
