"""Fills a ledger by statements of SQL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psycopg

RECEIPTS = Path(__file__).with_name("ledger_receipts.sql")


def fill_by(statements: Path, address: str, *, finish: Sequence[str], **values: object) -> None:
    """Fill the empty ledger behind *address*, a libpq address.

    Args:
        statements: What makes the tables night and trained, and what is not made of every ledger's receipts.
        address: The ledger's.
        finish: Statements for the end, when all rows are there.
        values: What stands in the statements by name.
    """
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # the rows fit each other by how they are made
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET timezone = 'UTC'")
        for path in (statements, RECEIPTS):
            for statement in path.read_text(encoding="utf-8").split(";\n"):
                if statement.strip():
                    connection.execute(statement.encode(), values)
        for statement in finish:
            connection.execute(statement.encode())
