"""Rows without those that are refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from perennial.steps.kept import kept


@given(st.lists(st.lists(st.booleans(), max_size=5), max_size=6))
def test_what_is_refused_is_left_out_by_its_position_among_all_rows(parts: list[list[bool]]) -> None:
    """Whatever batches the rows come in; a batch of which nothing is left does not come."""
    refused = np.array([out for part in parts for out in part], dtype=bool)
    ends = np.cumsum([0, *map(len, parts)])
    batches = (pa.record_batch({"n": pa.array(range(ends[at], ends[at + 1]), pa.int64())}) for at in range(len(parts)))
    found = list(kept(batches, lambda start, count: refused[start : start + count]))
    assert [number for batch in found for number in batch["n"].to_pylist()] == np.flatnonzero(~refused).tolist()
    assert len(found) == sum(not part or not all(part) for part in parts)
