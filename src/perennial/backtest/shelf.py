"""What was found once, on disk, under a key that names all that it depends on."""

from __future__ import annotations

import fcntl
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from perennial.backtest.heap import Heap
from perennial.backtest.whole import write_whole
from perennial.core.digest import digest_bytes
from perennial.core.file_errors import file_errors

_WHERE = "backtest cache"
_HELD = 512
_DIGEST = 64


class Shelf:
    """Entries by key, beside the artifacts that they name. Two processes may use one folder at once.

    An entry is its SHA-256 and its content. One that is damaged, or names an artifact that is gone, is as good as none.
    """

    def __init__(self, root: Path) -> None:
        """Use the folder *root*, which is made with the first entry."""
        self._root = root
        self._held, self._lock = OrderedDict[str, bytes](), Lock()
        self.artifacts = Heap(root / "artifacts")

    def once(self, key: str, make: Callable[[], bytes], needed: Callable[[bytes], Iterable[str]] = lambda _: ()) -> bytes:
        """Return the entry under *key*; where there is none, *make* it.

        Args:
            key: SHA-256 of all that the entry depends on.
            make: Returns the content, and stores what it names.
            needed: Yields the digests of the artifacts that the content names; each is there when the next one is asked for.
        """
        found = self.find(key)
        if found is None or not all(map(self.artifacts.holds, needed(found))):
            found = make()
            self.keep(key, found)
        return found

    def find(self, key: str) -> bytes | None:
        """Return the entry under *key*, or None."""
        held = self._held.get(key)
        if held is not None:
            return held
        path = self._path(key)
        with file_errors(_WHERE):
            content = path.read_bytes() if path.is_file() else b""
        digest, found = content[:_DIGEST], content[_DIGEST:]
        if not content or digest_bytes(found).encode() != digest:
            return None
        self._hold(key, found)
        return found

    def keep(self, key: str, content: bytes) -> None:
        """Put *content* under *key*."""
        with file_errors(_WHERE):
            write_whole(self._path(key), digest_bytes(content).encode() + content)
        self._hold(key, content)

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Let one process at a time be at *key*; the others wait. It ends with the process that holds it."""
        with file_errors(_WHERE):
            path = self._path(key).with_suffix(".lock")
            path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
            path.unlink(missing_ok=True)  # who waits for it still has it; who comes later looks at the shelf first

    def _hold(self, key: str, content: bytes) -> None:
        with self._lock:  # threads that fit ahead look, too
            self._held[key] = content
            self._held.move_to_end(key)
            while len(self._held) > _HELD:
                self._held.popitem(last=False)

    def _path(self, key: str) -> Path:
        return self._root / "found" / key[:2] / key
