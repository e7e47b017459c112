"""What ADBC's drivers complain about, in our own errors. Their messages can quote rows and statements, so none travels on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from adbc_driver_manager import AdbcStatusCode, Error
from psycopg import errors

from perennial.core.codes import Code
from perennial.core.errors import DataError, PerennialError, RejectedError, UnavailableError
from perennial.stores.driver_errors import DriverError, from_sqlstate

_NO_TEXT = ("22021", "22P05")
"""SQLSTATEs of a server that cannot send its text as UTF-8. It does not say where."""
_DENIED = (AdbcStatusCode.UNAUTHENTICATED, AdbcStatusCode.UNAUTHORIZED)
_PASSING = (AdbcStatusCode.IO, AdbcStatusCode.CANCELLED, AdbcStatusCode.TIMEOUT)


@contextmanager
def adbc_errors(where: str) -> Iterator[None]:
    """Turn every error of an ADBC driver inside into one of ours, placed at *where*.

    Raises:
        UnavailableError: STORE_UNAVAILABLE, a retry may help.
        RejectedError: STORE_DENIED, STORE_FULL, STORE_REJECTED.
        DataError: DATA_ENCODING.
    """
    try:
        yield
    except (Error, OSError) as error:
        raise _translated(error, where) from _scrubbed(error)


def _translated(error: Error | OSError, where: str) -> PerennialError:
    if isinstance(error, Error) and error.sqlstate:
        found = f"{_name(error.sqlstate)}, SQLSTATE {error.sqlstate}"
        if error.sqlstate in _NO_TEXT:
            return DataError(Code.DATA_ENCODING, f"must hold text in UTF-8, holds other bytes ({found})", where=where)
        return from_sqlstate(error.sqlstate, found, where)
    status = error.status_code if isinstance(error, Error) else AdbcStatusCode.IO
    if status in _PASSING:
        return UnavailableError(Code.STORE_UNAVAILABLE, "the connection was lost, or the read was cancelled", where=where)
    if status in _DENIED:
        return RejectedError(Code.STORE_DENIED, "the store refuses the user or the operation", where=where)
    return RejectedError(Code.STORE_REJECTED, f"the driver refuses the statement or the data ({status.name})", where=where)


def _name(sqlstate: str) -> str:
    try:
        return errors.lookup(sqlstate).__name__
    except KeyError:
        return "Error"


def _scrubbed(error: Error | OSError) -> DriverError:
    kind, state = type(error), getattr(error, "sqlstate", None)
    return DriverError(f"{kind.__module__}.{kind.__name__}, SQLSTATE {state}").with_traceback(error.__traceback__)
