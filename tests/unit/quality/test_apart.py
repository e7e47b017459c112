"""Rows that are seen piece by piece, and what the pieces tell: the figures are those of all rows in one pass, to the bit."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.quality import copies
from perennial.quality.check import Expected, check
from perennial.quality.night_figures import NightFigures, watched
from perennial.quality.plain import Plain, packed, unpacked
from perennial.quality.repeats import Repeats
from perennial.quality.rows import TableRows
from perennial.quality.scan import Apart, Elsewhere, scan, show

EXPECTED: list[Expected] = [
    ("expect_column_values_to_be_between", {"column": "x", "min_value": -1, "max_value": 1}),
    ("expect_column_values_to_not_be_null", {"column": "x"}),
    ("expect_column_values_to_match_regex", {"column": "key", "regex": "a"}),
    ("expect_column_values_to_be_null", {"column": "x"}),
    ("expect_column_values_to_be_in_set", {"column": "key", "value_set": ["a", "b"]}),
    ("expect_column_values_to_not_be_in_set", {"column": "n", "value_set": [3]}),
    ("expect_column_value_lengths_to_be_between", {"column": "key", "max_value": 1}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "n", "column_B": "x"}),
    ("expect_column_values_to_be_unique", {"column": "key"}),
    ("expect_column_values_to_be_unique", {"column": "n"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["key", "at"]}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["x", "at"], "ignore_row_if": "any_value_is_missing"}),
    ("expect_column_mean_to_be_between", {"column": "x", "min_value": 0}),
    ("expect_column_stdev_to_be_between", {"column": "x", "min_value": 0}),
    ("expect_column_min_to_be_between", {"column": "x", "min_value": 0}),
    ("expect_column_max_to_be_between", {"column": "at", "max_value": "2024-03-01T00:00:00Z"}),
    ("expect_column_max_to_be_between", {"column": "key", "max_value": 1}),
    ("expect_column_median_to_be_between", {"column": "x", "min_value": 0}),
    ("expect_column_unique_value_count_to_be_between", {"column": "key", "max_value": 3}),
    ("expect_column_proportion_of_unique_values_to_be_between", {"column": "n", "max_value": 0.5}),
]
MOMENT = pa.timestamp("us", "UTC")
START = 1_709_251_200_000_000


def pieces(table: pa.Table, cuts: Sequence[int], batch: int) -> Elsewhere:
    """Return what shows *table* cut at *cuts*, and each piece in batches of *batch* rows."""
    bounds = [0, *sorted(cuts), table.num_rows]

    def elsewhere(names: Sequence[str], who: Sequence[Apart]) -> Iterator[Sequence[Plain]]:
        for start, end in pairwise(bounds):
            here = pickle.loads(pickle.dumps(who))  # noqa: S301 - as it travels to where the piece is
            show(
                table.select(list(names)).slice(start, end - start).combine_chunks().to_batches(max_chunksize=batch),
                here,
                start=start,
            )
            yield unpacked(packed([one.told() for one in here]))

    return elsewhere


@st.composite
def nights(draw: st.DrawFn) -> pa.Table:
    """Draw rows in the order of (at, key), some with the same key, some with missing values."""
    size = draw(st.integers(0, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    at = np.sort(random.integers(0, draw(st.sampled_from([1, 3, 60])), size)) * 60_000_000 + START
    keys = random.choice(["a", "ab", "b", "é"], size)
    x = random.choice([0.1, 0.2, 1.3, -0.0, 0.0, np.nan, np.inf], size, p=[0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1])
    x = np.where(np.isinf(x), draw(st.sampled_from([np.inf, 7.0])), x)
    x = np.where(np.isnan(x) & (not draw(st.booleans())), 1 / 3, x)
    table = pa.table(
        {
            "at": pa.array(at, MOMENT),
            "key": pa.array(keys, pa.string()),
            "x": pa.array(x, mask=random.random(size) < draw(st.sampled_from([0, 0.3]))),
            "n": pa.array(random.integers(0, 9, size)),
        }
    )
    return table.sort_by([("at", "ascending"), ("key", "ascending")]) if draw(st.booleans()) else table


@given(nights(), st.data())
def test_every_expectation_finds_the_same(table: pa.Table, data: st.DataObject) -> None:
    """Wherever the rows are cut, into whatever pieces; some are empty. Batches are the same, as row groups are."""
    cuts = data.draw(st.lists(st.integers(0, table.num_rows // 5).map(lambda five: five * 5), max_size=4))
    whole = check(TableRows(table, 5), EXPECTED)
    found = check(TableRows(table, 5), EXPECTED, elsewhere=pieces(table, cuts, 5))
    assert found.findings == whole.findings
    assert [_told(one.figure) for one in found.outcomes] == [_told(one.figure) for one in whole.outcomes]
    assert [one.considered for one in found.outcomes] == [one.considered for one in whole.outcomes]
    reasons = [checked.refused.reasons(0, table.num_rows).to_pylist() for checked in (found, whole)]
    assert reasons[0] == reasons[1]


def _told(figure: object) -> object:
    return figure.hex() if isinstance(figure, float) else figure


@given(nights(), st.data())
def test_a_night_has_the_same_figures(table: pa.Table, data: st.DataObject) -> None:
    """Gaps, ends, samples and the share of copies."""
    cuts = data.draw(st.lists(st.integers(0, table.num_rows // 5).map(lambda five: five * 5), max_size=4))
    _same_night(table, cuts, most=data.draw(st.sampled_from([2, 5, 100])))


def test_a_night_of_many_different_rows_has_the_same_share_of_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only a share of all rows is held, too."""
    monkeypatch.setattr(copies, "HELD", 50)
    random = np.random.default_rng(3)
    at = np.arange(2_000) * 60_000_000 + START
    columns = {"x": random.integers(0, 700, 2_000).astype(float), "n": random.integers(0, 3, 2_000)}
    table = pa.table({"at": pa.array(at, MOMENT), "key": pa.array(["a"] * 2_000), **columns})
    _same_night(table, [100, 100, 1_500], most=20)


def _same_night(table: pa.Table, cuts: Sequence[int], *, most: int) -> None:
    rows = TableRows(table, 5)
    found = []
    for elsewhere in (None, pieces(table, cuts, 5)):
        figures = NightFigures(watched("at", ["key"], ["x", "n"], table.column_names), START, START + 90_000_000_000, rows.num_rows)
        figures._most = most
        for collected in figures._numbers.values():
            collected.sample._most = most
        scan(rows, [figures], elsewhere)
        found.append(_plain(figures.night))
    assert found[0] == found[1]


def _plain(value: Any) -> Any:
    """Return a night as what can be compared to the bit."""
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(getattr(value, one.name)) for one in fields(value)] if hasattr(value, "__dataclass_fields__") else value


@pytest.mark.parametrize("shares", [1, 3])
def test_keys_out_of_order_are_found_in_shares(shares: int) -> None:
    """Also across pieces."""
    table = pa.table({"at": pa.array([START, START - 5, START, START - 5], MOMENT), "key": ["a", "b", "a", "c"]})
    twice = Repeats(["key", "at"], 4, in_order=True, held_rows=4 // shares)
    scan(TableRows(table), [twice], pieces(table, [1, 2], 5))
    assert twice.marks.mask(0, 4).tolist() == [True, False, True, False]
