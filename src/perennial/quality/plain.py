"""Plain values as bytes, to travel between processes: nothing that is read can run code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

Plain = Any
"""None, truth values, numbers, texts, lists and tuples of plain values, NumPy arrays of numbers, and Arrow arrays."""


def packed(value: Plain) -> bytes:
    """Return *value* as bytes. A tuple comes back as a list; numbers and arrays come back to the bit.

    Examples:
        >>> unpacked(packed((1, [None, 0.1, "a"], np.array([1.5]))))
        [1, [None, 0.1, 'a'], array([1.5])]
    """
    kept: list[pa.Array] = []
    text = json.dumps(_told(value, kept))
    sink = pa.BufferOutputStream()
    batch = pa.record_batch([pa.array([text]), *(_one_row(array) for array in kept)], [str(n) for n in range(len(kept) + 1)])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def unpacked(content: bytes) -> Plain:
    """Return the value that *content* was *packed* from."""
    with pa.ipc.open_stream(content) as reader:
        batch = reader.read_next_batch()
    return _read(json.loads(batch.column(0)[0].as_py()), [column.values for column in batch.columns[1:]])


def _told(value: Plain, kept: list[pa.Array]) -> object:
    if isinstance(value, np.ndarray):
        kept.append(pa.array(np.ascontiguousarray(value).reshape(-1)))
        return {"numpy": len(kept) - 1, "shape": value.shape}
    if isinstance(value, pa.Array):
        kept.append(value)
        return {"arrow": len(kept) - 1}
    if isinstance(value, list | tuple):
        return [_told(one, kept) for one in value]
    return value.item() if isinstance(value, np.generic) else value


def _read(value: Plain, kept: Sequence[pa.Array]) -> Plain:
    if isinstance(value, list):
        return [_read(one, kept) for one in value]
    if not isinstance(value, dict):
        return value
    if "arrow" in value:
        return kept[value["arrow"]]
    return kept[value["numpy"]].to_numpy(zero_copy_only=False).reshape(value["shape"])


def _one_row(array: pa.Array) -> pa.LargeListArray:
    """Return *array* as the only row of a column, so that arrays of different lengths fit into one batch."""
    whole = array if array.offset == 0 else pa.concat_arrays([array])
    return pa.LargeListArray.from_arrays(pa.array([0, len(whole)], pa.int64()), whole)
