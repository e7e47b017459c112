"""What PostgreSQL, psycopg and SQLAlchemy complain about, in our own errors. Nothing of theirs passes this edge.

A driver's message can quote a row or a statement, so neither the message nor the error itself travels on: what is kept is the
SQLSTATE, its name, and the constraint, table or column it is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import exc

from perennial.core.codes import Code
from perennial.core.errors import PerennialError, RejectedError, UnavailableError

_UNAVAILABLE = ("08", "40", "53", "57", "72", "25P03", "25P04", "55006", "55P03", "58000", "58030")
"""SQLSTATEs, or their first two characters (the class), after which a retry may help."""
_DENIED = ("28", "42501")
_FULL = ("53100",)
_GONE = ("57P04",)
_PASSING = ("starting up", "shutting down", "recovery mode", "too many", "connection slots", "not yet accepting", "not accepting")
"""What a server says in a FATAL message that will pass. It carries no SQLSTATE before the connection stands."""


class DriverError(Exception):
    """The cause of a mapped error, without its message: the driver's class and SQLSTATE, and the traceback."""


@contextmanager
def driver_errors(where: str) -> Iterator[None]:
    """Turn every error of the driver or of SQLAlchemy inside into one of ours, placed at *where*.

    Raises:
        UnavailableError: STORE_UNAVAILABLE, a retry may help.
        RejectedError: STORE_DENIED, STORE_FULL, STORE_REJECTED.
    """
    try:
        yield
    except (psycopg.Error, exc.SQLAlchemyError) as error:
        raise translate(error, where) from _scrubbed(error)


def translate(error: psycopg.Error | exc.SQLAlchemyError, where: str) -> PerennialError:
    """Return our error for *error*."""
    driver = _driver(error)
    if isinstance(driver, psycopg.Error) and driver.sqlstate is not None:
        return from_sqlstate(driver.sqlstate, f"{_name(driver)}{_about(driver)}, SQLSTATE {driver.sqlstate}", where)
    if isinstance(driver, psycopg.OperationalError):
        return _without_connection(driver, where)
    if isinstance(error, (exc.TimeoutError, exc.DisconnectionError)):
        return UnavailableError(Code.STORE_UNAVAILABLE, "no connection became free in time", where=where)
    return RejectedError(Code.STORE_REJECTED, f"the driver refuses the statement or its values ({_name(driver)})", where=where)


def constraint(error: psycopg.Error | exc.SQLAlchemyError) -> str | None:
    """Return the name of the constraint that *error* is about."""
    driver = _driver(error)
    return driver.diag.constraint_name if isinstance(driver, psycopg.Error) else None


def from_sqlstate(state: str, found: str, where: str) -> PerennialError:
    """Return our error for the SQLSTATE *state*.

    Args:
        state: Five characters.
        found: What to say of it: its name, and what it is about; no value.
        where: The place.
    """
    if state.startswith(_FULL):
        return RejectedError(Code.STORE_FULL, f"the store has no space left ({found})", where=where)
    if state.startswith(_DENIED):
        return RejectedError(Code.STORE_DENIED, f"the store refuses the user or the operation ({found})", where=where)
    if state.startswith(_UNAVAILABLE) and state not in _GONE:
        return UnavailableError(Code.STORE_UNAVAILABLE, f"the store could not answer ({found})", where=where)
    return RejectedError(Code.STORE_REJECTED, f"the store refuses the statement or the data ({found})", where=where)


def _without_connection(driver: psycopg.OperationalError, where: str) -> PerennialError:
    # libpq's own text about the connection: host, port, user, never a password and never a row.
    found = str(driver).partition("\n")[0]
    if "FATAL" in found and not any(sign in found for sign in _PASSING):
        return RejectedError(Code.STORE_DENIED, found, where=where)
    return UnavailableError(Code.STORE_UNAVAILABLE, found, where=where)


def _about(driver: psycopg.Error) -> str:
    about = driver.diag.constraint_name or driver.diag.column_name or driver.diag.table_name
    return f" on {about}" if about else ""


def _driver(error: BaseException) -> BaseException:
    inner = error.orig if isinstance(error, exc.StatementError) else None
    return error if inner is None else inner


def _name(error: BaseException) -> str:
    return type(error).__name__


def _scrubbed(error: BaseException) -> DriverError:
    driver = _driver(error)
    state = getattr(driver, "sqlstate", None)
    return DriverError(f"{type(driver).__module__}.{_name(driver)}, SQLSTATE {state}").with_traceback(error.__traceback__)
