"""A fitted model as signed bytes, and back.

The format is skops', never pickle, with the list of ``trusted.py`` and the estimator classes that the installation's settings add
to it; no file can add any. A model is two artifacts: the file with its arrays, and a signed manifest that names it. Reading goes
from the cheapest proof to the dearest: size, signature, digest, zip limits, types, versions, indices, golden rows. Nothing is built
before its types are known, and nothing is run before what compiled code will follow is known to stay inside.

An instance of a listed class is made by ``__new__`` without arguments, and gets what the file holds through ``__setstate__`` or as
its attributes. Neither its constructor nor what its ``__reduce__`` would name is called. What remains is the class's own: its
module is imported, and its ``__setstate__`` and its methods run on figures out of a file that this installation has signed.
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
from perennial.learning.built import check_built
from perennial.learning.features import Columns
from perennial.learning.golden import check_golden, golden
from perennial.learning.manifest import check_versions, opened, other_versions, sealed, unsealed, versions
from perennial.learning.refusals import refusals
from perennial.learning.schema_types import checked_types


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


@dataclass(frozen=True, slots=True)
class Written:
    """A model as bytes that are not signed yet.

    Attributes:
        content: The model's file.
        body: What its manifest will say: JSON types.
    """

    content: bytes
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """The bytes of a model whose signature, digest and size are right. Nothing of them was built.

    Attributes:
        content: The model's file.
        body: What the manifest says.
        where: The model, for error messages.
    """

    content: bytes
    body: dict[str, Any]
    where: str


def dump_model(
    model: BaseEstimator,
    *,
    frame: pd.DataFrame,
    task: str,
    columns: Columns,
    key: bytes,
    code_version: str,
    put: Callable[[bytes], str],
    trusted: frozenset[str] = frozenset(),
) -> str:
    """Store *model* and its signed manifest, and return the manifest's digest: ``write_model``, then ``sign_model``."""
    written = write_model(model, frame=frame, task=task, columns=columns, code_version=code_version, trusted=trusted)
    return sign_model(written, key=key, put=put)


def write_model(
    model: BaseEstimator,
    *,
    frame: pd.DataFrame,
    task: str,
    columns: Columns,
    code_version: str,
    trusted: frozenset[str] = frozenset(),
) -> Written:
    """Return *model* as bytes: the same for the same model.

    Args:
        model: A fitted estimator.
        frame: A few rows of features, kept with their predictions; the first 32 of them.
        task: ``regression`` or ``binary``.
        columns: The features that the model was fitted on.
        code_version: The version of the code that fitted it.
        trusted: Classes that this installation trusts beside those of ``trusted.py``, as ``module.Class``.

    Raises:
        ArtifactError: ARTIFACT_UNTRUSTED_TYPE, ARTIFACT_TOO_LARGE, or MODEL_CORRUPT where the model would not survive its storage.
        DataError: DATA_EMPTY, there are no golden rows.
    """
    where = type(model).__name__
    content = _written(model, where)
    read_back = _read(content, versions(), where, trusted)
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
    return Written(content, body)


def sign_model(written: Written, *, key: bytes, put: Callable[[bytes], str]) -> str:
    """Store what was written and its signed manifest, and return the manifest's digest.

    Args:
        written: From ``write_model``, also of another process.
        key: The signing key, at least 32 bytes.
        put: Stores bytes and returns their digest.

    Raises:
        ArtifactError: ARTIFACT_CHECKSUM, the body is not that of the content.
        RejectedError: SETTING_MISSING, the key is too short.
    """
    _check_digest(written.content, written.body["artifact"], "model")
    manifest = sealed(written.body, key)
    put(written.content)
    return put(manifest)


def load_model(digest: str, *, key: bytes, get: Callable[[str], bytes], trusted: frozenset[str] = frozenset()) -> LoadedModel:
    """Return the model behind the manifest *digest*: ``open_model``, then ``read_model``."""
    return read_model(open_model(digest, key=key, get=get), trusted=trusted)


def open_model(digest: str, *, key: bytes, get: Callable[[str], bytes]) -> Opened:
    """Return the bytes behind the manifest *digest*.

    Args:
        digest: What ``sign_model`` returned.
        key: The signing key.
        get: Returns the bytes under a digest.

    Raises:
        ArtifactError: ARTIFACT_TOO_LARGE, ARTIFACT_SIGNATURE, ARTIFACT_CHECKSUM, ARTIFACT_FORMAT.
        RejectedError: SETTING_MISSING, the key is too short.
    """
    where = f"model {digest[:12]}"
    manifest = get(digest)
    body = opened(manifest, key, where)
    _check_digest(manifest, digest, where)
    _check_size(body["bytes"], where)
    content = get(body["artifact"])
    _check_digest(content, body["artifact"], where)
    return Opened(content, body, where)


def read_model(found: Opened, *, trusted: frozenset[str] = frozenset()) -> LoadedModel:
    """Build the model out of its bytes, and have it predict its golden rows.

    Args:
        found: From ``open_model``, also of another process.
        trusted: Classes that this installation trusts beside those of ``trusted.py``, as ``module.Class``.

    Raises:
        ArtifactError: ARTIFACT_TOO_LARGE, ARTIFACT_FORMAT, ARTIFACT_UNTRUSTED_TYPE, ENVIRONMENT_MISMATCH, MODEL_CORRUPT.
    """
    model = _read(found.content, found.body["versions"], found.where, trusted)
    with refusals(Code.ARTIFACT_FORMAT, "must name its columns", found.where):
        columns = _columns(found.body["columns"])
    check_golden(model, found.body["golden"], found.body["task"], found.where)
    return LoadedModel(model, columns, found.body["task"])


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


def _read(content: bytes, fitted_with: dict[str, str], where: str, trusted: frozenset[str]) -> BaseEstimator:
    types = _types(content, fitted_with, where, trusted)
    with refusals(Code.ARTIFACT_FORMAT, "cannot be built", where):
        model = skops.io.loads(content, trusted=types)
    check_built(model, where)
    return model


def _types(content: bytes, fitted_with: dict[str, str], where: str, trusted: frozenset[str]) -> list[str]:
    """Return the types that the file holds, all of which are trusted: skops copies the list for every object."""
    schema = archive.checked_schema(content, where)
    types = checked_types(schema, where, trusted)
    check_versions(fitted_with, where)
    if schema.get("protocol") != PROTOCOL:
        message = f"was written with protocol {str(schema.get('protocol'))[:20]} of skops, here is {PROTOCOL}"
        raise ArtifactError(Code.ENVIRONMENT_MISMATCH, message, where=where)
    return types


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
