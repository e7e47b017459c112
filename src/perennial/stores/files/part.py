"""One file of a relation, wherever it lies."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from perennial.core.codes import Code
from perennial.core.errors import UnavailableError

PARQUET = (".parquet",)
CSV = {".csv": None, ".csv.gz": "gzip", ".csv.zst": "zstd"}
"""The compression of a CSV file, by how its name ends."""
ALLOWED = "must be a .parquet, .csv, .csv.gz or .csv.zst file, or a folder that holds some"

WHOLE = "Write under a name that begins with a dot or an underscore, and rename the file when it is whole."


class FilePart(Protocol):
    """A file that can be read from its start, and by ranges.

    Attributes:
        name: Its path below the connection's root, for messages.
        size: Its bytes.
    """

    @property
    def name(self) -> str:
        """The path below the connection's root."""
        ...

    @property
    def size(self) -> int:
        """How many bytes are stored."""
        ...

    def opened(self) -> AbstractContextManager[BinaryIO]:
        """Open it for reading from its start."""
        ...

    def local(self, spans: Iterable[tuple[int, int]], folder: Path) -> Path:
        """Return a local file of the same size that holds at least the *spans* (start, bytes), each at its place.

        Called again, it adds to the file that it made in *folder*.
        """
        ...

    def require_unchanged(self) -> None:
        """See to it that everything that was read of it so far is of one file, as it was when it was listed.

        Raises:
            UnavailableError: STORE_UNAVAILABLE, it was written to, or replaced.
        """
        ...


@dataclass(frozen=True, slots=True)
class DiskPart:
    """A file on a disk, as it was when it was listed.

    Attributes:
        name: Its path below the connection's root, for messages.
        path: Where it is.
        listed: What the disk said about it then.
    """

    name: str
    path: Path
    listed: os.stat_result

    @property
    def size(self) -> int:
        """How many bytes were stored."""
        return self.listed.st_size

    def opened(self) -> AbstractContextManager[BinaryIO]:
        """Open it for reading from its start."""
        return self.path.open("rb")

    def local(self, spans: Iterable[tuple[int, int]], folder: Path) -> Path:  # noqa: ARG002 - all spans are there
        """Return the file itself."""
        return self.path

    def require_unchanged(self) -> None:
        """Refuse a file that was written to or replaced since it was listed."""
        if _identity(self.path.stat()) != _identity(self.listed):
            raise UnavailableError(Code.STORE_UNAVAILABLE, "was changed while it was read", where=self.name, fix=WHOLE)


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def is_data(name: str) -> bool:
    """Return whether a file of this *name* holds rows.

    Examples:
        >>> is_data("demand.csv.gz"), is_data("readme.txt")
        (True, False)
    """
    return name.endswith((*PARQUET, *CSV))


def compression(name: str) -> str | None:
    """Return how the CSV file *name* is compressed, or None."""
    return next((codec for ending, codec in CSV.items() if codec and name.endswith(ending)), None)
