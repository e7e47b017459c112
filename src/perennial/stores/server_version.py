"""Which PostgreSQL answers."""

from __future__ import annotations

from sqlalchemy import text

from perennial.stores.database import open_engine
from perennial.stores.driver_errors import driver_errors

OLDEST = 14
"""The oldest major version that the ledger runs on."""


def server_version(url: str, *, where: str) -> str:
    """Return the version of the PostgreSQL behind *url*, such as ``16.4``.

    Raises:
        DefinitionError: DEFINITION_URL.
        RejectedError: STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    engine = open_engine(url, where=where)
    try:
        with driver_errors(where), engine.connect() as connection:
            found = connection.execute(text("SHOW server_version")).scalar_one()
    finally:
        engine.dispose()
    return str(found).partition(" ")[0]
