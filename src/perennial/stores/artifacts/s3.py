"""Keeps artifacts in a bucket of S3, or of what speaks its protocol: ``prefix/ab/abcd…``."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

from botocore.exceptions import ClientError

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError, UnavailableError
from perennial.core.file_errors import file_errors
from perennial.core.scratch import temporary_folder
from perennial.stores.artifacts.digest import CHUNK_BYTES, damaged, digest_of, is_digest, valid_digest, verified, write_digested
from perennial.stores.s3_client import s3_address, s3_client
from perennial.stores.s3_errors import error_code, s3_errors

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

    class Condition(TypedDict, total=False):
        """When a put may write."""

        IfNoneMatch: Literal["*"]

    class Range(TypedDict, total=False):
        """Which bytes are asked for."""

        Range: str


_READ_ONLY = 0o444
_TAKEN = "PreconditionFailed"


class S3Artifacts:
    """Objects under one prefix of a bucket. Puts are conditional, so that no writer replaces what another one finished."""

    def __init__(self, bucket: str, prefix: str, client: S3Client, *, scratch: Path | None = None) -> None:
        """Use *client*, which the caller made; see ``open_s3``.

        Args:
            bucket: An existing bucket.
            prefix: Where in it, without a slash at either end; empty for the whole bucket.
            client: An S3 client.
            scratch: The folder for lent files; by default the system's.
        """
        self._bucket, self._prefix, self._client, self._scratch = bucket, f"{prefix}/" if prefix else "", client, scratch

    def __repr__(self) -> str:
        """Return the address; it holds no secret."""
        return f"S3Artifacts('s3://{self._bucket}/{self._prefix}')"

    def put(self, content: bytes | Path) -> str:
        """Store *content*; see ``ports.Artifacts``. Content that is there already is verified, and replaced if it is damaged."""
        digest = digest_of(content)
        if not self._put_new(content, digest):
            self._renew(content, digest)
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes under *digest*, verified; see ``ports.Artifacts``."""
        return verified(b"".join(self._chunks(digest)), digest)

    @contextmanager
    def fetch(self, digest: str) -> Iterator[Path]:
        """Lend a downloaded copy, verified while it was written; see ``ports.Artifacts``."""
        valid_digest(digest)
        with temporary_folder(self._scratch) as folder:
            path = folder / digest
            with file_errors("scratch"), path.open("wb") as file:
                if write_digested(self._chunks(digest), file) != digest:
                    raise damaged(digest)
            path.chmod(_READ_ONLY)
            yield path

    def digests(self) -> Iterator[tuple[str, datetime]]:
        """Yield every digest with the time it was last stored, in order; see ``ports.Artifacts``."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        with s3_errors(repr(self)):
            for page in pages:
                for item in page.get("Contents", []):
                    digest = item["Key"].rpartition("/")[2]
                    if is_digest(digest):
                        yield digest, item["LastModified"].astimezone(UTC)

    def delete(self, digest: str, *, unless_stored_after: datetime | None = None) -> bool:
        """Remove *digest*, if it is there and not too young; see ``ports.Artifacts``.

        S3 cannot make a removal depend on the time. Between the question and the removal lies one request: a put that falls
        into this moment is lost.
        """
        key = self._key(digest)
        with s3_errors(f"artifact {digest}"):
            # Listed and not asked for by HEAD, whose refusals have no body to say why.
            found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1).get("Contents", [])
            if not found or (unless_stored_after is not None and found[0]["LastModified"] > unless_stored_after):
                return False
            self._client.delete_object(Bucket=self._bucket, Key=key)
        return True

    def _key(self, digest: str) -> str:
        return f"{self._prefix}{valid_digest(digest)[:2]}/{digest}"

    def _chunks(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes in pieces. Where a connection breaks half way, the rest is asked for, as long as some more comes."""
        offset = asked_from = 0
        while True:
            try:
                with self._opened(digest, offset) as body:
                    for chunk in body.iter_chunks(CHUNK_BYTES):
                        offset += len(chunk)
                        yield chunk
            except UnavailableError:
                if offset == asked_from:
                    raise
                asked_from = offset
            else:
                return

    @contextmanager
    def _opened(self, digest: str, offset: int) -> Iterator[StreamingBody]:
        """Lend the bytes under *digest* from *offset* on. Of a server that cannot begin there, they count as unavailable."""
        where = f"artifact {digest}"
        with s3_errors(where):
            wanted: Range = {"Range": f"bytes={offset}-"} if offset else {}
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key(digest), **wanted)
            with closing(answer["Body"]) as body:
                if offset and not answer.get("ContentRange", "").startswith(f"bytes {offset}-"):
                    raise UnavailableError(Code.STORE_UNAVAILABLE, "the store sends no rest of an object", where=where)
                yield body

    def _put_new(self, content: bytes | Path, digest: str) -> bool:
        """Store *content* unless something is there already, and return whether it was stored."""
        with s3_errors(f"artifact {digest}"):
            try:
                self._send(content, digest, {"IfNoneMatch": "*"})
            except ClientError as error:
                if error_code(error) != _TAKEN:
                    raise
                return False
        return True

    def _send(self, content: bytes | Path, digest: str, condition: Condition) -> None:
        checksum = base64.b64encode(bytes.fromhex(digest)).decode()
        with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as body:
            self._client.put_object(Bucket=self._bucket, Key=self._key(digest), Body=body, ChecksumSHA256=checksum, **condition)

    def _renew(self, content: bytes | Path, digest: str) -> None:
        """Make what is there count as stored now, or replace it where it is damaged.

        A retried conditional put can be refused because of its own first attempt, so what is there is read back and compared.
        """
        try:
            with self.fetch(digest):
                pass
        except ArtifactError:
            with s3_errors(f"artifact {digest}"):
                self._send(content, digest, {})
            return
        bucket, key = self._bucket, self._key(digest)
        with s3_errors(f"artifact {digest}"):
            self._client.copy_object(
                Bucket=bucket,
                Key=key,
                CopySource={"Bucket": bucket, "Key": key},
                MetadataDirective="REPLACE",
                ChecksumAlgorithm="SHA256",
            )


def open_s3(url: str, *, endpoint_url: str | None = None, scratch: Path | None = None) -> S3Artifacts:
    """Return the store at *url*. Nothing is connected yet; the region and the credentials are those that boto3 finds.

    Args:
        url: ``s3://bucket/prefix``; the prefix may be missing.
        endpoint_url: Where the S3 is not AWS's.
        scratch: The folder for lent files; by default the system's.

    Raises:
        DefinitionError: DEFINITION_URL.
        RejectedError: STORE_REJECTED, the endpoint or the region cannot be one.
    """
    bucket, prefix = s3_address(url, "artifacts")
    return S3Artifacts(bucket, prefix, s3_client("artifacts", endpoint_url=endpoint_url), scratch=scratch)
