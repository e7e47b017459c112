"""What only S3 does: addresses, conditional puts, and the network."""

from __future__ import annotations

import base64
import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from perennial.core.digest import digest_bytes
from perennial.core.errors import DefinitionError, PerennialError
from perennial.stores.artifacts.s3 import S3Artifacts, open_s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MODEL = digest_bytes(b"model")
KEY = f"/bucket/models/{MODEL[:2]}/{MODEL}"
Answer = tuple[int, bytes]


def s3_client(port: int, attempts: int = 1) -> S3Client:
    """Return a client of the loopback's *port*."""
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(
            retries={"mode": "standard", "total_max_attempts": attempts}, read_timeout=60, s3={"addressing_style": "path"}
        ),
    )


def refused(status: int, code: str) -> Answer:
    """Return an error as S3 writes it."""
    return status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()


@contextmanager
def server(answer: Callable[[str, str, dict[str, str]], Answer | None]) -> Iterator[int]:
    """Answer each request (method, path, headers) on a free port; None cuts the connection in the middle of its body."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            found = answer(self.command, self.path, dict(self.headers))
            if found is None:
                self.rfile.read(1000)
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(found[0])
            self.send_header("Content-Length", str(len(found[1])))
            self.end_headers()
            self.wfile.write(found[1])

        do_GET = do_PUT = do_DELETE = handle_any  # noqa: N815 - names of http.server

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield listener.server_port
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


def test_a_put_is_conditional_and_carries_its_checksum() -> None:
    """The store itself refuses to replace what is there, and to take other bytes than were meant."""
    seen: list[tuple[str, str, str | None, str | None]] = []

    def answer(method: str, path: str, headers: dict[str, str]) -> Answer:
        seen.append((method, path, headers.get("If-None-Match"), headers.get("x-amz-checksum-sha256")))
        return 200, b""

    with server(answer) as port:
        S3Artifacts("bucket", "models", s3_client(port)).put(b"model")
    checksum = base64.b64encode(hashlib.sha256(b"model").digest()).decode()
    assert [("PUT", KEY, "*", checksum)] == seen


def test_a_retried_put_that_meets_its_own_write_succeeds() -> None:
    """The first attempt is written and its answer lost; the second is answered 412; what is there is compared, and counts."""
    puts: list[str] = []

    def answer(method: str, path: str, headers: dict[str, str]) -> Answer:
        if method == "GET":
            return 200, b"model"
        if "x-amz-copy-source" in headers:
            return 200, b"<CopyObjectResult/>"
        puts.append(path)
        return refused(500, "InternalError") if len(puts) == 1 else refused(412, "PreconditionFailed")

    with server(answer) as port:
        digest = S3Artifacts("bucket", "models", s3_client(port, attempts=2)).put(b"model")
    assert (digest, puts) == (MODEL, [KEY, KEY])


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, "AccessDenied", "the store refuses the credentials or the operation (AccessDenied, HTTP 403) [STORE_DENIED]"),
        (503, "SlowDown", "the store could not answer (SlowDown, HTTP 503) [STORE_UNAVAILABLE]"),
        (507, "XMinioStorageFull", "the store has no space left (XMinioStorageFull, HTTP 507) [STORE_FULL]"),
    ],
)
def test_what_the_server_refuses_is_one_of_our_errors(status: int, code: str, message: str) -> None:
    """All verbs say it alike."""
    with server(lambda *_: refused(status, code)) as port:
        store = S3Artifacts("bucket", "models", s3_client(port))
        verbs = (
            lambda: store.put(b"model"),
            lambda: store.get(MODEL),
            lambda: store.fetch(MODEL).__enter__(),
            lambda: store.delete(MODEL),
        )
        for verb in verbs:
            with pytest.raises(PerennialError) as error:
                verb()
            assert f"artifact {MODEL}: {message}" == str(error.value)
        with pytest.raises(PerennialError) as error:
            list(store.digests())
        assert f"S3Artifacts('s3://bucket/models/'): {message}" == str(error.value)


@pytest.mark.parametrize("as_file", [False, True])
def test_a_put_that_is_cut_half_way_is_unavailable(tmp_path: Path, as_file: bool) -> None:
    """S3 shows an object only when all of it arrived; ours is to say that it did not."""
    content: bytes | Path = bytes(30_000_000)
    if isinstance(content, bytes) and as_file:
        (tmp_path / "snapshot").write_bytes(content)
        content = tmp_path / "snapshot"
    with server(lambda *_: None) as port, pytest.raises(PerennialError, match="STORE_UNAVAILABLE"):
        S3Artifacts("bucket", "models", s3_client(port)).put(content)


def test_a_download_that_fails_leaves_no_file(tmp_path: Path) -> None:
    """The scratch folder is empty again, whatever happened."""
    with server(lambda *_: (200, b"modeL")) as port:
        store = S3Artifacts("bucket", "models", s3_client(port), scratch=tmp_path)
        with pytest.raises(PerennialError, match="ARTIFACT_CHECKSUM"), store.fetch(MODEL):
            pytest.fail("was lent")
    assert list(tmp_path.iterdir()) == []


def test_a_lent_file_is_removed_after_use(tmp_path: Path) -> None:
    """It lies in the scratch folder only while it is lent."""
    with server(lambda *_: (200, b"model")) as port:
        store = S3Artifacts("bucket", "models", s3_client(port), scratch=tmp_path)
        with store.fetch(MODEL) as path:
            assert path.is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_unavailable() -> None:
    """A retry may help."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(PerennialError) as error:
        S3Artifacts("bucket", "models", s3_client(port)).get(MODEL)
    assert f"artifact {MODEL}: the store could not be reached (EndpointConnectionError) [STORE_UNAVAILABLE]" == str(error.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://bucket", "s3://bucket/"),
        ("s3://a.bucket/x/y-1/", "s3://a.bucket/x/y-1/"),
        ("s3://bucket/env=prod", "s3://bucket/env=prod/"),
        ("s3://bucket/night#1/why?", "s3://bucket/night#1/why?/"),
        ("s3://bucket/#", "s3://bucket/#/"),
    ],
)
def test_an_address_is_a_bucket_and_a_prefix(url: str, shown: str) -> None:
    """The prefix may be missing or deep."""
    assert f"S3Artifacts({shown!r})" == repr(open_s3(url))


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket/x",
        "s3://",
        "s3:///x",
        "s3://Bucket",
        "s3://bucket/a b",
        "s3://key:sesame@bucket",
        "s3://bucket/a//b",
        "s3://bucket/a?endpoint=b",
        "s3://bucket/?access_key=sesame",
        "s3://bucket?endpoint=b",
        "s3://bucket#a",
        "s3://bucket/a\tb",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """It is not shown, since it may hold a secret."""
    with pytest.raises(DefinitionError) as error:
        open_s3(url)
    expected = "artifacts: must be s3://bucket/prefix without options, in letters, digits and . - _ = # ? [DEFINITION_URL]"
    assert expected == str(error.value)


def test_an_opened_store_reaches_its_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint is the one that was given, region and credentials are those of the environment."""
    found = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-north-1"}
    for variable, value in found.items():
        monkeypatch.setenv(variable, value)
    seen: list[str] = []

    def answer(method: str, path: str, headers: dict[str, str]) -> Answer:
        key, _, rest = headers["Authorization"].partition("/")
        seen.append(f"{method} {path} {key} {rest.split('/')[1]}")
        return 200, b"model"

    with server(answer) as port:
        endpoint = f"http://127.0.0.1:{port}"
        assert open_s3("s3://bucket/models", endpoint_url=endpoint).get(MODEL) == b"model"
    assert [f"GET {KEY} AWS4-HMAC-SHA256 Credential=key eu-north-1"] == seen
