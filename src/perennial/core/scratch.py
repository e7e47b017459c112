"""Temporary folders below the folder that is there for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from perennial.core.file_errors import file_errors

PREFIX = "perennial-scratch-"
"""How the name of each begins, so that a collection finds what a killed process left."""
WHERE = "scratch"
"""The place that errors name."""


@contextmanager
def temporary_folder(scratch: Path | None) -> Iterator[Path]:
    """Lend an empty folder below *scratch*, or in the system's own place, which is removed after the ``with``.

    What cannot be removed then stays, and is no error: nobody needs it, and a collection removes it later.

    Raises:
        RejectedError: STORE_FULL, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    with file_errors(WHERE):
        folder = TemporaryDirectory(dir=scratch, prefix=PREFIX, ignore_cleanup_errors=True)
    with folder as name:
        yield Path(name)
