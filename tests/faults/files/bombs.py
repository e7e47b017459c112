"""Sealed models that would take far more memory than they have bytes: ``python -m tests.faults.files.bombs``.

Each is loaded in a fork that may take half a gibibyte more than it has. The line out is JSON: by bomb the code of its refusal and
the mebibytes that it took.
"""

from __future__ import annotations

import io
import json
import os
import resource
import struct
import sys
from collections.abc import Callable
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
from tests.faults.files.models_to_damage import KEY, Stored, load, stored
from tests.faults.files.watched import data_bytes

from perennial.core.digest import digest_bytes
from perennial.core.errors import PerennialError
from perennial.learning import archive, manifest

LIMIT = 512 << 20
Changed = dict[str, bytes]


def sealed(model: Stored, content: bytes) -> tuple[bytes, bytes]:
    """Return the manifest that signs *content* in the place of the model's, and *content*."""
    body = manifest.opened(model.manifest, KEY, "test")
    return manifest.sealed({**body, "artifact": digest_bytes(content), "bytes": len(content)}, KEY), content


def members(model: Stored) -> Changed:
    """Return what the model's file holds."""
    with ZipFile(io.BytesIO(model.content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(content: Changed, compression: int = ZIP_STORED) -> bytes:
    """Return a zip."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", compression) as file:
        for name, one in content.items():
            file.writestr(name, one)
    return buffer.getvalue()


def with_schema(model: Stored, change: Callable[[Any], Any]) -> bytes:
    """Return the model's file with another schema."""
    found = members(model)
    return packed({**found, archive.SCHEMA: json.dumps(change(json.loads(found[archive.SCHEMA]))).encode()})


def with_array(model: Stored, header: dict[str, Any]) -> bytes:
    """Return the model's file with another header in the place of its first array."""
    found = members(model)
    name = next(name for name in found if name != archive.SCHEMA)
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, header)
    return packed({**found, name: buffer.getvalue()})


def many_entries(members: int, locator: bytes) -> bytes:
    """Return a directory of a million entries that says it has *members*."""
    name = b"a" * 7
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *[0] * 9, len(name), *[0] * 6) + name
    directory = entry * 1_000_000
    return directory + locator + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, members, members, len(directory), 0, 0)


def other_directory() -> bytes:
    """Return a directory of a million entries behind the mark of the form for large files."""
    plain = many_entries(1, b"")
    directory, end = plain[:-22], plain[-22:]
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(directory), 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(directory), 1)
    return directory + record + locator + end


def set_everywhere(name: str, value: str) -> Callable[[Any], Any]:
    """Return a change that gives every attribute *name* the JSON *value*."""

    def change(schema: Any) -> Any:
        for node in archive.nodes(schema):
            content = node.get("content")
            if isinstance(content, dict) and isinstance(content.get(name), dict):
                content[name] = {**content[name], **_json(value)}
        return schema

    return change


def doubled(schema: Any) -> Any:
    """Hang thirty lists into one another, each of which holds the next one twice, under one number."""
    inner = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": [], "__id__": 10**6}
    for number in range(30):
        again = {**inner, "content": []}
        inner = {**inner, "content": [inner, again], "__id__": 10**6 + 1 + number}
    schema["content"]["content"]["memory"] = inner
    return schema


def often(schema: Any) -> Any:
    """Have a list hold the same array ten thousand times."""
    array = next(node for node in archive.nodes(schema) if node.get("type") == "numpy")
    items = [{**array, "__id__": 10**6 + number} for number in range(10_000)]
    meant = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": items, "__id__": 10**7}
    schema["content"]["content"]["memory"] = meant
    return schema


def meant_often(model: Stored) -> bytes:
    """Return the model's file with an array of a megabyte that is meant ten thousand times."""
    found = members(model)
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(1 << 17))
    arrays = {name: buffer.getvalue() for name in found if name != archive.SCHEMA}
    return packed({**arrays, archive.SCHEMA: json.dumps(often(json.loads(found[archive.SCHEMA]))).encode()})


def _json(value: str) -> dict[str, Any]:
    return {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": value, "is_json": True}


def bombs() -> dict[str, tuple[bytes, bytes]]:
    """Return the bombs by name, as manifest and file."""
    ridge, hist, rare = stored("ridge"), stored("boosting by histogram"), stored("rare categories")
    half = archive.MAX_SCHEMA_BYTES // 2
    files = {
        "a directory of a million entries": (ridge, many_entries(1, b"")),
        "a directory in another form": (ridge, other_directory()),
        "a compressed megabyte of zeros": (ridge, packed({**members(ridge), "0" * 64 + ".npy": bytes(1 << 20)}, ZIP_DEFLATED)),
        "a schema of lists": (ridge, packed({archive.SCHEMA: b"[" + b"[]," * (half // 3) + b"[]]"})),
        "a schema of objects": (ridge, packed({archive.SCHEMA: b"[" + b'{"a":1},' * (half // 8) + b"{}]"})),
        "a schema nested without end": (ridge, packed({archive.SCHEMA: b"[" * 10**6 + b"]" * 10**6})),
        "objects told once and meant often": (ridge, with_schema(ridge, doubled)),
        "an array of terabytes": (ridge, with_array(ridge, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)})),
        "an array that is meant often": (ridge, meant_often(ridge)),
        "an array of objects": (ridge, with_array(ridge, {"descr": "|O", "fortran_order": False, "shape": (1,)})),
        "an encoder of many columns": (rare, with_schema(rare, set_everywhere("_n_features_outs", f"[{10**9}]"))),
        "boosting of many figures": (hist, with_schema(hist, set_everywhere("n_trees_per_iteration_", f"{10**9}"))),
    }
    return {name: sealed(model, content) for name, (model, content) in files.items()}


def loaded(bomb: tuple[bytes, bytes]) -> tuple[str, int]:
    """Load a bomb in a fork with a limit, and return the code of its refusal and the mebibytes that it took."""
    inlet, outlet = os.pipe()
    child = os.fork()
    if not child:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        limit = data_bytes() + LIMIT
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        try:
            load(*bomb)
            code = "nothing"
        except PerennialError as error:
            code = str(error.code)
        except Exception as error:  # noqa: BLE001 - whatever else it is, it is told
            code = type(error).__name__
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        os.write(outlet, json.dumps([code, grown >> 10]).encode())
        os._exit(0)
    os.close(outlet)
    told = b"".join(iter(lambda: os.read(inlet, 1 << 16), b""))
    os.close(inlet)
    _, status = os.waitpid(child, 0)
    code, mebibytes = json.loads(told) if told else (f"ended with {status}", 0)
    return code, mebibytes


if __name__ == "__main__":
    sys.stdout.write(json.dumps({name: loaded(bomb) for name, bomb in bombs().items()}))
