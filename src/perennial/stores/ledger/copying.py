"""Record batches into a table by binary COPY, in the caller's transaction and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.copy import QueuedLibpqWriter
from sqlalchemy import Connection

from perennial.stores.ledger.copy_encoding import HEADER, encode

ROWS_AT_ONCE = 100_000


def copy_in(connection: Connection, table: str, columns: Sequence[str], batches: Iterable[pa.RecordBatch]) -> int:
    """Append *batches* to *table*, and return how many rows there were.

    Args:
        connection: An open transaction.
        table: The table, with its schema before a dot if it has one.
        columns: Its columns, in the order of those of a batch.
        batches: Read one at a time. See :func:`encode` for their types.

    Raises:
        psycopg.Error: The table refuses a row; the caller's edge maps it.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(*table.split(".")), names)
    rows = 0
    with driver_of(connection).cursor() as cursor, cursor.copy(statement, writer=QueuedLibpqWriter(cursor)) as copy:
        copy.write(HEADER)  # of all formats it is this one; the trailer is left out, as the protocol says when it is the end
        for batch in batches:
            for start in range(0, batch.num_rows, ROWS_AT_ONCE):
                copy.write(encode(batch.slice(start, ROWS_AT_ONCE)))
            rows += batch.num_rows
    return rows


def driver_of(connection: Connection) -> psycopg.Connection:
    """Return the driver's connection below *connection*, which is in the same transaction."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(driver)
    return driver
