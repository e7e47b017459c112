"""Artifacts that can all be made again: files by digest, verified when they are read, and not flushed when they are written."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from perennial.backtest.whole import write_whole
from perennial.core.digest import digest_bytes
from perennial.core.file_errors import file_errors
from perennial.stores.artifacts.digest import damaged, missing, valid_digest

_WHERE = "backtest cache"
_HELD = 64 << 20
"""So many bytes of what was used last are held in memory."""


class Heap:
    """The port ``Artifacts`` over a folder that several processes may use at once. What a power cut damages is made again."""

    def __init__(self, root: Path) -> None:
        """Use *root*, which is made with the first artifact."""
        self._root, self._held, self._bytes = root, OrderedDict[str, bytes](), 0

    def put(self, content: bytes | Path) -> str:
        """Store *content*; see ``ports.Artifacts``."""
        with file_errors(_WHERE):
            held = content if isinstance(content, bytes) else content.read_bytes()
            digest = digest_bytes(held)
            if digest not in self._held and not self._path(digest).exists():
                write_whole(self._path(digest), held)
        self._hold(digest, held)
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes under *digest*; see ``ports.Artifacts``."""
        if digest in self._held:
            self._held.move_to_end(digest)
            return self._held[digest]
        path = self._path(digest)
        with file_errors(_WHERE):
            content = path.read_bytes() if path.is_file() else None
        if content is None:
            raise missing(digest)
        if digest_bytes(content) != digest:
            path.unlink(missing_ok=True)
            raise damaged(digest)
        self._hold(digest, content)
        return content

    @contextmanager
    def fetch(self, digest: str) -> Iterator[Path]:
        """Lend the file; see ``ports.Artifacts``."""
        self.get(digest)
        yield self._path(digest)

    def holds(self, digest: str) -> bool:
        """Return whether *digest* is there, without reading it."""
        return digest in self._held or self._path(digest).is_file()

    def digests(self) -> Iterator[tuple[str, datetime]]:
        """Yield every digest; see ``ports.Artifacts``."""
        found = ((path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC)) for path in self._root.glob("??/*"))
        yield from sorted(found)

    def delete(self, digest: str, *, unless_stored_after: datetime | None = None) -> bool:
        """Leave everything as it is: whoever wants the room removes the folder."""
        del digest, unless_stored_after
        return False

    def _hold(self, digest: str, content: bytes) -> None:
        if digest not in self._held:
            self._bytes += len(content)
        self._held[digest] = content
        self._held.move_to_end(digest)
        while self._bytes > _HELD and len(self._held) > 1:
            self._bytes -= len(self._held.popitem(last=False)[1])

    def _path(self, digest: str) -> Path:
        return self._root / valid_digest(digest)[:2] / digest
