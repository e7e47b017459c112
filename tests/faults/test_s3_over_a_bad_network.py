"""Artifacts on S3 over a network that cuts, delays and changes bytes, and a store that answers 503 and 412: all converges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pytest
from moto.server import ThreadedMotoServer

from perennial.core.codes import Code
from perennial.core.digest import digest_bytes
from perennial.core.errors import PerennialError
from perennial.stores.artifacts.s3 import S3Artifacts, open_s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from tests.faults.conftest import Cut, Relay

pytestmark = pytest.mark.faults

_BUCKETS = count(1)
CONTENT = np.random.default_rng(1).bytes(3_000_000)
DIGEST = digest_bytes(CONTENT)
ERROR = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>m</Message></Error>"


def answer(status: bytes, code: bytes) -> bytes:
    """Return an answer of S3's own kind, after which the connection ends."""
    body = ERROR % code
    head = b"HTTP/1.1 %s\r\nContent-Type: application/xml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body))
    return head + body


SLOW_DOWN = answer(b"503 Slow Down", b"SlowDown")
TAKEN = answer(b"412 Precondition Failed", b"PreconditionFailed")

PUTS: dict[str, list[dict[str, Any]]] = {
    "refused at once": [{"sent": 0}],
    "cut in the middle of the upload": [{"sent": 1_000_000}],
    "cut twice": [{"sent": 10_000}, {"sent": 2_000_000}],
    "stored, but the answer is lost": [{"on": b"PUT"}],
    "too busy": [{"answer": SLOW_DOWN}],
    "too busy, then cut": [{"answer": SLOW_DOWN}, {"sent": 500_000}],
    "slow": [{"delay_s": 0.5}],
}
READS: dict[str, list[dict[str, Any]]] = {
    "refused at once": [{"sent": 0}],
    "cut before the answer": [{"received": 0}],
    "too busy": [{"answer": SLOW_DOWN}],
    "slow": [{"delay_s": 0.5}],
}


@pytest.fixture(scope="module")
def moto() -> Iterator[tuple[str, int]]:
    """The address of an S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()
    server.stop()


@pytest.fixture
def bucket(moto: tuple[str, int]) -> tuple[S3Client, str]:
    """An empty bucket, and a client that reaches it over a good network."""
    name = f"faults-{next(_BUCKETS)}"
    client = boto3.client(
        "s3",
        endpoint_url="http://{}:{}".format(*moto),
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    client.create_bucket(Bucket=name)
    return client, name


@pytest.fixture
def network(moto: tuple[str, int], relay: Callable[[Any], tuple[Relay, tuple[str, int]]]) -> tuple[Relay, tuple[str, int]]:
    """A relay before the S3, and its address."""
    return relay(moto)


@pytest.fixture
def store(
    network: tuple[Relay, tuple[str, int]], bucket: tuple[S3Client, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> S3Artifacts:
    """Artifacts in the bucket, over the bad network."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    endpoint = "http://{}:{}".format(*network[1])
    return open_s3(f"s3://{bucket[1]}/models", endpoint_url=endpoint, scratch=tmp_path)


def stored(bucket: tuple[S3Client, str]) -> dict[str, bytes]:
    """Return what is in the bucket, by the last part of its key."""
    client, name = bucket
    keys = [item["Key"] for item in client.list_objects_v2(Bucket=name).get("Contents", [])]
    return {key.rpartition("/")[2]: client.get_object(Bucket=name, Key=key)["Body"].read() for key in keys}


@pytest.mark.parametrize("kind", PUTS)
def test_a_put_converges(
    store: S3Artifacts, bucket: tuple[S3Client, str], network: tuple[Relay, Any], cut: type[Cut], kind: str
) -> None:
    """It returns the digest of what the bucket then holds."""
    cuts = [cut(**values) for values in PUTS[kind]]
    network[0].cuts += cuts
    assert store.put(CONTENT) == DIGEST
    assert stored(bucket) == {DIGEST: CONTENT}
    assert [one.done or one.delay_s > 0 for one in cuts] == [True] * len(cuts)


def test_a_put_that_is_refused_for_what_is_not_there_is_an_error(
    store: S3Artifacts, bucket: tuple[S3Client, str], network: tuple[Relay, Any], cut: type[Cut]
) -> None:
    """A 412 is not believed: what is there is read back, and written where it is missing."""
    network[0].cuts += [cut(answer=TAKEN)]
    assert store.put(CONTENT) == DIGEST
    assert stored(bucket) == {DIGEST: CONTENT}


def test_a_store_that_stays_away_is_unavailable(
    store: S3Artifacts, bucket: tuple[S3Client, str], network: tuple[Relay, Any], cut: type[Cut]
) -> None:
    """After all attempts the caller is told; then the same put works."""
    network[0].cuts += [cut(answer=SLOW_DOWN), *(cut(sent=0) for _ in range(20))]
    with pytest.raises(PerennialError) as caught:
        store.put(CONTENT)
    assert caught.value.code is Code.STORE_UNAVAILABLE
    assert stored(bucket) == {}
    network[0].cuts.clear()
    assert store.put(CONTENT) == DIGEST
    assert stored(bucket) == {DIGEST: CONTENT}


@pytest.mark.parametrize("kind", READS)
def test_reading_converges(
    store: S3Artifacts, bucket: tuple[S3Client, str], network: tuple[Relay, Any], cut: type[Cut], kind: str
) -> None:
    """The bytes and the file are what was stored."""
    bucket[0].put_object(Bucket=bucket[1], Key=f"models/{DIGEST[:2]}/{DIGEST}", Body=CONTENT)
    for read in (store.get, lambda digest: _fetched(store, digest)):
        network[0].hang_up()
        cuts = [cut(**values) for values in READS[kind]]
        network[0].cuts += cuts
        assert read(DIGEST) == CONTENT
        assert [one.done or one.delay_s > 0 for one in cuts] == [True] * len(cuts)


def test_promise_10_a_download_that_is_cut_or_changed_gives_no_bytes(
    store: S3Artifacts, bucket: tuple[S3Client, str], network: tuple[Relay, Any], cut: type[Cut], tmp_path: Path
) -> None:
    """Either all bytes, read again, or one of our errors; and no file is left over."""
    bucket[0].put_object(Bucket=bucket[1], Key=f"models/{DIGEST[:2]}/{DIGEST}", Body=CONTENT)
    faults: list[dict[str, Any]] = [{"received": 1_000_000}, {"flip": 2_000_000}]
    for values in faults:
        for read in (store.get, lambda digest: _fetched(store, digest)):
            network[0].hang_up()
            fault = cut(**values)
            network[0].cuts.append(fault)
            found = _found(read)
            assert (found in {CONTENT, Code.STORE_UNAVAILABLE, Code.ARTIFACT_CHECKSUM}, fault.done) == (True, True)
            assert read(DIGEST) == CONTENT
    assert list(tmp_path.iterdir()) == []


def _fetched(store: S3Artifacts, digest: str) -> bytes:
    with store.fetch(digest) as path:
        return path.read_bytes()


def _found(read: Callable[[str], bytes]) -> bytes | Code:
    try:
        return read(DIGEST)
    except PerennialError as error:
        return error.code
