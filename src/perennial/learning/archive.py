"""The file of a model: what skops writes, in a form that is the same for the same model, and within limits.

skops names objects by their address and files by chance, and a zip carries a time. Here objects are numbered in the order of the
schema, arrays are named by their content, and nothing is compressed, so that a file cannot unpack to more than it holds. What a
file may make a reader reserve is told before it is read: by the end of its directory, by the length of each member, by the header
of each array, and by the number of values in its schema.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
from collections.abc import Iterator
from itertools import count
from typing import Any, cast
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError
from perennial.learning.array_header import dimensions
from perennial.learning.refusals import refusals

SCHEMA = "schema.json"
MAX_BYTES = 1 << 30
MAX_SCHEMA_BYTES = 64 << 20
MAX_VALUES = 2_000_000
MAX_MEMBERS = (1 << 16) - 1  # more would need another form of directory

_EPOCH = (1980, 1, 1, 0, 0, 0)
_ARRAY_NAME = re.compile(r"[0-9a-f]{64}\.npy")
_END = struct.Struct("<4s4H2LH")
_END_MARK, _LOCATOR_MARK, _LOCATOR_BYTES = b"PK\x05\x06", b"PK\x06\x07", 20
_ENTRY_BYTES = 46 + len("0" * 64 + ".npy")


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
    with refusals(Code.ARTIFACT_FORMAT, "must be a skops file, got none", where):
        _check_end(content, where)
        with ZipFile(io.BytesIO(content)) as archive:
            sizes = _checked_sizes(archive.infolist(), len(content), where)
            arrays = {name: dimensions(archive.read(name)) for name in sizes if name != SCHEMA}
            if None in arrays.values():
                raise ArtifactError(Code.ARTIFACT_FORMAT, "must hold arrays of the size that they say", where=where)
            schema = _checked_json(archive.read(SCHEMA), where)
        found = list(nodes(schema))
        _check_shared(schema, found, sizes, where)
        if any(node["__loader__"] == "TreeNode" and not _is_list(node["content"]["content"]["nodes"], arrays) for node in found):
            raise ArtifactError(Code.ARTIFACT_FORMAT, "must hold trees whose nodes are a list", where=where)
    return cast("dict[str, Any]", schema)


def _check_end(content: bytes, where: str) -> None:
    """Look at what a zip ends with: a reader makes an object for each entry of its directory, whatever there is of them."""
    end = len(content) - _END.size
    if end < 0:
        raise BadZipFile
    mark, *disks, _, members, size, start, comment = _END.unpack_from(content, end)
    locator = content[max(end - _LOCATOR_BYTES, 0) :].startswith(_LOCATOR_MARK)
    if mark != _END_MARK or any((*disks, comment, locator)) or start + size != end:
        raise BadZipFile
    if members > MAX_MEMBERS:
        raise _too_large(f"must hold at most {MAX_MEMBERS} members, got {members}", where)
    if size > members * _ENTRY_BYTES:
        raise BadZipFile


def _checked_sizes(members: list[ZipInfo], size: int, where: str) -> dict[str, int]:
    """Return how many bytes each member has."""
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
    return {member.filename: member.file_size for member in members}


def _checked_json(schema: bytes, where: str) -> Any:  # noqa: ANN401 - JSON
    values = sum(schema.count(mark) for mark in (b",", b"[", b"{"))
    if values > MAX_VALUES:
        raise _too_large(f"must have a schema of at most {MAX_VALUES} values, got {values}", where)
    return json.loads(schema)


def _check_shared(schema: Any, found: list[dict[str, Any]], sizes: dict[str, int], where: str) -> None:  # noqa: ANN401 - JSON
    """Look at what nodes share: skops reads an array for each node that names it, and a node for each that has its number."""
    numbers = [node["__id__"] for node in found if "__id__" in node]
    if not isinstance(schema, dict) or len(set(numbers)) < len(numbers):
        raise ArtifactError(Code.ARTIFACT_FORMAT, "must hold a schema that tells each object once", where=where)
    read = sum(sizes[node["file"]] for node in found if "file" in node)
    if read > MAX_BYTES:
        raise _too_large(f"must hold arrays of at most {MAX_BYTES} bytes together, got {read}", where)


def _is_list(node: dict[str, Any], arrays: dict[str, int | None]) -> bool:
    """Return whether a node is an array of one dimension: scikit-learn reads the length of a tree's before it looks."""
    plain = (node["__loader__"], node["__class__"], node["type"]) == ("NdArrayNode", "ndarray", "numpy")
    return plain and arrays.get(node["file"]) == 1


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
