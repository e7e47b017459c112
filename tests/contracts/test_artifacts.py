"""What every store of artifacts does: in memory, on disk, and on S3 behind a real HTTP server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from perennial.core.codes import Code
from perennial.core.digest import digest_bytes
from perennial.core.errors import ArtifactError
from perennial.ports import Artifacts
from perennial.stores.artifacts.disk import DiskArtifacts
from perennial.stores.artifacts.s3 import S3Artifacts
from perennial.testing.artifacts import MemoryArtifacts

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ABSENT = "0" * 64
_BUCKETS = count(1)


@dataclass
class Case:
    """A store, what replaces the bytes under a digest behind its back, and how finely it tells times apart."""

    store: Artifacts
    damage: Callable[[str, bytes], None]
    tick_s: float


def memory(_folder: Path, _client: S3Client) -> Case:
    """Return the store in memory."""
    store = MemoryArtifacts()
    return Case(store, store.contents.__setitem__, tick_s=1e-6)


def disk(tmp_path: Path, _client: S3Client) -> Case:
    """Return the store on disk."""

    def damage(digest: str, content: bytes) -> None:
        path = tmp_path / "store" / digest[:2] / digest
        path.unlink()
        path.write_bytes(content)

    return Case(DiskArtifacts(tmp_path / "store"), damage, tick_s=0.02)


def s3(tmp_path: Path, client: S3Client) -> Case:
    """Return the store on S3, in a bucket of its own."""
    bucket = f"artifacts-{next(_BUCKETS)}"
    client.create_bucket(Bucket=bucket)

    def damage(digest: str, content: bytes) -> None:
        client.put_object(Bucket=bucket, Key=f"models/{digest[:2]}/{digest}", Body=content)

    return Case(S3Artifacts(bucket, "models", client, scratch=tmp_path), damage, tick_s=1)


@pytest.fixture(scope="module")
def client() -> Iterator[S3Client]:
    """A client of an S3 on a free port of the loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        # moto answers 500 where two copies of one key meet, which S3 does not.
        config=Config(retries={"mode": "standard", "total_max_attempts": 8}),
    )
    server.stop()


@pytest.fixture(params=[memory, disk, s3], ids=lambda make: make.__name__)
def case(request: pytest.FixtureRequest, tmp_path: Path, client: S3Client) -> Case:
    """Each kind of store, empty."""
    made: Case = request.param(tmp_path, client)
    return made


def test_bytes_come_back_as_they_were(case: Case) -> None:
    """What is put under a digest is what get returns, whatever the bytes."""
    contents = [b"", b"model", bytes(range(256)) * 5000]
    assert contents == [case.store.get(case.store.put(content)) for content in contents]


def test_the_digest_is_the_sha_256_of_the_content(case: Case) -> None:
    """The name of bytes does not depend on the store."""
    assert digest_bytes(b"model") == case.store.put(b"model")


def test_a_file_is_stored_like_its_bytes(case: Case, tmp_path: Path) -> None:
    """A path and its bytes have one digest and one content."""
    content = os.urandom(3_000_000)
    file = tmp_path / "snapshot.parquet"
    file.write_bytes(content)
    digest = case.store.put(file)
    assert (digest_bytes(content), content) == (digest, case.store.get(digest))


def test_storing_twice_changes_nothing(case: Case) -> None:
    """The second put of the same content returns the same digest, and there is still one artifact."""
    digest = case.store.put(b"model")
    assert (digest, [digest]) == (case.store.put(b"model"), [name for name, _ in case.store.digests()])


def test_storing_again_counts_as_stored_now(case: Case) -> None:
    """Garbage collection goes by the last put, so that what is about to be named is not collected."""
    case.store.put(b"model")
    ((_, first),) = case.store.digests()
    sleep(case.tick_s)  # what the store cannot tell apart it cannot order
    case.store.put(b"model")
    ((_, second),) = case.store.digests()
    assert first < second


def test_fetch_lends_a_read_only_file_with_the_bytes(case: Case) -> None:
    """A lent file holds what was stored, and is not for writing."""
    digest = case.store.put(b"model")
    with case.store.fetch(digest) as path:
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"model", 0o444)


