"""A gate at which processes wait, so that they go on at the same moment."""

from __future__ import annotations

from sqlalchemy import text

from perennial.stores.ledger import PostgresLedger


def wait(ledger: PostgresLedger, gate: int | None) -> None:
    """Wait until the advisory lock *gate* is free, if there is one."""
    if gate is not None:
        with ledger.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": gate})
