"""Rows in equal shares by their values, so that each share fits into memory: equal values are in the same share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perennial.quality.column import Column

Hashes = npt.NDArray[np.uint64]

_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio: multiplying by it spreads neighbours (Knuth, TAOCP 6.4)
_HALF = np.uint64(32)
_WEIGHTS = np.random.default_rng(0).integers(1, 2**63, 256, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def shares_of(columns: Sequence[Column], count: int) -> npt.NDArray[np.int64]:
    """Return for each row the number of its share, from 0 to *count* - 1.

    Rows whose values in all *columns* are equal have the same one. Others are spread evenly, which only the memory depends on.
    """
    return ((hashes_of(columns) >> _HALF) % np.uint64(count)).astype(np.int64)


def hashes_of(columns: Sequence[Column]) -> Hashes:
    """Return for each row a hash of its values in all *columns*: the same for equal values, seldom for others."""
    mixed = _hashes(columns[0])
    for column in columns[1:]:
        mixed = _mix(mixed + _hashes(column))
    return mixed


def _hashes(column: Column) -> Hashes:
    if column.bits is None:
        words, which = column.words
        return np.append(_mix(_of_bytes(words)), np.uint64(0))[which]
    found = _mix(column.bits.view(np.uint64))
    return found if column.missing is None else np.where(column.missing, np.uint64(0), found)


def _mix(values: npt.NDArray[Any]) -> Hashes:
    spread = values * _ODD
    return (spread ^ (spread >> _HALF)) * _ODD


def _of_bytes(words: pa.Array) -> Hashes:
    """Return the sum of each text's bytes, weighted by their place in it."""
    texts = words.cast(pa.large_string()) if len(words) else pa.array([], pa.large_string())
    _, ends, content = texts.buffers()
    offsets = np.frombuffer(ends, np.int64, len(texts) + 1, texts.offset * 8) if len(texts) else np.zeros(1, np.int64)
    lengths = np.diff(offsets)
    if content is None or offsets[-1] == offsets[0]:
        return lengths.astype(np.uint64)
    taken = np.frombuffer(content, np.uint8)[offsets[0] : offsets[-1]].astype(np.uint64)
    places = np.arange(len(taken)) - np.repeat(offsets[:-1] - offsets[0], lengths)
    sums = np.concatenate([[np.uint64(0)], np.cumsum((taken + np.uint64(1)) * _WEIGHTS[places % len(_WEIGHTS)], dtype=np.uint64)])
    return np.asarray(np.diff(sums[offsets - offsets[0]]), np.uint64)