def test_an_error_of_the_borrower_passes_through_fetch(case: Case) -> None:
    """Only the store's own errors are translated."""
    digest = case.store.put(b"model")
    with pytest.raises(FileNotFoundError, match="the borrower's"), case.store.fetch(digest):
        raise FileNotFoundError("the borrower's")


@pytest.mark.parametrize("content", [b"modeL", b"mode", b"", b"model "], ids=["flipped", "truncated", "emptied", "longer"])
def test_promise_10_damaged_bytes_are_refused(case: Case, content: bytes) -> None:
    """Neither get nor fetch hands out bytes that are not the digest's."""
    digest = case.store.put(b"model")
    case.damage(digest, content)
    message = f"artifact {digest}: the store holds other bytes than were stored [ARTIFACT_CHECKSUM]"
    with pytest.raises(ArtifactError) as got:
        case.store.get(digest)
    with pytest.raises(ArtifactError) as fetched, case.store.fetch(digest):
        pytest.fail("was lent")
    assert [message, message] == [str(got.value), str(fetched.value)]


def test_storing_again_repairs_damaged_bytes(case: Case) -> None:
    """Content that is put over damaged bytes can be read again."""
    digest = case.store.put(b"model")
    case.damage(digest, b"modeL")
    assert case.store.get(case.store.put(b"model")) == b"model"


def test_what_is_not_there_is_missing(case: Case) -> None:
    """An unknown digest is an error that names it."""
    message = f"artifact {ABSENT}: is not in the store [ARTIFACT_MISSING]"
    with pytest.raises(ArtifactError) as got:
        case.store.get(ABSENT)
    with pytest.raises(ArtifactError) as fetched, case.store.fetch(ABSENT):
        pytest.fail("was lent")
    assert [message, message] == [str(got.value), str(fetched.value)]


@pytest.mark.parametrize("text", ["", "../../etc/passwd", "0" * 63, "A" * 64, "0" * 64 + "\n", "/" * 64])
def test_what_is_no_digest_reaches_no_path(case: Case, text: str) -> None:
    """Anything but 64 lower-case hexadecimal digits is refused by all verbs."""
    for verb in (case.store.get, case.store.delete, lambda digest: case.store.fetch(digest).__enter__()):
        with pytest.raises(ArtifactError) as error:
            verb(text)
        assert error.value.code == Code.ARTIFACT_MISSING


def test_digests_are_listed_in_order_with_their_time(case: Case) -> None:
    """Every artifact is listed once, with a moment in UTC that is now."""
    stored = sorted(case.store.put(bytes([number])) for number in range(5))
    listed = list(case.store.digests())
    assert stored == [digest for digest, _ in listed]
    assert all(abs(at - datetime.now(UTC)) < timedelta(minutes=1) and at.utcoffset() == timedelta(0) for _, at in listed)


def test_an_empty_store_lists_nothing(case: Case) -> None:
    """There is no fault in being new."""
    assert list(case.store.digests()) == []


def test_what_was_deleted_is_gone(case: Case) -> None:
    """Delete removes one artifact and no other, and may be repeated."""
    digest, other = case.store.put(b"old"), case.store.put(b"new")
    assert [case.store.delete(digest), case.store.delete(digest)] == [True, False]
    assert [other] == [name for name, _ in case.store.digests()]
    with pytest.raises(ArtifactError):
        case.store.get(digest)


def test_promise_17_what_was_stored_again_is_not_deleted(case: Case) -> None:
    """A collection that saw an artifact before it was stored again leaves it; what is not younger than it says goes."""
    case.store.put(b"model")
    ((digest, seen),) = case.store.digests()
    sleep(case.tick_s)  # what the store cannot tell apart it cannot order
    case.store.put(b"model")
    ((_, renewed),) = case.store.digests()
    assert case.store.delete(digest, unless_stored_after=seen) is False
    assert case.store.get(digest) == b"model"
    assert case.store.delete(digest, unless_stored_after=renewed) is True
    assert list(case.store.digests()) == []


def test_many_writers_of_one_content_all_succeed(case: Case) -> None:
    """Threads that put the same bytes at once all get the digest, and one artifact is there."""
    content = bytes(range(256)) * 1000
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(lambda _: case.store.put(content), range(16)))
    assert ({digest_bytes(content)}, content) == (set(digests), case.store.get(digests[0]))
    assert [digests[0]] == [name for name, _ in case.store.digests()]
