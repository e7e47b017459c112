"""A row that PostgreSQL refuses."""

from __future__ import annotations

import traceback

import pytest
from sqlalchemy import Engine, text

from perennial.core.errors import RejectedError
from perennial.stores.driver_errors import driver_errors


def test_promise_15_no_row_value_is_in_the_traceback(ledger_engine: Engine) -> None:
    """The cause keeps the driver's class, SQLSTATE and traceback, and nothing that was said about the row."""
    insert = text("INSERT INTO perennial.lease VALUES (:value, :value, 'f', 'h', 1, now()), (:value, :value, 'f', 'h', 1, now())")
    with pytest.raises(RejectedError) as caught, driver_errors("ledger"), ledger_engine.begin() as connection:
        connection.execute(insert, {"value": "Erika Mustermann"})
    found = "the store refuses the statement or the data (UniqueViolation on lease_pkey, SQLSTATE 23505)"
    assert str(caught.value) == f"ledger: {found} [STORE_REJECTED]"
    assert str(caught.value.__cause__) == "psycopg.errors.UniqueViolation, SQLSTATE 23505"
    shown = [line for line in traceback.format_exception(caught.value) if "connection.execute(insert" not in line]
    assert "Erika" not in "".join(shown)
