"""The rows that are refused, and why: one bit per row and reason, however many there are."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from perennial.quality.marks import Marks, Mask


class Refused:
    """Marked rows by reason."""

    def __init__(self, reasons: Iterable[tuple[str, Marks]]) -> None:
        """Refuse the marked rows, each for its *reasons*, in this order; the same reason twice is one."""
        merged: dict[str, list[Marks]] = {}
        for reason, marks in reasons:
            merged.setdefault(reason, []).append(marks)
        self._marks = {reason: Marks.union(found) for reason, found in merged.items() if any(marks.count for marks in found)}
        self._any = Marks.union(self._marks.values())

    def __len__(self) -> int:
        """Return how many rows are refused, each counted once."""
        return self._any.count

    def and_for(self, reason: str, marks: Marks) -> Refused:
        """Return what is refused if the marked rows are refused as well."""
        return Refused([*self._marks.items(), (reason, marks)])

    def mask(self, start: int, length: int) -> Mask:
        """Return for *length* rows from position *start* on whether they are refused."""
        return self._any.mask(start, length)

    def reasons(self, start: int, length: int) -> pa.ListArray:
        """Return why the refused ones among *length* rows from position *start* on are: a list of text for each."""
        masks = [marks.mask(start, length) for marks in self._marks.values()]
        grid = np.array(masks, dtype=bool).reshape(len(masks), length).T[self.mask(start, length)]
        offsets = np.concatenate([[0], np.cumsum(grid.sum(axis=1))])
        said = pa.array(list(self._marks), pa.string())
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), said.take(pa.array(np.nonzero(grid)[1], pa.int64())))
