"""Downloads from S3 over connections that break half way."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from perennial.core.digest import digest_bytes
from perennial.core.errors import PerennialError
from perennial.stores.artifacts.s3 import S3Artifacts

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONTENT = bytes(range(256)) * 20_000
DIGEST = digest_bytes(CONTENT)


@contextmanager
def cutting(bytes_each: int, *, ranges: bool = True, replaced: bytes = CONTENT) -> Iterator[tuple[S3Artifacts, list[str]]]:
    """Serve the content, and cut every connection after so many bytes of it.

    Yields the store over it, and the ranges that were asked for. With *ranges* false, the server ignores them, as some proxies do;
    from the second request on it sends *replaced*.
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            content = replaced if asked else CONTENT
            asked.append(wanted)
            start = int(re.sub(r"\D", "", wanted) or 0) if ranges else 0
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            self.wfile.write(content[start : start + bytes_each])
            if start + bytes_each < len(content):
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield S3Artifacts("bucket", "models", _client(listener.server_port)), asked
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


def _client(port: int) -> S3Client:
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def test_the_rest_is_asked_for_where_a_connection_broke() -> None:
    """Nothing is downloaded twice."""
    with cutting(2_000_000) as (store, asked), store.fetch(DIGEST) as path:
        assert path.read_bytes() == CONTENT
    starts = [int(re.sub(r"\D", "", wanted) or 0) for wanted in asked]
    assert (starts[0], len(starts), sorted(starts)) == (0, 3, starts)
    assert starts[1] > 1_000_000


def test_get_goes_on_as_well() -> None:
    """Small artifacts come over the same network."""
    with cutting(2_000_000) as (store, asked):
        assert (store.get(DIGEST), len(asked)) == (CONTENT, 3)


def test_a_connection_that_brings_nothing_more_is_given_up() -> None:
    """A retry of the whole task is the orchestrator's to decide."""
    with cutting(0) as (store, asked), pytest.raises(PerennialError, match="STORE_UNAVAILABLE"):
        store.get(DIGEST)
    assert asked == [""]


def test_a_server_that_does_not_know_ranges_is_not_trusted() -> None:
    """Its second answer begins at the start, so it is no rest."""
    with cutting(2_000_000, ranges=False) as (store, asked), pytest.raises(PerennialError) as error:
        store.get(DIGEST)
    assert str(error.value) == f"artifact {DIGEST}: the store sends no rest of an object [STORE_UNAVAILABLE]"
    assert len(asked) == 2


def test_promise_10_a_rest_of_other_bytes_is_refused() -> None:
    """What was replaced between two requests is not the digest's, and is not lent."""
    with cutting(2_000_000, replaced=bytes(len(CONTENT))) as (store, _), pytest.raises(PerennialError) as error:
        store.get(DIGEST)
    assert str(error.value) == f"artifact {DIGEST}: the store holds other bytes than were stored [ARTIFACT_CHECKSUM]"
