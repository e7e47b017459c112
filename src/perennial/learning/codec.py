"""A fitted model as signed bytes, and back.

The format is skops', never pickle, with the fixed list of ``trusted.py`` and no switch to allow more. A model is two artifacts:
the file with its arrays, and a signed manifest that names it. Reading goes from the cheapest proof to the dearest: size, signature,
digest, zip limits, types, versions, trees, golden rows. Nothing is built before its types are known, and nothing is run before its
trees are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import skops.io
from sklearn.base import BaseEstimator
from skops.io._protocol import PROTOCOL

from perennial.core.codes import Code
from perennial.core.digest import digest_bytes
from perennial.core.errors import ArtifactError
from perennial.learning import archive
from perennial.learning.features import Columns
from perennial.learning.golden import check_golden, golden
from perennial.learning.manifest import check_versions, opened, other_versions, sealed, unsealed, versions
from perennial.learning.node_bounds import check_node_bounds
from perennial.learning.trusted import TRUSTED, TRUSTED_TYPES


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that passed every check.

    Attributes:
        model: The fitted estimator.
        columns: The features that it was fitted on.
        task: ``regression`` or ``binary``.
    """

    model: BaseEstimator
    columns: Columns
    task: str


def dump_model(
    model: BaseEstimator,
    *,
    frame: pd.DataFrame,
    task: str,
    columns: Columns,
    key: bytes,
    code_version: str,
    put: Callable[[bytes], str],
) -> str:
    """Store *model* and its signed manifest, and return the manifest's digest: the same for the same model.

    Args:
        model: A fitted estimator.
        frame: A few rows of features, kept with their predictions; the first 32 of them.
        task: ``regression`` or ``binary``.
        columns: The features that the model was fitted on.
        key: The signing key, at least 32 bytes.
        code_version: The version of the code that fitted it.
        put: Stores bytes and returns their digest.

    Raises:
        ArtifactError: ARTIFACT_UNTRUSTED_TYPE, ARTIFACT_TOO_LARGE, or MODEL_CORRUPT where the model would not survive its storage.
        DataError: DATA_EMPTY, there are no golden rows.
        RejectedError: SETTING_MISSING, the key is too short.
    """
    where = type(model).__name__
    content = _written(model, where)
    read_back = _read(content, versions(), where)
    rows = golden(model, frame, task)
    check_golden(read_back, rows, task, where)
    body = {
        "artifact": digest_bytes(content),
        "bytes": len(content),
        "code_version": code_version,
        "columns": asdict(columns),
        "golden": rows,
        "other_versions": other_versions(),
        "task": str(task),
        "versions": versions(),
    }
    manifest = sealed(body, key)
    put(content)
    return put(manifest)


def load_model(digest: str, *, key: bytes, get: Callable[[str], bytes]) -> LoadedModel:
    """Return the model behind the manifest *digest*.

    Args:
        digest: What ``dump_model`` returned.
        key: The signing key.
        get: Returns the bytes under a digest.

    Raises:
        ArtifactError: ARTIFACT_TOO_LARGE, ARTIFACT_SIGNATURE, ARTIFACT_CHECKSUM, ARTIFACT_FORMAT, ARTIFACT_UNTRUSTED_TYPE,
            ENVIRONMENT_MISMATCH, MODEL_CORRUPT.
        RejectedError: SETTING_MISSING, the key is too short.
    """
    where = f"model {digest[:12]}"
    manifest = get(digest)
    body = opened(manifest, key, where)
    _check_digest(manifest, digest, where)
    _check_size(body["bytes"], where)
    content = get(body["artifact"])
    _check_digest(content, body["artifact"], where)
    model = _read(content, body["versions"], where)
    check_golden(model, body["golden"], body["task"], where)
    return LoadedModel(model, _columns(body["columns"]), body["task"])


def artifact_of(manifest: bytes) -> str:
    """Return the digest of the file that a *manifest* names, so that garbage collection keeps both.

    The key is not asked for: it may have been another one then. The digest under which the ledger names the manifest vouches for
    its bytes, and nothing is loaded.

    Raises:
        ArtifactError: ARTIFACT_TOO_LARGE, ARTIFACT_FORMAT.
    """
    return str(unsealed(manifest, "manifest")["artifact"])


def _written(model: BaseEstimator, where: str) -> bytes:
    try:
        content = archive.normalised(skops.io.dumps(model))
    except Exception as error:  # a type that skops cannot write raises one of many kinds
        message = f"must be made of trusted types only, got one that cannot be stored ({type(error).__name__})"
        raise ArtifactError(Code.ARTIFACT_UNTRUSTED_TYPE, message, where=where) from error
    _check_size(len(content), where)
    return content


def _read(content: bytes, fitted_with: dict[str, str], where: str) -> BaseEstimator:
    schema = archive.checked_schema(content, where)
    _check_types(schema, where)
    check_versions(fitted_with, where)
    if schema.get("protocol") != PROTOCOL:
        message = f"was written with protocol {schema.get('protocol')!r} of skops, here is {PROTOCOL}"
        raise ArtifactError(Code.ENVIRONMENT_MISMATCH, message, where=where)
    try:
        model = skops.io.loads(content, trusted=TRUSTED_TYPES)
    except Exception as error:  # a file made by hand may fail anywhere in skops, numpy or scikit-learn
        raise ArtifactError(Code.ARTIFACT_FORMAT, f"cannot be built ({type(error).__name__})", where=where) from error
    check_node_bounds(model, where)
    return model


def _check_types(schema: dict[str, Any], where: str) -> None:
    found = {(str(node["__loader__"]), f"{node.get('__module__')}.{node.get('__class__')}") for node in archive.nodes(schema)}
    if strange := sorted({kind for loader, kind in found if kind not in TRUSTED.get(loader, frozenset())}):
        message = f"must be made of trusted types only, got {', '.join(strange)}"
        raise ArtifactError(Code.ARTIFACT_UNTRUSTED_TYPE, message, where=where)


def _check_size(size: int, where: str) -> None:
    if size > archive.MAX_BYTES:
        message = f"must be at most {archive.MAX_BYTES} bytes, got {size}"
        raise ArtifactError(Code.ARTIFACT_TOO_LARGE, message, where=where)


def _check_digest(content: bytes, digest: str, where: str) -> None:
    if digest_bytes(content) != digest:
        raise ArtifactError(Code.ARTIFACT_CHECKSUM, "must have the bytes that were signed, got others", where=where)


def _columns(found: dict[str, Any]) -> Columns:
    read: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
    return Columns(**read)
