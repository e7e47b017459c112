"""The file of a model: what skops writes, in a form that is the same for the same model, and within limits.

skops names objects by their address and files by chance, and a zip carries a time. Here objects are numbered in the order of the
schema, arrays are named by their content, and nothing is compressed, so that a file cannot unpack to more than it holds.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator
from itertools import count
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError

SCHEMA = "schema.json"
MAX_BYTES = 1 << 30
MAX_SCHEMA_BYTES = 128 << 20
MAX_MEMBERS = 100_000

_EPOCH = (1980, 1, 1, 0, 0, 0)
_ARRAY_NAME = re.compile(r"[0-9a-f]{64}\.npy")


def normalised(written: bytes) -> bytes:
    """Return what skops has *written* in the form that is the same for the same model."""
    with ZipFile(io.BytesIO(written)) as archive:
        schema = json.loads(archive.read(SCHEMA))
        arrays = {name: archive.read(name) for name in archive.namelist() if name != SCHEMA}
    names = {name: f"{hashlib.sha256(content).hexdigest()}.npy" for name, content in arrays.items()}
    numbers = count(1)
    for node in nodes(schema):
        if node["__loader__"] == "SetNode":
            node["content"].sort(key=lambda item: json.dumps({**item, "__id__": 0}, sort_keys=True))
        if "__id__" in node:
            node["__id__"] = next(numbers)
        if "file" in node:
            node["file"] = names[node["file"]]
    members = {SCHEMA: json.dumps(schema, separators=(",", ":"), ensure_ascii=True).encode()}
    members |= {names[name]: arrays[name] for name in sorted(arrays, key=names.__getitem__)}
    return _zip(members)


def nodes(schema: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - JSON
    """Yield every node of a schema, a parent before its children, in the order of the file."""
    ahead = [schema]
    while ahead:
        value = ahead.pop()
        if isinstance(value, dict) and "__loader__" in value:
            yield value
        if isinstance(value, dict):
            ahead.extend(reversed(list(value.values())))
        elif isinstance(value, list):
            ahead.extend(reversed(value))


def checked_schema(content: bytes, where: str) -> dict[str, Any]:
    """Return the schema of a model's file after looking at every member's size and every array's header.

    Raises:
        ArtifactError: ARTIFACT_FORMAT, ARTIFACT_TOO_LARGE.
    """
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive.infolist(), len(content), where)
            for name in archive.namelist():
                if name != SCHEMA:
                    _check_array(archive.read(name), where)
            schema = json.loads(archive.read(SCHEMA))
    except (BadZipFile, KeyError, ValueError, RecursionError, NotImplementedError, EOFError, OSError) as error:
        raise ArtifactError(
            Code.ARTIFACT_FORMAT, f"must be a skops file, got none ({type(error).__name__})", where=where
        ) from error
    if not isinstance(schema, dict):
        raise ArtifactError(Code.ARTIFACT_FORMAT, "must hold a schema, got none", where=where)
    return schema


def _check_members(members: list[ZipInfo], size: int, where: str) -> None:
    if len(members) > MAX_MEMBERS:
        raise _too_large(f"must hold at most {MAX_MEMBERS} members, got {len(members)}", where)
    unpacked = sum(member.file_size for member in members)
    if unpacked > size:
        raise _too_large(f"must not unpack to more than its {size} bytes, got {unpacked}", where)
    names = [member.filename for member in members]
    if len(set(names)) < len(names) or any(name != SCHEMA and not _ARRAY_NAME.fullmatch(name) for name in names):
        raise ArtifactError(Code.ARTIFACT_FORMAT, "must hold a schema and arrays named by their digests, once each", where=where)
    for member in members:
        if member.compress_type != ZIP_STORED or member.compress_size != member.file_size:
            raise ArtifactError(Code.ARTIFACT_FORMAT, "must not be compressed", where=where)
        if member.filename == SCHEMA and member.file_size > MAX_SCHEMA_BYTES:
            raise _too_large(f"must have a schema of at most {MAX_SCHEMA_BYTES} bytes, got {member.file_size}", where)


def _check_array(content: bytes, where: str) -> None:
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    shape, _, kind = read(file)
    items = 1
    for length in shape:
        items *= length
    if kind.hasobject or items < 0 or items * max(kind.itemsize, 1) > len(content):
        raise ArtifactError(Code.ARTIFACT_FORMAT, "must hold arrays of the size that they say", where=where)


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as archive:
        for name, content in members.items():
            member = ZipInfo(name, _EPOCH)
            member.create_system = 3
            archive.writestr(member, content)
    return buffer.getvalue()


def _too_large(message: str, where: str) -> ArtifactError:
    return ArtifactError(Code.ARTIFACT_TOO_LARGE, message, where=where)
