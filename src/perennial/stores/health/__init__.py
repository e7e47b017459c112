"""What the pages of model health read of the ledger: a statement a page, each by an index, none that writes."""

from perennial.stores.health.reader import PostgresHealth

__all__ = ["PostgresHealth"]
