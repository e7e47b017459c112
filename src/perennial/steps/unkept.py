"""Artifacts that are made for a look, and forgotten.

No store: it keeps nothing, and needs nothing but the port. It is here, and not among the stores, as only a step ever lays it over
the artifacts that it is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from perennial.core.digest import digest_bytes
from perennial.core.scratch import temporary_folder
from perennial.ports import Artifacts


class Unkept:
    """Reads from *artifacts*, and holds in memory what is put: the port ``Artifacts`` without a trace."""

    def __init__(self, artifacts: Artifacts, scratch: Path) -> None:
        """Start empty.

        Args:
            artifacts: Where everything else is.
            scratch: The folder for temporary files.
        """
        self._artifacts, self._scratch = artifacts, scratch
        self._made: dict[str, bytes] = {}

    def put(self, content: bytes | Path) -> str:
        """Hold *content*; see ``ports.Artifacts``."""
        held = content if isinstance(content, bytes) else content.read_bytes()
        digest = digest_bytes(held)
        self._made[digest] = held
        return digest

    def get(self, digest: str) -> bytes:
        """Return what is held or stored; see ``ports.Artifacts``."""
        return self._made[digest] if digest in self._made else self._artifacts.get(digest)

    @contextmanager
    def fetch(self, digest: str) -> Iterator[Path]:
        """Lend a file with what is held or stored; see ``ports.Artifacts``."""
        if digest not in self._made:
            with self._artifacts.fetch(digest) as path:
                yield path
            return
        with temporary_folder(self._scratch) as folder:
            path = folder / digest
            path.write_bytes(self._made[digest])
            yield path

    def digests(self) -> Iterator[tuple[str, datetime]]:
        """Yield what is stored; what is held is nobody's to collect."""
        return self._artifacts.digests()

    def delete(self, digest: str, *, unless_stored_after: datetime | None = None) -> bool:
        """Leave everything as it is."""
        del digest, unless_stored_after
        return False
