"""The signed manifest of a model artifact.

Three lines: a title, the HMAC-SHA256 of the rest in hexadecimal, and the rest as canonical JSON. The MAC is compared before a byte
of the JSON is parsed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import platform
from typing import Any

import numpy as np
import pandas as pd
import sklearn
import skops

from perennial.core.codes import Code
from perennial.core.digest import canonical_json
from perennial.core.errors import ArtifactError, RejectedError
from perennial.learning.refusals import refusals

TITLE = b"perennial model 1\n"
MAX_BYTES = 1 << 20
MIN_KEY_BYTES = 32

_MAC_LENGTH = 64
_FORM = {
    "artifact": str,
    "bytes": int,
    "code_version": str,
    "columns": dict,
    "golden": dict,
    "other_versions": dict,
    "task": str,
    "versions": dict,
}


def sealed(body: dict[str, Any], key: bytes) -> bytes:
    """Return the manifest's bytes.

    Raises:
        RejectedError: SETTING_MISSING, the key is too short to be one.
    """
    content = canonical_json(body)
    return TITLE + _mac(content, key) + b"\n" + content


def opened(content: bytes, key: bytes, where: str) -> dict[str, Any]:
    """Return the body of a manifest that was sealed with *key*.

    Raises:
        ArtifactError: ARTIFACT_TOO_LARGE, ARTIFACT_FORMAT, ARTIFACT_SIGNATURE.
        RejectedError: SETTING_MISSING.
    """
    head, rest = _parts(content, where)
    if not hmac.compare_digest(head, _mac(rest, key)):
        raise ArtifactError(Code.ARTIFACT_SIGNATURE, "must be signed with this installation's key", where=where)
    return _body(rest, where)


def unsealed(content: bytes, where: str) -> dict[str, Any]:
    """Return the body of a manifest whose bytes somebody else vouches for, whatever key it was sealed with.

    Raises:
        ArtifactError: ARTIFACT_TOO_LARGE, ARTIFACT_FORMAT.
    """
    return _body(_parts(content, where)[1], where)


def _parts(content: bytes, where: str) -> tuple[bytes, bytes]:
    """Return the MAC and the rest that it is of."""
    if len(content) > MAX_BYTES:
        message = f"must be a manifest of at most {MAX_BYTES} bytes, got {len(content)}"
        raise ArtifactError(Code.ARTIFACT_TOO_LARGE, message, where=where)
    head, rest = len(TITLE), len(TITLE) + _MAC_LENGTH + 1
    if not content.startswith(TITLE) or content[rest - 1 : rest] != b"\n":
        raise ArtifactError(Code.ARTIFACT_FORMAT, "must be the manifest of a Perennial model", where=where)
    return content[head : rest - 1], content[rest:]


def _body(content: bytes, where: str) -> dict[str, Any]:
    with refusals(Code.ARTIFACT_FORMAT, "must be the manifest of a Perennial model", where):
        body: dict[str, Any] = json.loads(content)
        if wrong := [name for name, kind in _FORM.items() if type(body[name]) is not kind]:
            message = f"must be the manifest of a Perennial model, got another {', '.join(wrong)}"
            raise ArtifactError(Code.ARTIFACT_FORMAT, message, where=where)
    return body


def versions() -> dict[str, str]:
    """Return what a model is fitted with, and may not be loaded without."""
    return {"python": ".".join(platform.python_version_tuple()[:2]), "numpy": np.__version__, "scikit-learn": sklearn.__version__}


def other_versions() -> dict[str, str]:
    """Return what else was there, for people."""
    return {"pandas": pd.__version__, "skops": skops.__version__}


def check_versions(found: dict[str, str], where: str) -> None:
    """Compare the versions of a manifest with those that run here.

    Raises:
        ArtifactError: ENVIRONMENT_MISMATCH, all that differ at once.
    """
    here = versions()
    if other := [f"{name} {found.get(name)}, here is {version}" for name, version in here.items() if found.get(name) != version]:
        raise ArtifactError(Code.ENVIRONMENT_MISMATCH, f"was fitted with {'; '.join(other)}", where=where)


def _mac(content: bytes, key: bytes) -> bytes:
    if len(key) < MIN_KEY_BYTES:
        message = f"the signing key must have at least {MIN_KEY_BYTES} bytes, got {len(key)}"
        raise RejectedError(Code.SETTING_MISSING, message, where="signing key")
    return hmac.new(key, content, hashlib.sha256).hexdigest().encode()
