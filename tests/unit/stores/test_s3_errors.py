"""Nothing of boto3 or botocore leaves the store."""

from __future__ import annotations

import boto3.exceptions
import botocore.exceptions
import botocore.parsers
import pytest
from botocore.exceptions import ClientError

from perennial.core.errors import PerennialError
from perennial.stores.s3_errors import s3_errors


def exceptions(module: object) -> list[type[Exception]]:
    """Return every exception class of *module* that is no warning."""
    return [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Exception)
        and not issubclass(kind, Warning)
        and kind.__module__ == module.__name__  # type: ignore[attr-defined] # a module
    ]


KINDS = [
    *exceptions(botocore.exceptions),
    *exceptions(boto3.exceptions),
    botocore.parsers.ResponseParserError,
]


def test_the_library_has_many_exceptions() -> None:
    """The walk below walks somewhere."""
    assert len(KINDS) > 90


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_exception_of_the_library_leaks(kind: type[Exception]) -> None:
    """Whatever it raises becomes one of ours, with the cause kept."""
    raised = kind.__new__(kind)
    with pytest.raises(PerennialError) as error, s3_errors("artifacts"):
        raise raised
    assert raised is error.value.__cause__


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (botocore.exceptions.EndpointConnectionError, "store could not be reached (EndpointConnectionError) [STORE_UNAVAILABLE]"),
        (botocore.exceptions.ConnectTimeoutError, "store could not be reached (ConnectTimeoutError) [STORE_UNAVAILABLE]"),
        (botocore.exceptions.ReadTimeoutError, "store could not be reached (ReadTimeoutError) [STORE_UNAVAILABLE]"),
        (botocore.exceptions.ConnectionClosedError, "store could not be reached (ConnectionClosedError) [STORE_UNAVAILABLE]"),
        (botocore.exceptions.NoCredentialsError, "no credentials can be used (NoCredentialsError) [STORE_DENIED]"),
        (botocore.exceptions.FlexibleChecksumError, "the bytes changed on their way (FlexibleChecksumError) [ARTIFACT_CHECKSUM]"),
        (botocore.exceptions.ParamValidationError, "the request could not be made (ParamValidationError) [STORE_REJECTED]"),
    ],
)
def test_kinds_of_errors_are_told_apart(kind: type[Exception], message: str) -> None:
    """The network is worth a retry, credentials and wrong requests are not."""
    with pytest.raises(PerennialError) as error, s3_errors("artifacts"):
        raise kind.__new__(kind)
    assert message.removeprefix("store") == str(error.value).removeprefix("artifacts: the store").removeprefix("artifacts: ")


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("NoSuchKey", 404, "is not in the store [ARTIFACT_MISSING]"),
        ("404", 404, "is not in the store [ARTIFACT_MISSING]"),
        ("NoSuchBucket", 404, "the store refuses the request (NoSuchBucket, HTTP 404) [STORE_REJECTED]"),
        ("AccessDenied", 403, "the store refuses the credentials or the operation (AccessDenied, HTTP 403) [STORE_DENIED]"),
        ("SlowDown", 503, "the store could not answer (SlowDown, HTTP 503) [STORE_UNAVAILABLE]"),
        ("InternalError", 500, "the store could not answer (InternalError, HTTP 500) [STORE_UNAVAILABLE]"),
        ("", 502, "the store could not answer (no code, HTTP 502) [STORE_UNAVAILABLE]"),
        (
            "ConditionalRequestConflict",
            409,
            "the store could not answer (ConditionalRequestConflict, HTTP 409) [STORE_UNAVAILABLE]",
        ),
        ("XMinioStorageFull", 507, "the store has no space left (XMinioStorageFull, HTTP 507) [STORE_FULL]"),
        ("EntityTooLarge", 400, "the store refuses the request (EntityTooLarge, HTTP 400) [STORE_REJECTED]"),
    ],
)
def test_answers_of_the_store_are_told_apart(code: str, status: int, message: str) -> None:
    """By its code, else by the status."""
    answer = {"Error": {"Code": code, "Message": "secret"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(PerennialError) as error, s3_errors("artifacts"):
        raise ClientError(answer, "PutObject")  # type: ignore[arg-type] # only what is looked at
    assert f"artifacts: {message}" == str(error.value)
