"""Many small counts in few bytes: each array in as few bytes a number as its greatest one needs, compressed, as text."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence

import numpy as np

from perennial.monitoring.psi import Counts

_WIDTHS = (1, 2, 4, 8)


def packed(arrays: Sequence[Counts]) -> str:
    """Return *arrays*, whose numbers are at least 0, as text; :func:`unpacked` needs their shapes.

    Examples:
        >>> unpacked(packed([np.array([1, 300]), np.array([[2]])]), [(2,), (1, 1)])
        [array([  1, 300]), array([[2]])]
    """
    widths = [_width(array) for array in arrays]
    content = b"".join(array.astype(f"<u{width}").tobytes() for array, width in zip(arrays, widths, strict=True))
    return "".join(map(str, widths)) + ":" + base64.b64encode(zlib.compress(content, 9)).decode()


def unpacked(text: str, shapes: Sequence[tuple[int, ...]]) -> list[Counts]:
    """Return the arrays of *shapes* that *text* holds. No more memory is used than they take.

    Raises:
        ValueError: It holds something else.
    """
    header, _, body = text.partition(":")
    widths = [_WIDTHS[_WIDTHS.index(int(width))] for width in header]
    sizes = [width * int(np.prod(shape, dtype=object)) for width, shape in zip(widths, shapes, strict=True)]
    content = _inflated(body, sum(sizes))
    arrays, start = [], 0
    for width, size, shape in zip(widths, sizes, shapes, strict=True):
        arrays.append(np.frombuffer(content, f"<u{width}", size // width, start).astype(np.int64).reshape(shape))
        start += size
    return arrays


def _width(array: Counts) -> int:
    most = int(array.max(initial=0))
    return next(width for width in _WIDTHS if most < 1 << 8 * width)


def _inflated(body: str, size: int) -> bytes:
    inflating = zlib.decompressobj()
    try:
        content = inflating.decompress(base64.b64decode(body, validate=True), size + 1)
    except (zlib.error, binascii.Error):
        content = b""
    if len(content) != size:
        raise ValueError(f"must hold {size} bytes")
    return content
