"""One file of a relation, wherever it lies."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

PARQUET = (".parquet",)
CSV = {".csv": None, ".csv.gz": "gzip", ".csv.zst": "zstd"}
"""The compression of a CSV file, by how its name ends."""
ALLOWED = "must be a .parquet, .csv, .csv.gz or .csv.zst file, or a folder that holds some"


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


@dataclass(frozen=True, slots=True)
class DiskPart:
    """A file on a disk."""

    name: str
    size: int
    path: Path

    def opened(self) -> AbstractContextManager[BinaryIO]:
        """Open it for reading from its start."""
        return self.path.open("rb")

    def local(self, spans: Iterable[tuple[int, int]], folder: Path) -> Path:  # noqa: ARG002 - all spans are there
        """Return the file itself."""
        return self.path


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
