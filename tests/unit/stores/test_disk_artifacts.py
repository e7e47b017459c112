"""What only the disk does."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from perennial.core.digest import digest_bytes
from perennial.core.errors import PerennialError, RejectedError
from perennial.stores.artifacts import disk
from perennial.stores.artifacts.digest import chunks_of
from perennial.stores.artifacts.disk import DiskArtifacts

MODEL = digest_bytes(b"model")


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Let this process write no file larger than *size* bytes, like a disk that fills up."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def files(root: Path) -> list[str]:
    """Return every file below *root*, hidden ones too."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_file_lies_under_its_digest_and_is_read_only(tmp_path: Path) -> None:
    """The layout is part of the promise: it is what people see on their disk."""
    DiskArtifacts(tmp_path).put(b"model")
    (path,) = tmp_path.rglob("*/*")
    assert (f"{MODEL[:2]}/{MODEL}", 0o444) == (str(path.relative_to(tmp_path)), path.stat().st_mode & 0o777)


@pytest.mark.parametrize("as_file", [False, True])
def test_a_put_that_fails_half_way_leaves_nothing(tmp_path: Path, as_file: bool) -> None:
    """When the disk fills up in the middle, no part of the content stays, under any name."""
    content: bytes | Path = os.urandom(300_000)
    if isinstance(content, bytes) and as_file:
        source = tmp_path / "snapshot"
        source.write_bytes(content)
        content = source
    store = DiskArtifacts(tmp_path / "store")
    with pytest.raises(RejectedError) as error, files_up_to(200_000):
        store.put(content)
    assert (
        str(error.value),
        list(store.digests()),
        files(tmp_path / "store"),
    ) == ("artifacts: has no space left [STORE_FULL]", [], [])


def test_a_put_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """Other artifacts are not touched."""
    store = DiskArtifacts(tmp_path)
    store.put(b"model")
    with pytest.raises(RejectedError), files_up_to(1000):
        store.put(bytes(2000))
    assert store.get(MODEL) == b"model"


def test_what_is_removed_while_it_is_listed_is_left_out(tmp_path: Path) -> None:
    """A name whose file is gone: here a link to nowhere, otherwise one that another process removed a moment ago."""
    store = DiskArtifacts(tmp_path)
    stays, goes = store.put(b"stays"), store.put(b"goes")
    path = tmp_path / goes[:2] / goes
    path.unlink()
    path.symlink_to(tmp_path / "nowhere")
    assert [digest for digest, _ in store.digests()] == [stays]


def test_what_a_killed_writer_left_is_not_listed(tmp_path: Path) -> None:
    """A half-written file has no digest for a name."""
    store = DiskArtifacts(tmp_path)
    store.put(b"model")
    (tmp_path / MODEL[:2] / ".put-x7f3").write_bytes(b"mod")
    assert [digest for digest, _ in store.digests()] == [MODEL]


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_a_symbolic_link_out_of_the_store_is_refused(tmp_path: Path, linked: str) -> None:
    """Neither reading nor writing follows it, even where its target holds the right bytes."""
    outside, root = tmp_path / "outside", tmp_path / "root"
    (outside / MODEL[:2]).mkdir(parents=True)
    (outside / MODEL[:2] / MODEL).write_bytes(b"model")
    root.mkdir()
    if linked == "folder":
        (root / MODEL[:2]).symlink_to(outside / MODEL[:2])
    else:
        (root / MODEL[:2]).mkdir()
        (root / MODEL[:2] / MODEL).symlink_to(outside / MODEL[:2] / MODEL)
    store = DiskArtifacts(root)
    for verb in (store.get, lambda digest: store.fetch(digest).__enter__(), store.delete, lambda _: store.put(b"model")):
        with pytest.raises(RejectedError) as error:
            verb(MODEL)
        assert str(error.value) == "artifacts: must not hold symbolic links [STORE_ESCAPE]"
    assert (outside / MODEL[:2] / MODEL).read_bytes() == b"model"


