"""Driver errors at the store's edge: none leaks, each lands on the right side of 'may a retry help?'."""

from __future__ import annotations

import inspect

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import exc

from perennial.core.codes import Code
from perennial.core.errors import PerennialError, RejectedError, UnavailableError
from perennial.stores.driver_errors import driver_errors, translate

SQLSTATES: dict[str, type[psycopg.Error]] = {
    kind.sqlstate: kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, psycopg.Error) and isinstance(kind.sqlstate, str)
}
CLASSES = [kind for _, kind in inspect.getmembers(psycopg, inspect.isclass) if issubclass(kind, psycopg.Error)]
ALCHEMY = [
    kind
    for _, kind in inspect.getmembers(exc, inspect.isclass)
    if issubclass(kind, exc.SQLAlchemyError) and issubclass(kind, Exception)
]


def make(kind: type[Exception]) -> Exception:
    """Return an instance of *kind*, whatever its constructor asks for."""
    if issubclass(kind, exc.DBAPIError):
        return kind("SELECT 'value'", {}, psycopg.OperationalError("value"))
    if issubclass(kind, exc.StatementError):
        return kind("value", "SELECT 'value'", {}, None)
    error = kind.__new__(kind)
    Exception.__init__(error, "value")
    return error


@pytest.mark.parametrize("sqlstate", sorted(SQLSTATES))
def test_no_sqlstate_leaks(sqlstate: str) -> None:
    """All that psycopg knows, about 250, each with its name and without the driver's text."""
    with pytest.raises(PerennialError) as caught, driver_errors("ledger"):
        raise SQLSTATES[sqlstate]("Key (entity)=(value) already exists")
    assert f"({SQLSTATES[sqlstate].__name__}, SQLSTATE {sqlstate})" in str(caught.value)
    assert "(value)" not in str(caught.value)


@pytest.mark.parametrize("kind", [*CLASSES, *ALCHEMY], ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_no_class_leaks(kind: type[Exception]) -> None:
    """Neither the driver's nor SQLAlchemy's."""
    with pytest.raises(PerennialError), driver_errors("ledger"):
        raise make(kind)


@pytest.mark.parametrize(
    ("sqlstate", "kind", "code"),
    [
        ("08006", UnavailableError, Code.STORE_UNAVAILABLE),  # connection_failure
        ("40001", UnavailableError, Code.STORE_UNAVAILABLE),  # serialization_failure
        ("40P01", UnavailableError, Code.STORE_UNAVAILABLE),  # deadlock_detected
        ("53100", RejectedError, Code.STORE_FULL),  # disk_full
        ("53300", UnavailableError, Code.STORE_UNAVAILABLE),  # too_many_connections
        ("55P03", UnavailableError, Code.STORE_UNAVAILABLE),  # lock_not_available
        ("57014", UnavailableError, Code.STORE_UNAVAILABLE),  # query_canceled
        ("57P01", UnavailableError, Code.STORE_UNAVAILABLE),  # admin_shutdown
        ("57P04", RejectedError, Code.STORE_REJECTED),  # database_dropped
        ("58030", UnavailableError, Code.STORE_UNAVAILABLE),  # io_error
        ("28P01", RejectedError, Code.STORE_DENIED),  # invalid_password
        ("42501", RejectedError, Code.STORE_DENIED),  # insufficient_privilege
        ("42P01", RejectedError, Code.STORE_REJECTED),  # undefined_table
        ("22P02", RejectedError, Code.STORE_REJECTED),  # invalid_text_representation
        ("23505", RejectedError, Code.STORE_REJECTED),  # unique_violation
        ("XX001", RejectedError, Code.STORE_REJECTED),  # data_corrupted
    ],
)
def test_a_sqlstate_says_whether_a_retry_may_help(sqlstate: str, kind: type[PerennialError], code: Code) -> None:
    """By its class, or by itself."""
    found = translate(SQLSTATES[sqlstate]("x"), "ledger")
    assert (type(found), found.code) == (kind, code)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("connection failed: Connection refused", Code.STORE_UNAVAILABLE),
        ("connection failed: FATAL:  the database system is starting up", Code.STORE_UNAVAILABLE),
        ("connection failed: FATAL:  sorry, too many clients already", Code.STORE_UNAVAILABLE),
        ('connection failed: FATAL:  password authentication failed for user "ana"', Code.STORE_DENIED),
        ('connection failed: FATAL:  database "x" does not exist', Code.STORE_DENIED),
    ],
)
def test_a_failed_connection_has_only_its_text(message: str, code: Code) -> None:
    """It is of the server and its user, and is kept."""
    found = translate(psycopg.OperationalError(f"{message}\n\tHint"), "ledger")
    assert str(found) == f"ledger: {message} [{code}]"


def test_a_pool_without_free_connections_is_unavailable() -> None:
    """A retry may find one."""
    found = translate(exc.TimeoutError("QueuePool limit"), "ledger")
    assert str(found) == "ledger: no connection became free in time [STORE_UNAVAILABLE]"


def test_our_own_errors_pass() -> None:
    """They are not wrapped again."""
    with pytest.raises(RejectedError) as caught, driver_errors("ledger"):
        raise RejectedError(Code.MODEL_UNKNOWN, "x")
    assert caught.value.code == Code.MODEL_UNKNOWN
