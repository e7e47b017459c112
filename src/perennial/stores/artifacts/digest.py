"""What every store of artifacts says about digests: which are valid, which are missing, which do not hold."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from perennial.core.codes import Code
from perennial.core.digest import digest_bytes, digest_file
from perennial.core.errors import ArtifactError
from perennial.core.file_errors import file_errors

CHUNK_BYTES = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_digest(text: str) -> bool:
    """Return whether *text* is a SHA-256 in hexadecimal."""
    return _DIGEST.fullmatch(text) is not None


def valid_digest(text: str) -> str:
    """Return *text* if it is a digest, so that no path can be smuggled in.

    Raises:
        ArtifactError: ARTIFACT_MISSING, nothing can be stored under *text*.
    """
    if is_digest(text):
        return text
    raise ArtifactError(Code.ARTIFACT_MISSING, "must be a SHA-256, 64 hexadecimal digits in lower case", where="artifacts")


def digest_of(content: bytes | Path) -> str:
    """Return the digest of bytes, or of a file's bytes.

    Raises:
        PerennialError: As ``file_errors``, the file cannot be read.
    """
    if isinstance(content, bytes):
        return digest_bytes(content)
    with file_errors(content.name):
        return digest_file(content)


def missing(digest: str) -> ArtifactError:
    """Return the error for a digest that the store does not hold."""
    return ArtifactError(Code.ARTIFACT_MISSING, "is not in the store", where=f"artifact {digest}")


def damaged(digest: str) -> ArtifactError:
    """Return the error for bytes that are not what was stored."""
    return ArtifactError(Code.ARTIFACT_CHECKSUM, "the store holds other bytes than were stored", where=f"artifact {digest}")


def verified(content: bytes | None, digest: str) -> bytes:
    """Return *content*, which a store holds under *digest*, None where it holds nothing.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM.
    """
    if content is None:
        raise missing(digest)
    if digest_bytes(content) != digest:
        raise damaged(digest)
    return content


def chunks_of(content: bytes | Path) -> Iterator[bytes]:
    """Yield *content*, a file in pieces of 1 MiB.

    Raises:
        PerennialError: As ``file_errors``, the file cannot be read.
    """
    if isinstance(content, bytes):
        yield content
        return
    with file_errors(content.name), content.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def write_digested(chunks: Iterable[bytes], file: IO[bytes]) -> str:
    """Write *chunks* to *file*, and return the digest of what was written: nothing is read twice."""
    state = hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
        file.write(chunk)
    return state.hexdigest()