def test_a_root_behind_a_link_is_fine(tmp_path: Path) -> None:
    """Where the store itself lies is the operator's choice."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    store = DiskArtifacts(tmp_path / "link")
    assert store.get(store.put(b"model")) == b"model"


def test_promise_17_a_put_in_the_middle_of_a_removal_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It renews what the removal found old a moment ago, so that is brought back."""
    store = DiskArtifacts(tmp_path)
    store.put(b"model")
    os.utime(tmp_path / MODEL[:2] / MODEL, (0, 0))
    looked = disk._stored_at

    def look_and_put(path: Path) -> datetime:
        found = looked(path)
        if not path.name.startswith("."):
            store.put(b"model")
        return found

    monkeypatch.setattr(disk, "_stored_at", look_and_put)
    assert store.delete(MODEL, unless_stored_after=datetime.fromtimestamp(1, UTC)) is False
    assert (store.get(MODEL), files(tmp_path)) == (b"model", [f"{MODEL[:2]}/{MODEL}"])


def test_promise_17_a_removal_in_the_middle_of_a_put_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the put found a moment ago is gone, so it writes it anew."""
    store = DiskArtifacts(tmp_path)
    store.put(b"model")
    holds = store._holds

    def look_and_remove(path: Path, digest: str) -> bool:
        found = holds(path, digest)
        assert store.delete(digest)
        return found

    monkeypatch.setattr(store, "_holds", look_and_remove)
    assert (store.put(b"model"), store.get(MODEL)) == (MODEL, b"model")


def test_a_store_that_is_no_folder_is_unavailable(tmp_path: Path) -> None:
    """An error of the system becomes one of ours."""
    (tmp_path / "store").touch()
    with pytest.raises(PerennialError) as error:
        DiskArtifacts(tmp_path / "store").put(b"model")
    assert str(error.value) == "artifacts: could not be used (Not a directory) [STORE_UNAVAILABLE]"


def test_content_that_cannot_be_read_is_not_stored(tmp_path: Path) -> None:
    """The fault names the file and not the store."""
    store = DiskArtifacts(tmp_path / "store")
    with pytest.raises(PerennialError) as error:
        store.put(tmp_path / "missing.parquet")
    assert (
        str(error.value),
        list(store.digests()),
    ) == ("missing.parquet: could not be used (No such file or directory) [STORE_UNAVAILABLE]", [])


def test_what_killed_writers_left_goes_when_it_is_a_day_old(tmp_path: Path) -> None:
    """The next put removes it; what is being written at the moment stays."""
    abandoned, young = tmp_path / ".put-old", tmp_path / ".put-young"
    for path in (abandoned, young):
        path.write_bytes(b"mod")
    os.utime(abandoned, (0, 0))
    DiskArtifacts(tmp_path).put(b"model")
    assert [".put-young", f"{MODEL[:2]}/{MODEL}"] == files(tmp_path)


def test_a_file_is_read_once_and_a_put_leaves_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is hashed while it is copied; stored again, the copy is dropped."""
    source, store = tmp_path / "snapshot", DiskArtifacts(tmp_path / "store")
    source.write_bytes(b"model")
    read: list[bytes] = []

    def noted(content: bytes | Path) -> Iterator[bytes]:
        for chunk in chunks_of(content):
            read.append(chunk)
            yield chunk

    monkeypatch.setattr(disk, "chunks_of", noted)
    monkeypatch.setattr(disk, "digest_file", lambda path: pytest.fail(f"{path} is read again"))
    assert (store.put(source), read) == (MODEL, [b"model"])
    monkeypatch.undo()
    assert store.put(source) == MODEL
    assert [f"{MODEL[:2]}/{MODEL}"] == files(tmp_path / "store")


def test_a_file_is_on_the_disk_before_its_digest_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes, then its name, then the folder's own name."""
    store, flushed = DiskArtifacts(tmp_path), list[str]()
    flush = os.fsync

    def noted(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        flushed.append(path.name[:5] if path.is_file() else str(path.relative_to(tmp_path)))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    store.put(b"model")
    assert flushed == [".put-", MODEL[:2], "."]


def test_a_fetched_file_is_the_store_s_own(tmp_path: Path) -> None:
    """Nothing is copied, so a large snapshot costs no second disk."""
    store = DiskArtifacts(tmp_path)
    with store.fetch(store.put(b"model")) as path:
        assert tmp_path / MODEL[:2] / MODEL == path
