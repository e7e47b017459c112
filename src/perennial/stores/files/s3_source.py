"""Reads rows out of Parquet and CSV files in a bucket of S3, or of what speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.file_errors import file_errors
from perennial.core.scratch import WHERE
from perennial.stores.files.part import ALLOWED, is_data
from perennial.stores.files.rows import file_rows
from perennial.stores.files.s3_part import S3Part, source_errors
from perennial.stores.s3_client import s3_address, s3_client

if TYPE_CHECKING:
    import pyarrow as pa
    from mypy_boto3_s3 import S3Client

    from perennial.ports import Selection


class S3Source:
    """Files under one prefix of a bucket.

    Of Parquet only the footer and what is asked for is fetched, by ranges, into a temporary file; CSV is streamed. A file that is
    replaced while it is read is noticed.
    """

    def __init__(self, bucket: str, prefix: str, client: S3Client, *, scratch: Path | None = None) -> None:
        """Use *client*, which the caller made; see ``open_s3_source``."""
        self._bucket, self._prefix, self._client, self._scratch = bucket, f"{prefix}/" if prefix else "", client, scratch

    def __repr__(self) -> str:
        """Return the address; it holds no secret."""
        return f"S3Source('s3://{self._bucket}/{self._prefix}')"

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Yield the selected rows in order, at most 50 000 a batch; see ``ports.Source``."""
        with file_errors(WHERE):
            yield from file_rows(self._parts(selection.relation), selection, self._scratch)

    def _parts(self, relation: str) -> list[S3Part]:
        steps = relation.removesuffix("/").split("/")
        if any(step in ("", ".", "..") for step in steps):
            raise RejectedError(Code.STORE_ESCAPE, "must lie below the connection's prefix", where=relation)
        path = self._prefix + "/".join(steps)
        parts = [part for part in self._listed(path, relation) if self._belongs(part.key, path)]
        if not parts:
            raise RejectedError(Code.STORE_REJECTED, ALLOWED, where=relation)
        return parts

    def _listed(self, path: str, relation: str) -> Iterator[S3Part]:
        with source_errors(relation):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=path):
                for item in page.get("Contents", []):
                    name = item["Key"].removeprefix(self._prefix)
                    yield S3Part(name, item["Size"], self._client, self._bucket, item["Key"], item["ETag"])

    def _belongs(self, key: str, path: str) -> bool:
        below = key.removeprefix(f"{path}/") if key.startswith(f"{path}/") else ""
        # Writers mark what is not data, or not finished, by a dot or an underscore.
        return is_data(key) and (key == path or (below != "" and not any(name[:1] in (".", "_") for name in below.split("/"))))


def open_s3_source(url: str, *, endpoint_url: str | None = None, scratch: Path | None = None, where: str = "source") -> S3Source:
    """Return the source at *url*. Nothing is connected yet; credentials are those that boto3 finds.

    Args:
        url: ``s3://bucket/prefix``; the prefix may be missing.
        endpoint_url: Where the S3 is not AWS's.
        scratch: The folder for temporary files; by default the system's.
        where: The connection, for messages.

    Raises:
        DefinitionError: DEFINITION_URL.
        RejectedError: STORE_REJECTED, the endpoint cannot be one.
    """
    bucket, prefix = s3_address(url, where)
    return S3Source(bucket, prefix, s3_client(where, endpoint_url=endpoint_url), scratch=scratch)
