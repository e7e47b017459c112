"""The ledger in PostgreSQL: one file per capability, each of functions over an open transaction; ``postgres.py`` joins them."""

from __future__ import annotations

from perennial.stores.ledger.postgres import PostgresLedger

__all__ = ["PostgresLedger"]
