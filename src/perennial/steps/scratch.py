"""What is left of temporary folders when a process was killed."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from perennial.core.file_errors import file_errors
from perennial.core.scratch import PREFIX, WHERE


def remove_leftovers(scratch: Path, before: datetime) -> None:
    """Remove the temporary folders below *scratch* in which nothing was made or removed since *before*: their owners are gone."""
    for folder in scratch.glob(f"{PREFIX}*"):
        with file_errors(WHERE), suppress(FileNotFoundError):
            if datetime.fromtimestamp(folder.stat().st_mtime, UTC) < before:
                shutil.rmtree(folder, ignore_errors=True)
