"""Rows without those that are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask = npt.NDArray[np.bool_]


def kept(batches: Iterator[pa.RecordBatch], refused: Callable[[int, int], Mask]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of *batches* that are not refused; nothing for a batch of which none is left.

    Args:
        batches: In order.
        refused: Returns which rows are refused, shape (count,), by the position of the first row and their count.
    """
    start = 0
    for batch in batches:
        out = refused(start, batch.num_rows)
        start += batch.num_rows
        if not out.any():
            yield batch
        elif not out.all():
            yield batch.filter(pa.array(~out))
