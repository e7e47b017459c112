"""Batches of one size out of batches of any."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.core.rechunked import rechunked


@given(st.lists(st.integers(0, 12), max_size=8), st.integers(1, 9))
def test_rows_stay_in_order_and_only_the_last_batch_is_smaller(lengths: list[int], rows: int) -> None:
    """Whatever batches they come in."""
    numbers = iter(range(sum(lengths)))
    given_batches = [pa.record_batch({"n": pa.array([next(numbers) for _ in range(length)], pa.int64())}) for length in lengths]
    found = list(rechunked(given_batches, rows))
    assert [number for batch in found for number in batch["n"].to_pylist()] == list(range(sum(lengths)))
    full, rest = divmod(sum(lengths), rows)
    sizes = [rows] * full + [rest] * (rest > 0)
    assert [batch.num_rows for batch in found] == (sizes or [0] * bool(lengths))


def test_no_batches_give_none() -> None:
    """Nobody knows of which schema it would be."""
    assert list(rechunked([], 5)) == []


@pytest.mark.parametrize("sizes", [[10, 10], [20]])
def test_what_has_the_size_already_is_not_copied(sizes: list[int]) -> None:
    """A batch of the size, or of a multiple of it."""
    given_batches = [pa.record_batch({"n": pa.array(range(size), pa.int64())}) for size in sizes]
    addresses = {batch["n"].buffers()[1].address for batch in given_batches}
    assert {batch["n"].buffers()[1].address for batch in rechunked(given_batches, 10)} == addresses
