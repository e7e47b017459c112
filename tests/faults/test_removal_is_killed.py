"""Promise 17 when a removal, or the put before it, ends at the worst moment: what may be named by now is there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from perennial.core.digest import digest_bytes
from perennial.core.errors import UnavailableError
from perennial.stores.artifacts import disk
from perennial.stores.artifacts.disk import DiskArtifacts

pytestmark = pytest.mark.faults

MODEL = digest_bytes(b"model")
LATER = datetime(2100, 1, 1, tzinfo=UTC)


class Killed(BaseException):
    """What stands for the end of a process: nothing catches it."""


@pytest.fixture
def store(tmp_path: Path) -> DiskArtifacts:
    """A store with one old artifact."""
    made = DiskArtifacts(tmp_path)
    made.put(b"model")
    os.utime(tmp_path / MODEL[:2] / MODEL, (0, 0))
    return made


@pytest.fixture
def removed_in_part(store: DiskArtifacts, monkeypatch: pytest.MonkeyPatch) -> DiskArtifacts:
    """The same store after a removal that was killed when it had set the artifact aside, which was stored again just before."""
    looked = disk._is_younger

    def look_twice(path: Path, moment: datetime | None) -> bool:
        found = looked(path, moment)
        if path.name != MODEL:
            raise Killed
        store.put(b"model")  # the writer that names it next
        return found

    with monkeypatch.context() as patched:
        patched.setattr(disk, "_is_younger", look_twice)
        with pytest.raises(Killed):
            store.delete(MODEL, unless_stored_after=datetime.fromtimestamp(1, UTC))
    return store


READS: dict[str, Callable[[DiskArtifacts], bytes]] = {
    "get": lambda store: store.get(MODEL),
    "fetch": lambda store: store.fetch(MODEL).__enter__().read_bytes(),
    "put": lambda store: store.get(store.put(b"model")),
}


@pytest.mark.parametrize("read", READS)
def test_promise_17_what_a_killed_removal_had_set_aside_is_brought_back(
    removed_in_part: DiskArtifacts, tmp_path: Path, read: str
) -> None:
    """Whoever asks for it finds it, under its own name."""
    assert READS[read](removed_in_part) == b"model"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [MODEL]


def test_what_a_killed_removal_had_set_aside_is_listed_and_can_be_removed(removed_in_part: DiskArtifacts, tmp_path: Path) -> None:
    """So that it does not stay for ever."""
    [(digest, stored_at)] = removed_in_part.digests()
    assert (digest, stored_at > datetime.fromtimestamp(1, UTC)) == (MODEL, True)
    assert removed_in_part.delete(MODEL, unless_stored_after=LATER) is True
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_is_brought_back_counts_as_stored_now(removed_in_part: DiskArtifacts, tmp_path: Path) -> None:
    """However old it was, for nobody knows who asked for it: it stays as long as anything that was just stored."""
    [aside] = tmp_path.rglob(".gone-*")
    os.utime(aside, (0, 0))
    assert removed_in_part.get(MODEL) == b"model"
    assert removed_in_part.delete(MODEL, unless_stored_after=datetime.fromtimestamp(1, UTC)) is False


def test_two_removals_at_once_do_not_bring_it_back(removed_in_part: DiskArtifacts, tmp_path: Path) -> None:
    """What one has set aside the other removes, and does not take for asked for."""
    [aside] = tmp_path.rglob(".gone-*")
    os.utime(aside, (0, 0))
    assert removed_in_part.delete(MODEL, unless_stored_after=datetime.fromtimestamp(1, UTC)) is True
    assert list(removed_in_part.digests()) == []


def test_an_artifact_whose_name_could_not_be_flushed_is_flushed_by_the_next_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut the row that names it would name nothing, if the second put only saw that it is there."""
    store, flush = DiskArtifacts(tmp_path), os.fsync
    flushed: list[str] = []

    def failing(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        flushed.append(path.name)
        if path.name == MODEL[:2] and len(flushed) < 4:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    for _ in range(2):
        with pytest.raises(UnavailableError) as caught:
            store.put(b"model")
        assert str(caught.value) == "artifacts: could not be used (Input/output error) [STORE_UNAVAILABLE]"
    assert store.put(b"model") == MODEL
    assert flushed[1:] == [MODEL[:2], MODEL[:2], MODEL[:2], tmp_path.name]
