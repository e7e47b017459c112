"""What boto3 and botocore complain about, in our own errors. Nothing of theirs passes this edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from boto3.exceptions import Boto3Error
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError, PerennialError, RejectedError, UnavailableError

_TRANSIENT = (
    boto.HTTPClientError,
    boto.ConnectionError,
    boto.IncompleteReadError,
    boto.ResponseStreamingError,
    boto.WaiterError,
    ResponseParserError,
)
_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.NoAuthTokenError,
    boto.SSOError,
    boto.LoginError,
)
_MISSING = {"NoSuchKey", "NotFound", "404"}
_DENIED = {
    "AccessDenied",
    "AllAccessDisabled",
    "AccountProblem",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "401",
    "403",
}
_FULL = {"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "507"}
_BUSY = {"RequestTimeout", "RequestTimeTooSkewed", "SlowDown", "ConditionalRequestConflict", "OperationAborted", "Throttling"}
_BUSY_STATUS = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}


@contextmanager
def s3_errors(where: str) -> Iterator[None]:
    """Turn every error of boto3 or botocore inside into one of ours, placed at *where*.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM.
        RejectedError: STORE_DENIED, STORE_FULL, STORE_REJECTED.
        UnavailableError: STORE_UNAVAILABLE, a retry may help.
    """
    try:
        yield
    except (boto.BotoCoreError, boto.ClientError, boto.UndefinedModelAttributeError, Boto3Error, ResponseParserError) as error:
        raise _translated(error, where) from error


def error_code(error: boto.ClientError) -> str:
    """Return the store's own name for the error, such as NoSuchKey; empty where there is none."""
    return str(_response(error).get("Error", {}).get("Code", ""))


def _translated(error: Exception, where: str) -> PerennialError:
    name = type(error).__name__
    if isinstance(error, boto.ClientError):
        return _answered(error, where)
    if isinstance(error, _CREDENTIALS):
        return RejectedError(Code.STORE_DENIED, f"no credentials can be used ({name})", where=where)
    if isinstance(error, (boto.ChecksumError, boto.FlexibleChecksumError)):
        return ArtifactError(Code.ARTIFACT_CHECKSUM, f"the bytes changed on their way ({name})", where=where)
    if isinstance(error, _TRANSIENT):
        return UnavailableError(Code.STORE_UNAVAILABLE, f"the store could not be reached ({name})", where=where)
    return RejectedError(Code.STORE_REJECTED, f"the request could not be made ({name})", where=where)


def _answered(error: boto.ClientError, where: str) -> PerennialError:
    code = error_code(error)
    status = _response(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    found = f"{code or 'no code'}, HTTP {status}"
    if code in _MISSING:
        return ArtifactError(Code.ARTIFACT_MISSING, "is not in the store", where=where)
    if code in _FULL:
        return RejectedError(Code.STORE_FULL, f"the store has no space left ({found})", where=where)
    if code in _DENIED:
        return RejectedError(Code.STORE_DENIED, f"the store refuses the credentials or the operation ({found})", where=where)
    if code in _BUSY or status in _BUSY_STATUS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnavailableError(Code.STORE_UNAVAILABLE, f"the store could not answer ({found})", where=where)
    return RejectedError(Code.STORE_REJECTED, f"the store refuses the request ({found})", where=where)


def _response(error: boto.ClientError) -> dict[str, dict[str, int]]:
    return getattr(error, "response", {})
