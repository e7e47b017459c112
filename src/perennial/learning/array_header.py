"""The header of a stored array, read by its letters.

numpy reads a header as a Python expression, and reserves what it says before looking at what is there. Here a header is first
compared with the one form that numpy writes, so that neither happens to any other.
"""

from __future__ import annotations

import math
import re
import struct

import numpy as np

_MAGIC = b"\x93NUMPY"
_LENGTH = {b"\x01\x00": struct.Struct("<H"), b"\x02\x00": struct.Struct("<I")}
_MAX_HEADER_BYTES = 10_000  # numpy refuses to read more

_PLAIN = r"[<|](?:[biufSU]\d{1,9}|[mM]8(?:\[\w{1,4}\])?)"
_FIELD = rf"\('\w{{0,40}}', '(?:{_PLAIN}|\|V\d{{1,4}})'\)"
_HEADER = re.compile(
    rf"\{{'descr': ('{_PLAIN}'|\[{_FIELD}(?:, {_FIELD}){{0,40}}\]), 'fortran_order': (?:True|False), "
    r"'shape': \(((?:\d{1,12}, ){1,8}\d{1,12}|\d{1,12},|)\), \} *\n",
    re.ASCII,
)
_QUOTED_KIND = re.compile(r"'([<|][^']*)'")


def dimensions(content: bytes) -> int | None:
    """Return how many dimensions the array in *content* has.

    None where it is none as numpy writes it, of numbers, texts, moments or records of them, or not just as long as it says.
    """
    start = len(_MAGIC) + 2
    length = _LENGTH.get(content[len(_MAGIC) : start])
    if not content.startswith(_MAGIC) or length is None or len(content) < start + length.size:
        return None
    (size,) = length.unpack_from(content, start)
    start += length.size
    if size > _MAX_HEADER_BYTES:
        return None
    found = _HEADER.fullmatch(content[start : start + size].decode("latin-1"))
    if found is None:
        return None
    shape = [int(length) for length in found[2].split(",") if length.strip()]
    return len(shape) if start + size + _itemsize(found[1]) * math.prod(shape) == len(content) else None


def _itemsize(described: str) -> int:
    """Return the bytes of an item; more than any file has where numpy does not know its type."""
    try:
        return sum(np.dtype(kind).itemsize for kind in _QUOTED_KIND.findall(described))
    except (TypeError, ValueError):
        return 1 << 62
