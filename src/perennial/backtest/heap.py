"""Artifacts that can all be made again: files by digest, verified when they are read, and not flushed when they are written."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from perennial.backtest.whole import write_whole
from perennial.core.digest import digest_bytes, digest_file
from perennial.core.file_errors import file_errors
from perennial.stores.artifacts.digest import missing, valid_digest, verified

_WHERE = "backtest cache"
_HELD = 64 << 20
"""So many bytes of what was used last are held in memory."""


class Heap:
    """The port ``Artifacts`` over a folder that several processes may use at once. What a power cut damages is made again."""

    def __init__(self, root: Path) -> None:
        """Use *root*, which is made with the first artifact."""
        self._root, self._held, self._bytes = root, OrderedDict[str, bytes](), 0
        self._seen, self._lock = set[str](), Lock()

    def put(self, content: bytes | Path) -> str:
        """Store *content*; see ``ports.Artifacts``."""
        with file_errors(_WHERE):
            held = content if isinstance(content, bytes) else content.read_bytes()
            digest = digest_bytes(held)
            if not self.holds(digest):
                write_whole(self._path(digest), held)
                self._seen.add(digest)
        self._hold(digest, held)
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes under *digest*; see ``ports.Artifacts``."""
        held = self._held.get(digest)
        if held is not None:
            return held
        path = self._path(digest)
        with file_errors(_WHERE):
            found = path.read_bytes() if path.is_file() else None
        content = verified(found, digest)
        self._seen.add(digest)
        self._hold(digest, content)
        return content

    @contextmanager
    def fetch(self, digest: str) -> Iterator[Path]:
        """Lend the file; see ``ports.Artifacts``."""
        if not self.holds(digest):
            raise missing(digest)
        yield self._path(digest)

    def holds(self, digest: str) -> bool:
        """Return whether *digest* is there whole. Its file is read the first time that this is asked."""
        if digest in self._seen:
            return True
        path = self._path(digest)
        with file_errors(_WHERE):
            whole = path.is_file() and digest_file(path) == digest
        if whole:
            self._seen.add(digest)
        return whole

    def digests(self) -> Iterator[tuple[str, datetime]]:
        """Yield every digest; see ``ports.Artifacts``."""
        found = ((path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC)) for path in self._root.glob("??/*"))
        yield from sorted(found)

    def delete(self, digest: str, *, unless_stored_after: datetime | None = None) -> bool:
        """Leave everything as it is: whoever wants the room removes the folder."""
        del digest, unless_stored_after
        return False

    def _hold(self, digest: str, content: bytes) -> None:
        with self._lock:  # threads that fit ahead put and get, too
            self._bytes += len(content) - len(self._held.pop(digest, b""))
            self._held[digest] = content
            while self._bytes > _HELD and len(self._held) > 1:
                self._bytes -= len(self._held.popitem(last=False)[1])

    def _path(self, digest: str) -> Path:
        return self._root / valid_digest(digest)[:2] / digest
