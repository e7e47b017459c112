"""One file on S3, as a stream or by ranges."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from botocore.exceptions import ClientError

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError, RejectedError, UnavailableError
from perennial.stores.s3_errors import error_code, s3_errors

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES = 1 << 20
_GAP_BYTES = 1 << 20
"""To fetch so much for nothing costs less than another request."""
_RANGE_BYTES = 32 << 20
_AT_ONCE = 4
"""Requests: one connection to S3 is slower than the line."""
_REPLACED = {"PreconditionFailed", "412"}


@dataclass(frozen=True, slots=True)
class S3Part:
    """A file in a bucket, as it was when it was listed.

    Attributes:
        name: Its path below the connection's prefix.
        size: Its bytes.
        client: What reaches it.
        bucket: Where it is.
        key: Its whole key.
        tag: What changes when it is replaced.
    """

    name: str
    size: int
    client: S3Client
    bucket: str
    key: str
    tag: str

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open it for reading from its start."""
        with self._body(0, self.size) as body:
            yield io.BufferedReader(_Stream(body, self.name), _CHUNK_BYTES)

    def local(self, spans: Iterable[tuple[int, int]], folder: Path) -> Path:
        """Return a local file of the same size with these *spans* in it; between them it has holes."""
        path = folder / "fetched"
        with path.open("ab") as file:
            file.truncate(self.size)
        with path.open("rb+") as file, ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(lambda part: self._fetch(part[0], part[1], file.fileno()), _ranges(spans, self.size)))
        return path

    def require_unchanged(self) -> None:
        """Do nothing: every request names the version it wants, and an object is there whole or not at all."""

    def _fetch(self, start: int, length: int, target: int) -> None:
        with self._body(start, length) as body, source_errors(self.name):
            for chunk in body.iter_chunks(_CHUNK_BYTES):
                os.pwrite(target, chunk, start)
                start += len(chunk)

    @contextmanager
    def _body(self, start: int, length: int) -> Iterator[StreamingBody]:
        asked = {"Range": f"bytes={start}-{start + length - 1}"} if length else {}
        with source_errors(self.name):
            answer = self.client.get_object(Bucket=self.bucket, Key=self.key, IfMatch=self.tag, **asked)  # type: ignore[arg-type] # text
        with closing(answer["Body"]) as body:
            yield body


class _Stream(io.RawIOBase):
    """A body that raises our errors, for those who read it cannot know boto3's."""

    def __init__(self, body: StreamingBody, where: str) -> None:
        self._body, self._where = body, where

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # what BufferedReader gives
        with source_errors(self._where):
            content = self._body.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


@contextmanager
def source_errors(where: str) -> Iterator[None]:
    """Turn every error of boto3 or botocore inside into one of ours, as it is for a source.

    Raises:
        RejectedError: STORE_DENIED, STORE_REJECTED (there is no such file or bucket).
        UnavailableError: STORE_UNAVAILABLE: the network, or the file was replaced in the meantime.
    """
    try:
        with s3_errors(where), _replaced(where):
            yield
    except ArtifactError as error:
        if error.code is Code.ARTIFACT_MISSING:
            raise RejectedError(Code.STORE_REJECTED, "is not there", where=where) from error
        raise UnavailableError(Code.STORE_UNAVAILABLE, error.faults[0].message, where=where) from error


@contextmanager
def _replaced(where: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error_code(error) in _REPLACED:
            raise UnavailableError(Code.STORE_UNAVAILABLE, "was replaced while it was read", where=where) from error
        raise


def _ranges(spans: Iterable[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    """Yield *spans* in order, those that nearly touch as one, in pieces of 32 MB, as far as they lie in a file of *size* bytes."""
    joined: list[list[int]] = []
    for start, length in sorted(spans):
        first, end = max(0, start), min(size, start + length)
        if joined and first - joined[-1][1] <= _GAP_BYTES:
            joined[-1][1] = max(joined[-1][1], end)
        elif first < end:
            joined.append([first, end])
    for first, end in joined:
        for at in range(first, end, _RANGE_BYTES):
            yield at, min(_RANGE_BYTES, end - at)
