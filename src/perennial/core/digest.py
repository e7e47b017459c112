"""Content digests: what is the same has the same name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

_CHUNK_BYTES = 1 << 20


def digest_bytes(content: bytes) -> str:
    """Return the SHA-256 of *content* in hexadecimal, 64 characters."""
    return hashlib.sha256(content).hexdigest()


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read in chunks of 1 MiB."""
    state = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            state.update(chunk)
    return state.hexdigest()


def canonical_json(value: object) -> bytes:
    """Return *value* (plain JSON types) as bytes that are the same for equal values: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_json(value: object) -> str:
    """Return the SHA-256 of *value*'s canonical JSON.

    Examples:
        >>> digest_json({"b": 1, "a": 2}) == digest_json({"a": 2, "b": 1})
        True
    """
    return digest_bytes(canonical_json(value))
