"""Which rows of many are marked: one bit per row, kept only where there is something to mark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
"""Shape (rows,): one truth value per row."""
Positions = npt.NDArray[np.int64]
"""Shape (n,): positions of rows, from 0."""

_BLOCK = 1 << 16


class Marks:
    """A set of row positions. Takes 8 KiB per 65,536 rows in which something is marked, and nothing for the others.

    Examples:
        >>> marks = Marks()
        >>> marks.add(100_000, np.array([False, True, True]))
        >>> marks.mask(100_001, 3).tolist(), marks.count
        ([True, True, False], 2)
    """

    def __init__(self) -> None:
        """Mark nothing."""
        self._blocks: dict[int, npt.NDArray[np.uint8]] = {}

    @property
    def count(self) -> int:
        """How many rows are marked."""
        return sum(int(np.bitwise_count(block).sum()) for block in self._blocks.values())

    def add(self, start: int, mask: Mask) -> None:
        """Mark the rows from position *start* on for which *mask* is true."""
        at = 0
        while at < len(mask):
            number, offset = divmod(start + at, _BLOCK)
            part = mask[at : at + _BLOCK - offset]
            if part.any():
                bits = self._unpacked(number)
                bits[offset : offset + len(part)] |= part
                self._blocks[number] = np.packbits(bits)
            at += len(part)

    def add_positions(self, positions: Positions) -> None:
        """Mark the rows at *positions*, in any order."""
        in_order = np.sort(positions)
        numbers, starts = np.unique(in_order // _BLOCK, return_index=True)
        for number, part in zip(numbers.tolist(), np.split(in_order, starts[1:]), strict=False):
            bits = self._unpacked(number)
            bits[part % _BLOCK] = True
            self._blocks[number] = np.packbits(bits)

    def told(self) -> tuple[list[int], npt.NDArray[np.uint8]]:
        """Return the marks as plain values: the numbers of blocks, and the bits of each, shape (blocks, 8192)."""
        blocks = list(self._blocks.values())
        return list(self._blocks), np.stack(blocks) if blocks else np.empty((0, _BLOCK // 8), np.uint8)

    def take(self, told: Sequence[Any]) -> None:
        """Mark what was *told* to be marked."""
        for number, block in zip(*told, strict=True):
            self._blocks[number] = self._blocks.get(number, np.zeros_like(block)) | block

    @classmethod
    def union(cls, several: Iterable[Marks]) -> Marks:
        """Return the rows that are marked in any of *several*."""
        together = cls()
        for marks in several:
            for number, block in marks._blocks.items():  # noqa: SLF001 - of its own class
                together._blocks[number] = together._blocks.get(number, np.zeros_like(block)) | block
        return together

    def without(self, others: Marks) -> Marks:
        """Return the rows that are marked here and not in *others*."""
        left = Marks()
        for number, block in self._blocks.items():
            left._blocks[number] = block & ~others._blocks.get(number, np.zeros_like(block))
        return left

    def mask(self, start: int, length: int) -> Mask:
        """Return for *length* rows from position *start* on whether they are marked."""
        found = np.zeros(length, dtype=bool)
        at = 0
        while at < length:
            number, offset = divmod(start + at, _BLOCK)
            size = min(length - at, _BLOCK - offset)
            if number in self._blocks:
                found[at : at + size] = self._unpacked(number)[offset : offset + size]
            at += size
        return found

    def _unpacked(self, number: int) -> Mask:
        block = self._blocks.get(number)
        return np.zeros(_BLOCK, dtype=bool) if block is None else np.unpackbits(block).view(np.bool_)
