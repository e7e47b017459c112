"""What the operating system says, in our words."""

from __future__ import annotations

import errno
import os

import pytest

from perennial.core.errors import PerennialError, RejectedError, UnavailableError
from perennial.core.file_errors import file_errors


@pytest.mark.parametrize(
    ("number", "kind", "message"),
    [
        (errno.ENOSPC, RejectedError, "store: has no space left [STORE_FULL]"),
        (errno.EDQUOT, RejectedError, "store: has no space left [STORE_FULL]"),
        (errno.EACCES, RejectedError, "store: does not let this user read or write [STORE_DENIED]"),
        (errno.EROFS, RejectedError, "store: does not let this user read or write [STORE_DENIED]"),
        (errno.ELOOP, RejectedError, "store: must not hold symbolic links [STORE_ESCAPE]"),
        (errno.EIO, UnavailableError, "store: could not be used (Input/output error) [STORE_UNAVAILABLE]"),
        (errno.ESTALE, UnavailableError, "store: could not be used (Stale file handle) [STORE_UNAVAILABLE]"),
    ],
)
def test_each_error_of_the_system_has_a_code(number: int, kind: type[PerennialError], message: str) -> None:
    """A full disk and a missing right are not worth a retry; an I/O error is."""
    with pytest.raises(kind) as error, file_errors("store"):
        raise OSError(number, os.strerror(number), "/secret/path")
    assert message == str(error.value)


def test_what_is_not_of_the_system_passes_through() -> None:
    """Only OSError is translated."""
    with pytest.raises(ZeroDivisionError), file_errors("store"):
        1 / 0  # noqa: B018 - the error is the subject
