"""Repeated rows among rows that come in the order of their keys: equal ones are neighbours, so little is known of each batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perennial.quality.column import Column, Kind
from perennial.quality.marks import Mask, Positions
from perennial.quality.plain import Plain

Key = tuple[Any, ...]
NONE: Positions = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours with the same key."""

    key: Key
    positions: Positions


class Runs:
    """Joins what is known of batches, in the order of their rows."""

    def __init__(self) -> None:
        """Know no row yet."""
        self.in_order = True
        self._last: Run | None = None

    def take(self, told: Plain) -> Positions:
        """Return the rows that are repeated, as far as that is known by now.

        Args:
            told: What :func:`runs_of` says of the next batch.
        """
        if told is None:
            self.in_order = False
        if not self.in_order or not told:
            return NONE
        repeated, first, last = told
        first, last = _run(*first), _run(*last) if last else None
        before, self._last = self._last, last or first
        if before is None or before.key < first.key:
            return np.asarray(repeated, np.int64)
        if before.key > first.key:
            self.in_order = False
            return NONE
        joined = np.concatenate([before.positions, first.positions])
        self._last = last or Run(first.key, joined)
        return np.concatenate([repeated, joined])


def runs_of(start: int, columns: Sequence[Column], wanted: Mask) -> Plain:
    """Return what is to be known of a batch whose first row has the position *start*.

    Returns:
        The repeated rows, the first run and the last one, if that is another one; nothing where no row is wanted; None where the
        rows do not come in the order of their keys, a moment first, or where a key has a missing value.
    """
    positions = start + np.flatnonzero(wanted)
    if not len(positions):
        return ()
    keys = [column.exact.filter(pa.array(wanted)) for column in sorted(columns, key=lambda column: column.kind is not Kind.MOMENT)]
    if any(key.null_count for key in keys):
        return None
    falls, same = np.zeros(len(positions) - 1, dtype=bool), np.ones(len(positions) - 1, dtype=bool)
    for key in keys:
        falls |= same & _flags(pc.less(key[1:], key[:-1]))
        same &= _flags(pc.equal(key[1:], key[:-1]))
    if falls.any():
        return None
    ends = np.append(np.flatnonzero(~same), len(positions) - 1)
    repeated = np.append(same, False) | np.append(False, same)
    first = positions[: ends[0] + 1]
    last = positions[ends[-2] + 1 :] if len(ends) > 1 else NONE
    ends_of = [_key(keys, at) for at in (0, -1)]
    return positions[repeated], (*ends_of[:1], first), (*ends_of[1:], last) if len(last) else ()


def _key(keys: Sequence[pa.Array], at: int) -> list[pa.Array]:
    at = at % len(keys[0])
    return [key[at : at + 1] for key in keys]


def _run(key: Sequence[pa.Array], positions: Positions) -> Run:
    return Run(
        tuple(value.cast(pa.int64())[0].as_py() if pa.types.is_timestamp(value.type) else value[0].as_py() for value in key),
        positions,
    )


def _flags(flags: pa.BooleanArray) -> Mask:
    return np.asarray(flags.to_numpy(zero_copy_only=False), dtype=bool)
