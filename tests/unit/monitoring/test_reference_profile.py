"""The reference: edges found in the data, and the counts of each night."""

from __future__ import annotations

import json
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from perennial.core.errors import ArtifactError
from perennial.monitoring.counting.edges import CategoricalEdges, NumericEdges
from perennial.monitoring.counting.profile import merge, profile
from perennial.monitoring.counting.reference import Moments, Reference, reference_profile


def numeric(values: Any, nights: Any = None) -> NumericEdges:
    """Return the edges of one column of numbers."""
    positions = np.zeros(len(values), np.int64) if nights is None else np.asarray(nights)
    found = reference_profile(pa.table({"x": pa.array(values, pa.float64())}), numeric=["x"], nights=positions).edges.columns[0]
    assert isinstance(found, NumericEdges)
    return found


def categorical(values: Any, nights: Any) -> tuple[CategoricalEdges, Reference]:
    """Return the edges of one categorical column, and the reference."""
    found = reference_profile(pa.table({"c": values}), categorical=["c"], nights=np.asarray(nights))
    edges = found.edges.columns[0]
    assert isinstance(edges, CategoricalEdges)
    return edges, found


def world(rows: int = 3000) -> tuple[pa.Table, Any]:
    """Return rows of 30 nights with a normal, a half-missing, a constant, an empty and a categorical column."""
    rng = np.random.default_rng(1)
    half = np.where(rng.random(rows) < 0.5, np.nan, rng.normal(size=rows))
    table = pa.table(
        {
            "normal": rng.normal(3, 2, rows),
            "half": half,
            "constant": np.full(rows, 7.0),
            "empty": pa.nulls(rows),
            "zone": rng.choice(list("abcd"), rows),
        }
    )
    return table, np.repeat(np.arange(100, 130), rows // 30)


def reference() -> Reference:
    """Return the reference of that world."""
    rows, nights = world()
    return reference_profile(rows, numeric=["normal", "half", "constant", "empty"], categorical=["zone"], nights=nights)


def test_quantile_bins_hold_about_the_same_number_of_rows() -> None:
    """10 bins for 1000 rows, each with about a tenth of them."""
    edges = numeric(np.random.default_rng(2).lognormal(size=1000))
    found = profile(reference_profile(pa.table({"x": [1.0]}), nights=np.zeros(1, np.int64)).edges, [])
    assert found.counts == {}
    placed = np.bincount(edges.place_numbers(np.random.default_rng(2).lognormal(size=1000)), minlength=edges.bins)
    assert (np.abs(edges.test_counts(placed)[:10] - 100) <= 3).all()
    assert (np.abs(placed[:30] - 33) <= 5).all()


def test_the_test_has_between_10_and_32_bins() -> None:
    """It grows with the cube root of the rows; the finer bins with their square root, up to 1024."""
    rng = np.random.default_rng(3)
    found = [numeric(rng.normal(size=n)) for n in (100, 8000, 100_000, 2_000_000)]
    assert [(edges.test_ordinary, edges.ordinary) for edges in found] == [(10, 10), (20, 80), (32, 288), (32, 1024)]


def test_a_single_value_with_a_large_share_has_its_own_bin() -> None:
    """Zero in a fifth of the rows is an atom; the others are spread over quantiles."""
    values = np.concatenate([np.zeros(200), np.random.default_rng(4).normal(size=800)])
    assert numeric(values).atoms == (0.0,)


@pytest.mark.parametrize(
    ("values", "cuts", "atoms"),
    [
        ([7.0] * 50, (7.0,), (7.0,)),
        ([None] * 50, (), ()),
        ([], (), ()),
        ([0.0, 1.0] * 25, (0.0, 1.0), (0.0, 1.0)),
        ([3.0], (3.0,), (3.0,)),
    ],
)
def test_degenerate_columns_are_fine(values: list[float], cuts: tuple[float, ...], atoms: tuple[float, ...]) -> None:
    """Constant, empty, of no rows, of two values, of one row."""
    found = numeric(values)
    assert (found.cuts, found.atoms) == (cuts, atoms)


def test_the_range_is_what_all_nights_but_one_agree_on() -> None:
    """One night with a 1e9 does not stretch it; with few nights the range is that of all rows."""
    values = np.tile(np.linspace(0, 1, 10), 10)
    values[-1] = 1e9
    assert numeric(values, np.repeat(np.arange(10), 10)).cuts[-1] == 1.0
    assert numeric(values, np.zeros(100, np.int64)).cuts[-1] == 1e9


def test_frequent_values_have_bins_and_rare_ones_share_one() -> None:
    """The order is by frequency, then by value."""
    values = ["b"] * 10 + ["a"] * 10 + ["c"] * 20 + ["rare"] * 4 + [None]
    edges, _ = categorical(values, np.arange(45) % 3)
    assert (edges.values, edges.others) == (("c", "a", "b"), ("rare",))


def test_a_value_of_one_night_only_counts_as_unseen_in_the_reference() -> None:
    """It says as much about what new nights will bring; when it comes again, it is a known one."""
    values = ["a"] * 20 + ["fair"] * 10 + ["a"] * 10
    nights = np.repeat([0, 1, 2, 3], 10)
    edges, found = categorical(values, nights)
    assert (edges.values, edges.others) == (("a",), ("fair",))
    assert found.nights[2].counts["c"] == (0, 0, 10, 0)
    assert found.total.counts["c"] == (30, 0, 10, 0)
    assert profile(found.edges, pa.table({"c": ["fair", "new"]})).counts["c"] == (0, 1, 1, 0)


def test_a_flood_of_values_is_cut_off() -> None:
    """At most 1000 have bins and 10 000 more are known; the rest counts as unseen, in the reference and later."""
    values = np.tile(np.arange(12_000), 6).astype(str).tolist()
    edges, found = categorical(values, np.repeat([0, 1, 2], 24_000))
    assert (len(edges.values), len(edges.others)) == (1000, 10_000)
    assert found.total.counts["c"][-3:] == (60_000, 6_000, 0)
    assert profile(found.edges, pa.table({"c": values})) == found.total


def test_nights_add_up_to_the_total() -> None:
    """And the total equals profiling the same rows over the edges."""
    found, rows = reference(), world()[0]
    assert reduce(merge, found.nights.values()) == found.total == profile(found.edges, rows)
    assert sorted(found.nights) == list(range(100, 130))
    assert {night.rows for night in found.nights.values()} == {100}


def test_numeric_columns_have_moments() -> None:
    """Mean and standard deviation of the finite values; None where there are none."""
    found = reference().moments
    assert found["normal"].mean == pytest.approx(3, abs=0.15)
    assert found["normal"].deviation == pytest.approx(2, abs=0.1)
    assert (found["constant"], found["empty"]) == (Moments(mean=7.0, deviation=0.0), Moments(mean=None, deviation=None))
    assert "zone" not in found


def test_moments_that_overflow_are_none() -> None:
    """Values near the end of float64 are no reason to fail."""
    rows = pa.table({"x": [1.7e308, 1.7e308, -1.7e308]})
    found = reference_profile(rows, numeric=["x"], nights=np.zeros(3, np.int64))
    assert found.moments["x"].deviation is None


def test_a_reference_survives_the_way_through_json() -> None:
    """Equal record, equal bytes."""
    found = reference()
    again = Reference.from_json(found.to_json())
    assert again == found
    assert again.to_json() == found.to_json()
    assert again.edges.digest == found.total.edges


def test_no_rows_make_a_reference_too() -> None:
    """It has no nights, and every later night is insufficient evidence against it."""
    rows = pa.table({"x": pa.array([], pa.float64()), "c": pa.array([], pa.string())})
    found = reference_profile(rows, numeric=["x"], categorical=["c"], nights=np.zeros(0, np.int64))
    assert (found.nights, found.total.rows) == ({}, 0)


def test_an_empty_categorical_column_is_all_missing() -> None:
    """And a value that comes later is unseen."""
    edges, found = categorical(pa.nulls(20), np.arange(20) % 4)
    assert (edges.values, edges.others, found.total.counts["c"]) == ((), (), (0, 0, 20))
    assert profile(found.edges, pa.table({"c": ["new"]})).counts["c"] == (0, 1, 0)


def test_the_nights_that_are_read_are_those_that_were_written() -> None:
    """One by one, and column by column."""
    before = reference()
    after = Reference.from_json(before.to_json())
    assert (len(after.nights), list(after.nights)) == (len(before.nights), list(before.nights))
    assert all(after.nights[night] == profile for night, profile in before.nights.items())
    columns = [
        (one.by_column.rows, {name: found.tolist() for name, found in one.by_column.counts.items()}) for one in (before, after)
    ]
    assert columns[0] == columns[1]


def test_nights_that_are_no_profiles_are_refused() -> None:
    """Also in a record that gives its total."""
    record = {"edges": {"columns": []}, "total": {"edges": "", "rows": 0, "counts": {}}, "nights": {"1": "none"}, "moments": {}}
    with pytest.raises(ArtifactError, match="does not fit at nights"):
        Reference.from_json(json.dumps(record).encode())
