"""Profiles: integer counts that merge exactly, over edges that fit any column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.core.errors import ArtifactError, DataError
from perennial.monitoring.counting.edges import CategoricalEdges, Edges, NumericEdges
from perennial.monitoring.counting.profile import Profile, merge, profile

EDGES = Edges(
    columns=(
        NumericEdges(column="x", cuts=(0.0, 1.0, 2.0), atoms=(1.5,)),
        CategoricalEdges(column="c", values=("a", "b"), others=("rare",)),
    )
)
ROWS = st.lists(st.tuples(st.none() | st.floats(width=64), st.none() | st.sampled_from(["a", "b", "rare", "new", ""])), max_size=40)


def table(rows: list[tuple[float | None, str | None]]) -> pa.Table:
    """Return the rows as a table of x and c."""
    return pa.table({"x": pa.array([x for x, _ in rows], pa.float64()), "c": pa.array([c for _, c in rows], pa.string())})


def counts(column: NumericEdges | CategoricalEdges, values: list[Any], kind: pa.DataType | None = None) -> tuple[int, ...]:
    """Return the counts of one column."""
    found = profile(Edges(columns=(column,)), pa.table({column.name: pa.array(values, kind)}))
    return found.counts[column.name]


@given(ROWS, ROWS)
@settings(deadline=None)
def test_merging_parts_equals_profiling_the_whole(a: list[Any], b: list[Any]) -> None:
    """Bit for bit, and in any order."""
    whole = profile(EDGES, table(a + b))
    parts = profile(EDGES, table(a)), profile(EDGES, table(b))
    assert merge(*parts).to_json() == whole.to_json()
    assert merge(*reversed(parts)) == whole
    assert profile(EDGES, table(b + a)) == whole


def test_batches_equal_the_table_they_came_from() -> None:
    """A stream of record batches is counted like the whole."""
    rows = table([(float(i % 5), "a") for i in range(100)])
    assert profile(EDGES, iter(rows.to_batches(max_chunksize=7))) == profile(EDGES, rows)


@given(ROWS)
@settings(deadline=None)
def test_every_row_is_counted_once_in_each_column(rows: list[Any]) -> None:
    """No value falls between the bins."""
    found = profile(EDGES, table(rows))
    assert {name: sum(column) for name, column in found.counts.items()} == {"x": len(rows), "c": len(rows)}


def test_numbers_fall_where_the_edges_say() -> None:
    """Bins are closed on the left, the last one on both sides; an atom parts its bin; NaN is missing, infinity is not."""
    values = [0.0, 0.5, 1.0, 1.5, 1.5, 1.9, 2.0, -0.1, 2.1, 1e300, None, np.nan, np.inf, np.inf, -np.inf]
    x = NumericEdges(column="x", cuts=(0.0, 1.0, 2.0), atoms=(1.5,))
    assert counts(x, values) == (2, 1, 2, 2, 1, 2, 1, 2, 2)


def test_values_fall_where_the_edges_say() -> None:
    """Known values, others, values never seen, and missing ones each have a place."""
    c = CategoricalEdges(column="c", values=("a", "b"), others=("rare",))
    assert counts(c, ["a", "a", "b", "rare", "new", "", None]) == (2, 1, 1, 2, 1)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, None], pa.int8()),
        ([1.0, 2.0, np.nan], pa.float32()),
        (["1", "2", None], pa.large_string()),
        (["1", "2", None], pa.dictionary(pa.int32(), pa.string())),
    ],
)
def test_a_category_is_the_same_value_in_any_type(values: list[Any], kind: pa.DataType) -> None:
    """1, 1.0 and "1" are one category, as a missing value elsewhere in a column turns whole numbers into floats."""
    assert counts(CategoricalEdges(column="c", values=("1", "2"), others=()), values, kind) == (1, 1, 0, 0, 1)


def test_truth_values_are_numbers_or_categories_as_asked() -> None:
    """A boolean column fits both kinds of edges."""
    values = [True, False, True, None]
    assert counts(NumericEdges(column="b", cuts=(0.0, 1.0), atoms=(0.0, 1.0)), values) == (1, 0, 2, 0, 0, 0, 0, 1)
    assert counts(CategoricalEdges(column="b", values=("true", "false"), others=()), values) == (2, 1, 0, 0, 1)


@pytest.mark.parametrize("share", [0.01, 0.7, 1.0])
def test_whatever_stands_in_memory_where_a_number_is_missing_is_not_counted(share: float) -> None:
    """Numbers that would lie in bins, infinity, NaN; in a part of a longer array, too."""
    rng = np.random.default_rng(1)
    values = rng.choice([0.5, 1.5, 1.7, 5.0, np.inf, -np.inf, np.nan], 9_000)
    missing = rng.random(values.size) < share
    there = pa.py_buffer(np.packbits(~missing, bitorder="little"))
    cells = pa.Array.from_buffers(pa.float64(), values.size, [there, pa.py_buffer(values)])
    for begin in (0, 13):
        expected = counts(EDGES.columns[0], [None if gone else value for value, gone in zip(values, missing, strict=True)][begin:])
        assert expected == profile(Edges(columns=EDGES.columns[:1]), pa.table({"x": cells.slice(begin)})).counts["x"]


def test_no_rows_are_a_profile_of_zeros() -> None:
    """An empty night can be profiled; whether it may be judged is another matter."""
    assert profile(EDGES, []) == profile(EDGES, table([])) == merge(profile(EDGES, []), profile(EDGES, []))
    assert profile(EDGES, []).rows == 0


def test_every_missing_column_is_named() -> None:
    """All of them at once, and one that stands twice cannot be told apart."""
    rows = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["x", "x"])
    with pytest.raises(DataError) as caught:
        profile(EDGES, rows)
    expected = "profile: x: must be there once [SCHEMA_MISSING]\nprofile: c: must be there once [SCHEMA_MISSING]"
    assert str(caught.value) == expected


def test_text_is_no_number() -> None:
    """The message says the type, and no value."""
    with pytest.raises(DataError) as caught:
        counts(NumericEdges(column="x", cuts=(0.0, 1.0), atoms=()), ["secret"])
    assert str(caught.value) == "profile: x: must be a number, got string [SCHEMA_TYPE]"


def test_a_list_is_no_category() -> None:
    """The message says the type, and no value."""
    with pytest.raises(DataError) as caught:
        counts(CategoricalEdges(column="c", values=(), others=()), [["secret"]])
    assert str(caught.value).startswith("profile: c: must be text, a number, a truth value or a time, got list<")


def test_profiles_over_other_edges_do_not_merge() -> None:
    """The digest of the edges tells."""
    other = Edges(columns=(NumericEdges(column="x", cuts=(0.0, 1.0), atoms=()),))
    with pytest.raises(DataError, match=r"^profile: must be counted over edges [0-9a-f]{12}, got [0-9a-f]{12} \[PROFILE_EDGES\]$"):
        merge(profile(EDGES, []), profile(other, []))


def test_a_profile_survives_the_way_through_json() -> None:
    """Equal record, equal bytes, no spaces."""
    found = profile(EDGES, table([(1.0, "a"), (None, None)]))
    assert Profile.from_json(found.to_json()) == found
    assert Profile.from_json(found.to_json()).to_json() == found.to_json()
    assert b" " not in found.to_json()


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"version":2,"edges":"","rows":0,"counts":{}}'])
def test_what_is_no_profile_is_refused(content: bytes) -> None:
    """Other bytes, and other versions, are an error of the artifact."""
    with pytest.raises(ArtifactError) as caught:
        Profile.from_json(content)
    place = "version" if content.startswith(b'{"version') else "the whole"
    assert str(caught.value) == f"profile: must be a Profile of version 1, does not fit at {place} [ARTIFACT_FORMAT]"


CUTS = st.lists(st.floats(-1e3, 1e3), unique=True, max_size=6).map(lambda cuts: tuple(sorted(cuts)))


@given(CUTS, CUTS, st.lists(st.floats(width=64) | st.floats(-1e3, 1e3), max_size=50))
@settings(deadline=None)
def test_counting_rows_equals_placing_each(cuts: tuple[float, ...], atoms: tuple[float, ...], values: list[float]) -> None:
    """Whatever the ends, also for values that are an end or an atom, or the number next to it."""
    edges = NumericEdges(column="x", cuts=cuts, atoms=atoms)
    near = np.array([*cuts, *atoms, *values])
    with np.errstate(over="ignore"):
        column = np.concatenate([near, np.nextafter(near, np.inf), np.nextafter(near, -np.inf)])
    expected = np.bincount(edges.place_numbers(column), minlength=edges.bins)
    assert expected.tolist() == edges.count(pa.array(column)).tolist()


def test_the_place_of_each_number_is_the_documented_one() -> None:
    """Bins include their left end, the last one its right end too; atoms lie between, or beyond the range; NaN is missing."""
    edges = NumericEdges(column="x", cuts=(0.0, 1.0, 2.0), atoms=(1.5, 7.0))
    places = {-0.1: 5, -0.0: 0, 0.9: 0, 1.0: 1, 1.5: 2, 1.6: 3, 2.0: 3, 2.1: 6, 7.0: 4, 8.0: 6, -np.inf: 7, np.inf: 8, np.nan: 9}
    assert list(places.values()) == edges.place_numbers(np.array(list(places))).tolist()


@pytest.mark.parametrize("size", [1717, 30_000])
def test_batches_of_any_size_count_the_same_as_a_table(size: int) -> None:
    """A table is cut into batches of its own."""
    night = table([(float(row % 97), "abcdefghijk"[: row % 12] or None) for row in range(30_000)])
    assert profile(EDGES, night) == profile(EDGES, iter(night.to_batches(max_chunksize=size)))


def test_what_goes_wrong_while_batches_are_read_or_counted_is_told() -> None:
    """As it comes."""
    batch = table([(1.0, "a")]).to_batches()[0]

    def broken() -> Iterator[pa.RecordBatch]:
        yield batch
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        profile(EDGES, broken())
    with pytest.raises(DataError, match="must be there once"):
        profile(EDGES, [batch, batch.select(["c"]), batch])


@pytest.mark.parametrize("values", [["a", "rare", None, "new", "a", ""], [None, None], []])
def test_codes_are_counted_like_the_values_behind_them(values: list[str | None]) -> None:
    """A column that comes as a dictionary, also with values that no row has, and in pieces with dictionaries of their own."""
    column = CategoricalEdges(column="c", values=("a", "b"), others=("rare",))
    plain = pa.array(values, pa.string())
    unused = pa.array(["b", *values], pa.string()).dictionary_encode().slice(1)
    pieces = pa.chunked_array([plain.slice(0, 2).dictionary_encode(), plain.slice(2).dictionary_encode()])
    assert [column.count(plain).tolist()] * 3 == [column.count(c).tolist() for c in (plain.dictionary_encode(), unused, pieces)]


@pytest.mark.parametrize("long", [[], ["a text of more than eight bytes"], ["zero\0"]])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_many_texts_are_counted_like_few(long: list[str], kind: pa.DataType) -> None:
    """Known, unknown, missing and empty ones, and some that are long, in the last of several pieces."""
    column = CategoricalEdges(column="c", values=("a", "b", *long), others=("rare", ""))
    some = pa.array(["a", "rare", None, "new", "a", "", "b"] * 10_000 + long * 3, kind)
    expected = [20_000, 10_000, *[3] * len(long), 20_000, 10_000, 10_000]
    assert expected == column.count(some).tolist() == column.count(pa.chunked_array([some.slice(0, 7), some.slice(7)])).tolist()
