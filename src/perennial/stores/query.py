"""Reading a database with plain SQL, as an analyst would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import create_engine, text

from perennial.stores.database import read_url
from perennial.stores.driver_errors import driver_errors


def query(url: str, statement: str, parameters: Mapping[str, object] | None = None) -> list[Sequence[object]]:
    """Return the rows of a ``SELECT`` statement whose parameters are written ``:name``. Nothing is changed.

    Raises:
        RejectedError: STORE_REJECTED, the statement is wrong.
        UnavailableError: STORE_UNAVAILABLE.
    """
    engine = create_engine(read_url(url, where="query"), hide_parameters=True)
    try:
        with driver_errors("query"), engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement), parameters or {})]
    finally:
        engine.dispose()
