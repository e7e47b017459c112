"""An object on S3 that is there whole, or not at all: sent in parts while it is written, and named at the end."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from perennial.core.errors import PerennialError
from perennial.stores.exporting.file import taken
from perennial.stores.s3_client import s3_address, s3_client
from perennial.stores.s3_errors import error_code, s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES = 2**24
"""S3 takes at most 10 000 parts, so an object may have 156 GB."""

_TAKEN = "PreconditionFailed"
_WHERE = "--to"


@contextmanager
def new_object(url: str, *, force: bool, endpoint_url: str | None) -> Iterator[io.RawIOBase]:
    """Lend a file to write to, which becomes the object at *url* when the block ends well, and nothing when it does not.

    Raises:
        DefinitionError: DEFINITION_URL.
        RejectedError: STORE_REJECTED, *url* is taken; STORE_DENIED, STORE_FULL.
        UnavailableError: STORE_UNAVAILABLE.
    """
    bucket, key = s3_address(url, _WHERE)
    client = s3_client(_WHERE, endpoint_url=endpoint_url)
    if not force and _is_there(client, bucket, key, url):
        raise taken(url)
    upload = Upload(client, bucket, key, url)
    try:
        yield upload
        upload.finish(force=force)
    except BaseException:
        upload.abort()
        raise


class Upload(io.RawIOBase):
    """What is written becomes parts of an object that nobody sees before :meth:`finish`."""

    def __init__(self, client: S3Client, bucket: str, key: str, url: str) -> None:
        """Begin an upload."""
        self._client, self._url, self._held = client, url, bytearray()
        self._parts: list[CompletedPartTypeDef] = []
        with s3_errors(url):
            begun = client.create_multipart_upload(Bucket=bucket, Key=key)
        self._of: Any = {"Bucket": bucket, "Key": key, "UploadId": begun["UploadId"]}

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, content: Any) -> int:  # noqa: ANN401 - whatever has bytes, as its base class says
        """Take *content*, and send a part when there is enough for one."""
        self._held += content
        if len(self._held) >= PART_BYTES:
            self._send()
        return memoryview(content).nbytes

    def finish(self, *, force: bool) -> None:
        """Send the rest and give the object its name.

        Raises:
            RejectedError: STORE_REJECTED, somebody was faster and *force* is not given.
        """
        self._send()
        condition: Any = {} if force else {"IfNoneMatch": "*"}
        with s3_errors(self._url):
            try:
                self._client.complete_multipart_upload(**self._of, MultipartUpload={"Parts": self._parts}, **condition)
            except ClientError as error:
                if error_code(error) != _TAKEN:
                    raise
                raise taken(self._url) from None

    def abort(self) -> None:
        """Remove the parts that were sent, as far as the store can be reached."""
        with suppress(PerennialError), s3_errors(self._url):
            self._client.abort_multipart_upload(**self._of)

    def _send(self) -> None:
        number = len(self._parts) + 1
        with s3_errors(self._url):
            sent = self._client.upload_part(**self._of, PartNumber=number, Body=bytes(self._held))
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        self._held = bytearray()


def _is_there(client: S3Client, bucket: str, key: str, url: str) -> bool:
    # Listed and not asked for by HEAD, whose refusals have no body to say why.
    with s3_errors(url):
        found = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    return any(item["Key"] == key for item in found)
