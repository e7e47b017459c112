"""Rows into a table by binary COPY, in the caller's transaction and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import psycopg
from psycopg import sql
from sqlalchemy import Connection


def copy_rows(connection: Connection, table: str, columns: dict[str, str], rows: Iterable[Sequence[object]]) -> int:
    """Append *rows* to *table*, and return how many there were.

    Args:
        connection: An open transaction.
        table: The table, with its schema before a dot if it has one.
        columns: PostgreSQL type by column, in the order of a row's values.
        rows: Read one at a time.

    Raises:
        psycopg.Error: The table refuses a row; the caller's edge maps it.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    target = sql.Identifier(*table.split("."))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(target, names)
    count = 0
    with _driver(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(columns.values()))
        for count, row in enumerate(rows, start=1):  # noqa: B007 - the count is the result
            copy.write_row(row)
    return count


def _driver(connection: Connection) -> psycopg.Connection:
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(driver)
    return driver
