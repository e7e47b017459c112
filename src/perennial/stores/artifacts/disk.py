"""Keeps artifacts as files, each under its digest: ``root/ab/abcd…``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

from perennial.core.codes import Code
from perennial.core.digest import digest_bytes, digest_file
from perennial.core.errors import RejectedError
from perennial.core.file_errors import file_errors
from perennial.stores.artifacts.digest import chunks_of, damaged, is_digest, missing, valid_digest, verified, write_digested

_WHERE = "artifacts"
_READ_ONLY = 0o444
_UNFINISHED = ".put-"
_ASIDE = ".gone-"
_ABANDONED = timedelta(days=1)
"""A file that is this much older than one that is just being written is not being written any more."""


class DiskArtifacts:
    """A folder of read-only files. Several processes may use it at once.

    A file appears under its digest only when all of its bytes are on the disk. What a killed writer leaves behind is a hidden
    file that nothing reads, and that a put removes when it is a day old. What a killed removal had set aside is still there: it
    is listed, and whoever asks for it brings it back.
    """

    def __init__(self, root: Path) -> None:
        """Use *root*, which is made with the first artifact."""
        self._root = root.resolve()

    def __repr__(self) -> str:
        """Return the folder."""
        return f"DiskArtifacts({str(self._root)!r})"

    def put(self, content: bytes | Path) -> str:
        """Store *content*; see ``ports.Artifacts``. Content that is there already is verified, and replaced if it is damaged."""
        if isinstance(content, bytes) and self._stands(digest := digest_bytes(content)):
            return digest
        with file_errors(_WHERE):
            return self._write(content)

    def get(self, digest: str) -> bytes:
        """Return the bytes under *digest*, verified; see ``ports.Artifacts``."""
        path = self._standing(digest)
        with file_errors(_WHERE):
            content = path.read_bytes() if path.is_file() else None
        return verified(content, digest)

    @contextmanager
    def fetch(self, digest: str) -> Iterator[Path]:
        """Lend the store's own file, verified; see ``ports.Artifacts``."""
        path = self._standing(digest)
        with file_errors(_WHERE):
            if not path.is_file():
                raise missing(digest)
            if digest_file(path) != digest:
                raise damaged(digest)
        yield path

    def digests(self) -> Iterator[tuple[str, datetime]]:
        """Yield every digest with the time it was last stored, in order; see ``ports.Artifacts``."""
        with file_errors(_WHERE):
            found = list(_stored(self._root))
        yield from sorted(dict(sorted(found)).items())

    def delete(self, digest: str, *, unless_stored_after: datetime | None = None) -> bool:
        """Remove *digest*, if it is there and not too young; see ``ports.Artifacts``.

        It is set aside before its time is believed. A put that came before renewed the time, so it is brought back; one that
        comes afterwards does not find it, and writes it anew. So no put is lost, without a lock.
        """
        path = self._path(digest)
        aside = _aside(path)
        with file_errors(_WHERE), suppress(FileNotFoundError):  # another removal was faster, or it was brought back
            if path.exists():
                if _is_younger(path, unless_stored_after):
                    return False
                path.replace(aside)
            if _is_younger(aside, unless_stored_after):
                aside.replace(path)
                return False
            aside.unlink()
            return True
        return False

    def _path(self, digest: str) -> Path:
        path = self._root / valid_digest(digest)[:2] / digest
        if path.resolve() != path:
            raise RejectedError(Code.STORE_ESCAPE, "must not hold symbolic links", where=_WHERE)
        return path

    def _standing(self, digest: str) -> Path:
        """Return where *digest* lies. If a removal was killed after it had set it aside, it is brought back, as stored now.

        Somebody may have stored it again just before, and named it since. Where a removal is still at it, it gives way.
        """
        path = self._path(digest)
        aside = _aside(path)
        with file_errors(_WHERE), suppress(FileNotFoundError):
            if not path.exists():
                os.utime(aside)
                aside.replace(path)
        return path

    def _holds(self, path: Path, digest: str) -> bool:
        return path.is_file() and digest_file(path) == digest

    def _stands(self, digest: str) -> bool:
        """Make *digest* count as stored now, and return whether its bytes are there.

        Its name is flushed again: whoever stored it may have been killed before it was, or may have been told that it could not be.
        """
        path = self._standing(digest)
        with file_errors(_WHERE):
            stands = self._holds(path, digest) and _renewed(path)
            if stands:
                self._sync_names(path)
            return stands

    def _write(self, content: bytes | Path) -> str:
        """Copy *content* into the store's folder, and give it its name when all is there. A file is hashed while it is copied."""
        if not self._root.exists():
            self._root.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._root, prefix=_UNFINISHED, delete=False) as file:
            temporary = Path(file.name)
            try:
                digest = write_digested(chunks_of(content), file)
                if isinstance(content, Path) and self._stands(digest):
                    temporary.unlink()
                    return digest
                file.flush()
                os.fchmod(file.fileno(), _READ_ONLY)
                os.fsync(file.fileno())
                self._name(temporary, digest)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        return digest

    def _name(self, temporary: Path, digest: str) -> None:
        path = self._path(digest)
        path.parent.mkdir(exist_ok=True)
        _remove_abandoned(self._root, _stored_at(temporary) - _ABANDONED)
        temporary.replace(path)
        self._sync_names(path)

    def _sync_names(self, path: Path) -> None:
        """Make the name of *path* survive a power cut."""
        _sync(path.parent)
        _sync(self._root)


def _stored(root: Path) -> Iterator[tuple[str, datetime]]:
    for path in root.glob("??/*"):
        digest = path.name.removeprefix(_ASIDE)
        with suppress(FileNotFoundError):  # removed since it was listed
            if is_digest(digest):
                yield digest, _stored_at(path)


def _remove_abandoned(root: Path, before: datetime) -> None:
    """Remove what writers that were killed left in *root*."""
    for path in root.glob(f"{_UNFINISHED}*"):
        with suppress(FileNotFoundError):  # another put was faster
            if _stored_at(path) < before:
                path.unlink()


def _aside(path: Path) -> Path:
    """Return the name of *path* while it is being removed."""
    return path.with_name(f"{_ASIDE}{path.name}")


def _stored_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _is_younger(path: Path, moment: datetime | None) -> bool:
    return moment is not None and _stored_at(path) > moment


def _renewed(path: Path) -> bool:
    """Make *path* count as stored now, and return whether it was still there."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _sync(folder: Path) -> None:
    """Make the names in *folder* survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
