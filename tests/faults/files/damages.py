"""Damage to a stored model: of its bytes, or of what is inside, sealed again with the right key so that later checks see it."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
from tests.faults.files.models_to_damage import KEY, Stored

from perennial.core.digest import digest_bytes
from perennial.learning import manifest
from perennial.learning.archive import SCHEMA, nodes

Pair = tuple[bytes, bytes]
NUMBERS = (0, -1, 1, 2, 3, 7, 255, 256, 10**6, 2**31 - 1, 2**31, 2**32, 2**40, 2**63 - 1, 2**63, -(2**31), 1e308, -0.0, 0.5)
TEXTS = (
    "builtins",
    "eval",
    "numpy",
    "exp",
    "ndarray",
    "fit",
    "predict",
    "__init__",
    "passthrough",
    "drop",
    "ObjectNode",
    "sag",
    "",
)
JSON = ("0", "-1", "1", "5", "999999999", "4294967296", "NaN", "1e308", "null", "true", '"x"', "[]", "{}", "[[[[1]]]]", "9" * 4400)
SHAPES = ("(1,)", "(0,)", "(4294967296,)", "(1099511627776,)", "(-1,)", "(3, 3)", "()", "(9223372036854775807, 2)", "(1e3,)")
KINDS = ("<f8", "|O", ">i8", "<i2", "<U1000000", "|V8", "<c16", "|S0", "M8[us]")


def unsealed(draw: Random, model: Stored, others: Sequence[Stored]) -> Pair:
    """Return *model* with damage that no key was used for."""
    while (damaged := _unsealed(draw, model, draw.choice(others))) == (model.manifest, model.content):
        pass
    return damaged


def _unsealed(draw: Random, model: Stored, other: Stored) -> Pair:
    if draw.random() < 0.05:
        return draw.choice([(model.manifest, other.content), (other.manifest, model.content)])
    if draw.random() < 0.3:
        return _bytes(draw, model.manifest, other.manifest), model.content
    return model.manifest, _bytes(draw, model.content, other.content)


def sealed(draw: Random, model: Stored, others: Sequence[Stored]) -> Pair:
    """Return *model* with damage under a right digest and a right signature."""
    while True:
        kind = draw.choices(tuple(_SEALED), [weight for weight, _ in _SEALED.values()])[0]
        content, changed = _SEALED[kind][1](draw, model, draw.choice(others))
        body = {**_body(model), "artifact": digest_bytes(content), "bytes": len(content), **changed}
        if body != _body(model):
            return manifest.sealed(body, KEY), content


def _body(model: Stored) -> dict[str, Any]:
    return manifest.opened(model.manifest, KEY, "test")


def _bytes(draw: Random, content: bytes, other: bytes) -> bytes:
    """Flip bits, cut, lengthen, blank or overwrite."""
    at, length = draw.randrange(len(content)), draw.choice([1, 2, 4, 16, 512])
    kind = draw.randrange(6)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content + draw.randbytes(length)
    if kind == 2:
        return content[:at] + bytes(length) + content[at + length :]
    if kind == 3:
        return content[:at] + other[at : at + length] + content[at + length :]
    flipped = bytearray(content)
    for _ in range(draw.choice([1, 1, 1, 2, 8])):
        flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
    return bytes(flipped)


def _in_bytes(draw: Random, model: Stored, other: Stored) -> tuple[bytes, dict[str, Any]]:
    return _bytes(draw, model.content, other.content), {}


def _in_directory(draw: Random, model: Stored, __: Stored) -> tuple[bytes, dict[str, Any]]:
    """Overwrite a field of a zip's headers: sizes, offsets, names, flags, counts."""
    content = bytearray(model.content)
    mark = draw.choice([b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"])
    at = draw.choice([place for place in range(len(content)) if content.startswith(mark, place)])
    field = at + draw.randrange(len(mark), 22 if mark == b"PK\x05\x06" else 46)
    value = struct.pack("<Q", draw.choice([0, 1, 8, 0xFFFF, 2**31, 2**32 - 1, 2**64 - 1, draw.getrandbits(64)]))
    content[field : field + 4] = value[: draw.choice([1, 2, 4])]
    return bytes(content), {}


def _in_json_text(draw: Random, model: Stored, __: Stored) -> tuple[bytes, dict[str, Any]]:
    """Replace letters of the schema by other letters, as it is written."""
    members = _members(model)
    text = bytearray(members[SCHEMA])
    for _ in range(draw.choice([1, 1, 2, 4])):
        text[draw.randrange(len(text))] = draw.choice(b'0123456789-.,:"[]{}etfnabN\\ \x00\xff')
    return _packed(draw, {**members, SCHEMA: bytes(text)}), {}


def _in_json(draw: Random, model: Stored, other: Stored) -> tuple[bytes, dict[str, Any]]:
    """Replace, remove, repeat, swap or graft values of the schema, and number its objects again."""
    members = _members(model)
    schema = json.loads(members[SCHEMA])
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        _change(draw, schema, json.loads(_members(other)[SCHEMA]))
    if draw.random() < 0.95:
        for number, node in enumerate(nodes(schema), start=1):
            node["__id__"] = number
    return _packed(draw, {**members, SCHEMA: json.dumps(schema).encode()}), {}


def _change(draw: Random, schema: Any, donor: Any) -> None:
    parent, key = draw.choice(_places(schema))
    kind = draw.randrange(10)
    if kind == 0 and isinstance(parent, list):
        parent.insert(key, json.loads(json.dumps(parent[key])))
    elif kind == 1:
        del parent[key]
    elif kind == 2:
        there, name = draw.choice(_places(schema))
        parent[key], there[name] = json.loads(json.dumps([there[name], parent[key]]))
    elif kind == 3:
        there, name = draw.choice(_places(donor))
        parent[key] = there[name]
    else:
        parent, key = draw.choice([(one, name) for one, name in _places(schema) if not isinstance(one[name], dict | list)])
        parent[key] = _other(draw, parent, key, schema)


def _other(draw: Random, parent: Any, key: Any, schema: Any) -> Any:
    if key == "content" and isinstance(parent, dict):
        return draw.choice(JSON)
    if isinstance(parent[key], str):
        known = [one[name] for one, name in _places(schema) if isinstance(one[name], str)]
        return draw.choice([draw.choice(known), draw.choice(known), draw.choice(TEXTS)])
    return draw.choice((*NUMBERS, None, True, "x", [], {}))


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a JSON value, as what holds it and the key."""
    found, ahead = [], [value]
    while ahead:
        one = ahead.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one))
        found += [(one, key) for key in keys]
        ahead += [one[key] for key in keys if isinstance(one[key], dict | list)]
    return found


def _in_array(draw: Random, model: Stored, other: Stored) -> tuple[bytes, dict[str, Any]]:
    """Change elements of an array to extremes or to chance, its type or its length, or put another array in its place."""
    members = _members(model)
    name = draw.choice([name for name in members if name != SCHEMA])
    donor = draw.choice([content for one in (model, other) for name, content in _members(one).items() if name != SCHEMA])
    kind = draw.randrange(6)
    if kind == 0:
        changed = donor
    elif kind == 1:
        changed = _bytes(draw, members[name], donor)
    elif kind == 2:
        changed = _header(draw, members[name])
    else:
        changed = _saved(_elements(draw, np.load(io.BytesIO(members[name]))))
    return _packed(draw, {**members, name: changed}), {}


def _elements(draw: Random, array: Any) -> Any:
    if not array.size or array.dtype.kind in "US":
        return array.reshape(-1)[:0]
    if draw.random() < 0.1:
        return draw.choice([array[:-1], array.repeat(2), array.reshape(1, -1), array[::-1]]) if array.ndim == 1 else array.T
    fields = [name for name in array.dtype.names or () if name]
    part = array[draw.choice(fields)] if fields else array
    flat = part.reshape(-1)
    for _ in range(draw.choice([1, 2, 8])):
        at = draw.randrange(flat.size)
        if draw.random() < 0.5:
            _set(flat, at, draw.choice(NUMBERS))
        else:
            _set(flat, at, flat[at].item() + draw.choice([-1, 1]))
    part[...] = flat.reshape(part.shape)
    return array


def _set(flat: Any, at: int, value: Any) -> None:
    with np.errstate(all="ignore"):
        flat[at] = np.array(float(value)).astype(flat.dtype) if isinstance(value, float) else _wrapped(value, flat.dtype)


def _wrapped(value: int, kind: Any) -> Any:
    """Return the bits of a whole number that its new type has room for; for a float the nearest."""
    if kind.kind not in "iu":
        return np.array(float(value)).astype(kind)
    return np.array(value & (2 ** (8 * kind.itemsize) - 1), dtype=f"u{kind.itemsize}").view(kind)


def _header(draw: Random, content: bytes) -> bytes:
    array: Any = np.load(io.BytesIO(content))
    shape = draw.choice(SHAPES) if draw.random() < 0.6 else repr(array.shape)
    kind = repr(array.dtype.str) if shape in SHAPES else repr(draw.choice(KINDS))
    text = f"{{'descr': {kind}, 'fortran_order': {draw.choice([True, False, 0])}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(array.tobytes())


def _saved(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _in_manifest(draw: Random, model: Stored, other: Stored) -> tuple[bytes, dict[str, Any]]:
    body = _body(model)
    for _ in range(draw.choice([1, 2])):
        _change(draw, body, _body(other))
    return model.content, body


def _of_another(_: Random, __: Stored, other: Stored) -> tuple[bytes, dict[str, Any]]:
    return other.content, {}


_SEALED: dict[str, tuple[int, Callable[[Random, Stored, Stored], tuple[bytes, dict[str, Any]]]]] = {
    "bytes": (5, _in_bytes),
    "directory": (10, _in_directory),
    "text of the schema": (10, _in_json_text),
    "schema": (35, _in_json),
    "arrays": (35, _in_array),
    "manifest": (4, _in_manifest),
    "another": (1, _of_another),
}


def _members(model: Stored) -> dict[str, bytes]:
    with ZipFile(io.BytesIO(model.content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def _packed(draw: Random, members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED if draw.random() < 0.01 else ZIP_STORED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()
