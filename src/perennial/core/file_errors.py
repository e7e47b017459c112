"""What the operating system says about files, in our words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from perennial.core.codes import Code
from perennial.core.errors import PerennialError, RejectedError, UnavailableError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def file_errors(where: str) -> Iterator[None]:
    """Turn every OSError inside into one of ours.

    Args:
        where: The store, for the message.

    Raises:
        RejectedError: STORE_FULL, STORE_DENIED, STORE_ESCAPE (a symbolic link where none may be).
        UnavailableError: STORE_UNAVAILABLE, anything else.
    """
    try:
        yield
    except OSError as error:
        raise _translated(error, where) from error


def _translated(error: OSError, where: str) -> PerennialError:
    if error.errno in _FULL:
        return RejectedError(Code.STORE_FULL, "has no space left", where=where, fix="Free some space, or run perennial gc.")
    if error.errno in _DENIED:
        return RejectedError(Code.STORE_DENIED, "does not let this user read or write", where=where)
    if error.errno == errno.ELOOP:
        return RejectedError(Code.STORE_ESCAPE, "must not hold symbolic links", where=where)
    return UnavailableError(Code.STORE_UNAVAILABLE, f"could not be used ({error.strerror or 'no reason given'})", where=where)
