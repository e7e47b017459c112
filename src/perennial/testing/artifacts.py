"""A store of artifacts in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from perennial.core.file_errors import file_errors
from perennial.stores.artifacts.digest import chunks_of, digest_of, valid_digest, verified


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryArtifacts:
    """Artifacts in a dictionary, for tests. It passes the same contract tests as the stores on disk and on S3.

    Attributes:
        contents: The bytes by digest, for tests that damage them.

    Examples:
        >>> artifacts = MemoryArtifacts()
        >>> artifacts.get(artifacts.put(b"model"))
        b'model'
    """

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        """Start empty.

        Args:
            clock: Returns the time at which something is stored.
        """
        self.contents: dict[str, bytes] = {}
        self._stored_at: dict[str, datetime] = {}
        self._clock = clock
        self._one_at_a_time = Lock()

    def put(self, content: bytes | Path) -> str:
        """Store *content*; see ``ports.Artifacts``."""
        digest = digest_of(content)
        with self._one_at_a_time, file_errors("content"):
            self.contents[digest] = b"".join(chunks_of(content))
            self._stored_at[digest] = self._clock()
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes under *digest*, verified; see ``ports.Artifacts``."""
        return verified(self.contents.get(valid_digest(digest)), digest)

    @contextmanager
    def fetch(self, digest: str) -> Iterator[Path]:
        """Lend a temporary file; see ``ports.Artifacts``."""
        content = self.get(digest)
        with TemporaryDirectory() as folder:
            path = Path(folder) / digest
            path.write_bytes(content)
            path.chmod(0o444)
            yield path

    def digests(self) -> Iterator[tuple[str, datetime]]:
        """Yield every digest with the time it was last stored, in order; see ``ports.Artifacts``."""
        with self._one_at_a_time:
            found = sorted(self._stored_at.items())
        yield from found

    def delete(self, digest: str, *, unless_stored_after: datetime | None = None) -> bool:
        """Remove *digest*, if it is there and not too young; see ``ports.Artifacts``."""
        with self._one_at_a_time:
            stored_at = self._stored_at.get(valid_digest(digest))
            if stored_at is None or (unless_stored_after is not None and stored_at > unless_stored_after):
                return False
            del self.contents[digest], self._stored_at[digest]
            return True
