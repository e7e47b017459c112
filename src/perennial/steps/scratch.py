"""Temporary folders, and what is left of them when a process was killed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from perennial.core.file_errors import file_errors

PREFIX = "perennial-scratch-"
_WHERE = "scratch"


@contextmanager
def temporary_folder(scratch: Path) -> Iterator[Path]:
    """Lend an empty folder below *scratch*, which is removed after the ``with``.

    Raises:
        RejectedError: STORE_FULL, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    with file_errors(_WHERE):
        folder = TemporaryDirectory(dir=scratch, prefix=PREFIX)
    with folder as name:
        yield Path(name)


def remove_leftovers(scratch: Path, before: datetime) -> None:
    """Remove the temporary folders below *scratch* in which nothing was made or removed since *before*: their owners are gone."""
    for folder in scratch.glob(f"{PREFIX}*"):
        with file_errors(_WHERE):
            if folder.exists() and datetime.fromtimestamp(folder.stat().st_mtime, UTC) < before:
                shutil.rmtree(folder, ignore_errors=True)
