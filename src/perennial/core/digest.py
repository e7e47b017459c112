"""Content digests: what is the same has the same name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


def digest_bytes(content: bytes) -> str:
    """Return the SHA-256 of *content* in hexadecimal, 64 characters."""
    return hashlib.sha256(content).hexdigest()


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
