"""Promise 1 on S3 when an object is stored, but its answer is lost: a retraining with its promotion goes through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from perennial.stores.artifacts.disk import DiskArtifacts

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from tests.faults.conftest import Cut, Relay
    from tests.faults.operations.conftest import Copy, World

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

PUT = b"PUT /"
STORED, THERE_ALREADY = b"HTTP/1.1 200", b"HTTP/1.1 412"
"""What S3 answers to a put of what is new, and of what an earlier step has stored."""
SHOTS, CONNECTIONS = 3, 100
_BUCKETS = count(1)


@pytest.fixture(scope="module")
def s3() -> Iterator[tuple[str, int]]:
    """The address of an S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()
    server.stop()


@pytest.fixture
def client(s3: tuple[str, int]) -> S3Client:
    """A client that reaches it over a good network."""
    address = "http://{}:{}".format(*s3)
    return boto3.client("s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


def test_promise_1_a_retraining_whose_objects_are_stored_but_not_acknowledged_is_promoted(
    world: World,
    client: S3Client,
    s3: tuple[str, int],
    relay: Callable[[Any], tuple[Relay, tuple[str, int]]],
    cut: type[Cut],
    some: Callable[[Any, int], list[int]],
    record_property: Callable[[str, object], None],
) -> None:
    """At each put of an artifact: the ledger and the bucket hold what they hold over a good network."""
    expected, between = world.undisturbed("retrain"), relay(s3)
    puts = sum(name == "after put" for name in expected.points)
    shots, lost = some(range(1, puts + 1), SHOTS), list[bytes]()
    for put in shots:
        with world.copy() as copy:
            bucket = _filled(client, copy)
            fault = cut(on=PUT, after=put)
            between[0].cuts += [fault] * CONNECTIONS
            address = "http://{}:{}".format(*between[1])
            assert world.run(copy, "retrain", s3=f"s3://{bucket}", endpoint=address).ended == 0
            between[0].cuts.clear()
            stored = _emptied(client, bucket, copy)
            assert (fault.done, stored) == (True, set(expected.picture["files"])), put
            assert fault.dropped[:12] in {STORED, THERE_ALREADY}, put
            lost.append(fault.dropped[:12])
            assert copy.picture() == expected.picture, put
            assert copy.faults() == [], put
    assert STORED in lost
    record_property("puts to S3 that were stored but not acknowledged", f"{len(shots)} of {puts} in a retraining")


def _filled(client: S3Client, copy: Copy) -> str:
    """Make a bucket with the copy's artifacts, and return its name."""
    bucket, artifacts = f"copy-{next(_BUCKETS)}", DiskArtifacts(copy.folder / "artifacts")
    client.create_bucket(Bucket=bucket)
    for digest, _ in artifacts.digests():
        client.put_object(Bucket=bucket, Key=f"{digest[:2]}/{digest}", Body=artifacts.get(digest))
    return bucket


def _emptied(client: S3Client, bucket: str, copy: Copy) -> set[str]:
    """Bring the bucket's objects back to the copy's folder, where the audit finds them, and return their digests."""
    artifacts = DiskArtifacts(copy.folder / "artifacts")
    keys = [item["Key"] for item in client.list_objects_v2(Bucket=bucket)["Contents"]]
    return {artifacts.put(client.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys}
