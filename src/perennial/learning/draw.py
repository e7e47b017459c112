"""Fewer rows than there are, drawn so that each stratum keeps its share, and by what the rows are, not by where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def draw(strata: npt.NDArray[np.int64], lots: npt.NDArray[np.uint64], most: int) -> npt.NDArray[np.bool_]:
    """Return which rows are drawn, shape (rows,): of each stratum its share of *most*, those with the smallest lots.

    A share is rounded down; what is then missing to *most* goes to the strata that lost most by it, the lower ones of equals.

    Args:
        strata: Shape (rows,), the stratum of each row.
        lots: Shape (rows,), as :func:`lots_of` gives them.
        most: How many rows are drawn, fewer than there are.

    Examples:
        >>> draw(np.array([1, 1, 1, 1, 2, 2]), np.array([9, 2, 7, 1, 8, 3], np.uint64), 3).tolist()
        [False, True, False, True, False, True]
    """
    _, stratum, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    order = np.lexsort((lots, stratum))
    place = np.arange(order.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)  # within its stratum
    drawn = np.zeros(order.size, dtype=bool)
    drawn[order] = place < np.repeat(_shares(sizes, most), sizes)
    return drawn


def lots_of(
    entities: Sequence[str], codes: npt.NDArray[np.integer], moments: npt.NDArray[np.int64], seed: int
) -> npt.NDArray[np.uint64]:
    """Return a number for each row that looks random and follows from its entity, its moment and *seed* alone, shape (rows,).

    Args:
        entities: Every entity as a text.
        codes: Shape (rows,), the place of each row's entity among them.
        moments: Shape (rows,), when each row happened, in microseconds.
        seed: At least 0, below 2 to the power of 64.

    References:
        Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014: the mixing of bits.
    """
    key = seed.to_bytes(8, "little")
    named = [int.from_bytes(blake2b(entity.encode(), digest_size=8, key=key).digest(), "little") for entity in entities]
    return _mixed(np.array(named, dtype=np.uint64)[codes] ^ _mixed(moments.astype(np.uint64)))


def _shares(sizes: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    total = int(sizes.sum())
    shares, lost = np.divmod(sizes * most, total)
    shares[np.argsort(-lost, kind="stable")[: most - int(shares.sum())]] += 1
    return shares


def _mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return each number with its bits mixed, so that close ones are far apart. Overflow is meant."""
    numbers = numbers + _GOLDEN
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
