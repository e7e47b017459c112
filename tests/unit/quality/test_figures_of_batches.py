"""Figures over batches are those of all rows at once, however many may be held and however the rows are split."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.quality.distinct import Distinct
from perennial.quality.median import Median, numbers, ordered
from perennial.quality.repeats import Repeats
from perennial.quality.rows import TableRows
from perennial.quality.scan import Tally, scan
from perennial.quality.spread import Moments

finite = st.floats(-1e12, 1e12)
some = st.lists(st.one_of(st.none(), st.sampled_from([-1.5, 0.0, -0.0, 2.0, 2.5, 1e300, -1e-300]), finite), min_size=1, max_size=40)
words = st.one_of(st.none(), st.sampled_from(["", "a", "b", "ab", "ba", "日", "日本"]))
sizes = st.integers(1, 7)
held = st.integers(1, 12)


def _show(tally: Tally, size: int, **columns: Sequence[Any] | pa.Array) -> None:
    scan(TableRows(pa.table(columns), rows_per_batch=size), [tally])


@given(values=some, size=sizes, most=held)
@settings(deadline=None)
def test_the_median_is_exact_however_few_values_are_held(values: list[float | None], size: int, most: int) -> None:
    """A radix selection narrows the middle down pass by pass."""
    median = Median("x", len(values), held_values=most)
    _show(median, size, x=pa.array(values, pa.float64()))
    known = [value for value in values if value is not None]

    assert (median.figure == statistics.median(known)) if known else np.isnan(median.figure)


@given(st.lists(st.floats(allow_nan=False)))
def test_the_ordered_form_has_the_order_of_the_numbers(values: list[float]) -> None:
    """And can be turned back."""
    array = np.array(values)

    assert array[np.argsort(ordered(array), kind="stable")].tolist() == sorted(values)
    assert numbers(ordered(array)).tolist() == values


@given(values=st.lists(words, min_size=1, max_size=40), size=sizes, most=held)
@settings(deadline=None)
def test_different_values_are_counted_exactly_however_few_are_held(values: list[str | None], size: int, most: int) -> None:
    """What is too much for one pass is counted in shares."""
    distinct = Distinct("x", len(values), held_values=most)
    _show(distinct, size, x=pa.array(values, pa.string()))
    known = [value for value in values if value is not None]

    assert (distinct.count, distinct.values) == (len(set(known)), len(known))


def test_counting_stops_at_a_limit() -> None:
    """One more than the limit says that it was passed, and one pass suffices."""
    distinct = Distinct("x", 50_000, limit=10)
    _show(distinct, 5_000, x=np.arange(50_000))

    assert (distinct.count, distinct.values) == (11, 50_000)


@given(keys=st.lists(st.tuples(words, st.integers(0, 3)), min_size=1, max_size=40), size=sizes, most=held, hopeful=st.booleans())
@settings(deadline=None)
def test_repeated_rows_are_found_exactly_however_few_are_held(
    keys: list[tuple[str | None, int]], size: int, most: int, hopeful: bool
) -> None:
    """In the order of a moment (here it may be another), and else in shares."""
    repeats = Repeats(("x", "at"), len(keys), in_order=hopeful, held_rows=most)
    at = pa.array([key[1] for key in keys], pa.timestamp("us", "UTC"))
    _show(repeats, size, x=pa.array([key[0] for key in keys], pa.string()), at=at)
    times = Counter(keys)

    assert repeats.marks.mask(0, len(keys)).tolist() == [times[key] > 1 for key in keys]
    assert repeats.considered == len(keys)


@given(keys=st.lists(st.tuples(st.integers(0, 12), words), min_size=1, max_size=60), size=sizes)
@settings(deadline=None)
def test_rows_in_the_order_of_a_moment_need_one_pass(keys: list[tuple[int, str | None]], size: int) -> None:
    """However many of them there are: only those of the last moment are held on to."""
    keys = sorted(keys, key=lambda key: key[0])
    repeats = Repeats(("x", "at"), 10**9, in_order=True)
    table = pa.table(
        {"x": pa.array([key[1] for key in keys], pa.string()), "at": pa.array([key[0] for key in keys], pa.timestamp("us", "UTC"))}
    )
    passes: list[None] = []
    scan(_Counted(table, size, passes), [repeats])
    times = Counter(keys)

    assert repeats.marks.mask(0, len(keys)).tolist() == [times[key] > 1 for key in keys]
    assert len(passes) == 1


class _Counted(TableRows):
    """Rows that count how often they are read."""

    def __init__(self, table: pa.Table, size: int, passes: list[None]) -> None:
        super().__init__(table, size)
        object.__setattr__(self, "_passes", passes)

    def batches(self, columns: Sequence[str] | None = None) -> Any:
        getattr(self, "_passes").append(None)  # noqa: B009 - a frozen record has no such field
        return super().batches(columns)


@given(st.lists(st.lists(finite, max_size=10), max_size=6))
def test_merged_moments_are_those_of_all_numbers(parts: list[list[float]]) -> None:
    """In whatever parts they come."""
    merged = Moments()
    for part in parts:
        merged = merged.merge(Moments.of(np.array(part, np.float64)))
    together = np.array([value for part in parts for value in part], np.float64)

    assert merged.count == len(together)
    if len(together) > 1:
        scale = float(np.abs(together).max()) + 1
        assert merged.mean == pytest.approx(together.mean(), rel=1e-9, abs=scale * 1e-12)
        assert merged.deviation == pytest.approx(together.std(ddof=1), rel=1e-9, abs=scale * 1e-7)


def test_the_spread_of_numbers_far_from_zero_keeps_its_digits() -> None:
    """A sum of squares would lose all of them."""
    parts = [np.array([1e9 + 4, 1e9 + 7]), np.array([1e9 + 13, 1e9 + 16])]

    assert Moments.of(parts[0]).merge(Moments.of(parts[1])).deviation == pytest.approx(30**0.5, rel=1e-12)
