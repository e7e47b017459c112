"""A file that is there whole, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.file_errors import file_errors

_MODE = 0o666
"""Less what the user's umask takes away, as for any other file."""


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """Lend a file to write to, which becomes *path* when the block ends well, and is removed when it does not.

    Args:
        path: In a folder that is there.
        force: Replace a file that is there.

    Raises:
        RejectedError: STORE_REJECTED, *path* is taken or cannot be a file; STORE_FULL, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    where = str(path)
    with file_errors(where):
        if path.is_dir() or not path.parent.is_dir():
            raise RejectedError(Code.STORE_REJECTED, "must be a file's name in a folder that is there", where=where)
        if path.exists() and not force:
            raise taken(where)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _name(temporary, path, force=force)
        finally:
            temporary.unlink(missing_ok=True)


def taken(where: str) -> RejectedError:
    """Return the error for a place where something is already."""
    return RejectedError(Code.STORE_REJECTED, "is there already", where=where, fix="Choose another name, or add --force.")


def _name(temporary: Path, path: Path, *, force: bool) -> None:
    if force:
        temporary.replace(path)
    else:
        try:
            path.hardlink_to(temporary)  # unlike a renaming, this never replaces what somebody put there in the meantime
        except FileExistsError:
            raise taken(str(path)) from None
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
