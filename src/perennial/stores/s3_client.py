"""Where on S3 something lies, and the client that reaches it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError
from perennial.stores.s3_errors import s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_PREFIX = r"[A-Za-z0-9_.=#?-]*(/[A-Za-z0-9_.=#?-]+)*"
_OPTIONS = r"\?[\w.-]+="
"""Other tools read ``?endpoint=...&key=...`` out of such a URL. We do not, so whoever writes it must hear of it."""
_REGION = "us-east-1"
_CONNECT_TIMEOUT_S = 5
_READ_TIMEOUT_S = 60
_ATTEMPTS = 5


def s3_address(url: str, where: str) -> tuple[str, str]:
    """Return the bucket and the prefix (without a slash at either end, perhaps empty) of ``s3://bucket/prefix``.

    The prefix is taken as it stands: ``#`` and ``?`` are characters of a key like any other, and nothing is percent-encoded.

    Raises:
        DefinitionError: DEFINITION_URL; the URL is not shown, since it may hold a secret.
    """
    scheme, _, rest = url.partition("://")
    bucket, _, path = rest.partition("/")
    prefix = path.strip("/")
    if scheme == "s3" and re.fullmatch(_BUCKET, bucket) and re.fullmatch(_PREFIX, prefix) and not re.search(_OPTIONS, prefix):
        return bucket, prefix
    allowed = "must be s3://bucket/prefix without options, in letters, digits and . - _ = # ?"
    raise DefinitionError(Code.DEFINITION_URL, allowed, where=where)


def s3_client(where: str, *, endpoint_url: str | None = None) -> S3Client:
    """Return a client. Nothing is connected yet.

    The region (else us-east-1) and the credentials are those that boto3 finds: environment, profile, instance role.

    Args:
        where: What it is for, for messages.
        endpoint_url: Where the S3 is not AWS's.

    Raises:
        RejectedError: STORE_REJECTED, the endpoint or the region cannot be one.
    """
    with s3_errors(where):
        session = boto3.Session()
        config = Config(
            connect_timeout=_CONNECT_TIMEOUT_S,
            read_timeout=_READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            s3={"addressing_style": "path" if endpoint_url else "auto"},
        )
        return session.client("s3", endpoint_url=endpoint_url, region_name=session.region_name or _REGION, config=config)
