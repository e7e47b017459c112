"""Many nights at once are tested as each is alone; shifts in counts are those of the numbers; what settings would have done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from perennial.core.receipts import SignalState
from perennial.monitoring.counting.edges import NumericEdges
from perennial.monitoring.counting.profile import Profile, profile
from perennial.monitoring.counting.reference import Reference, reference_profile
from perennial.monitoring.loss.delay import delays
from perennial.monitoring.loss.evidence import Nights as Losses
from perennial.monitoring.shift.drift import moved_columns
from perennial.monitoring.shift.settings_tried import SHIFTS, Against, Nights, Setting, figures_by_column, shuffled, smallest_shift
from perennial.monitoring.shift.shifted import shifted

MONDAY = 19_723
"""2024-01-01 as a day since 1970-01-01."""


def rows(rng: np.random.Generator, size: int, moved: float = 0.0) -> dict[str, Any]:
    """Return a normal column, one with an atom and holes, and one of twenty values of which a few are always new."""
    half = rng.random(size) < 0.3
    return {
        "normal": rng.normal(size=size) + moved,
        "odd": np.where(half, 0.0, np.where(rng.random(size) < 0.1, np.nan, rng.gamma(2, size=size))),
        "city": np.where(
            rng.random(size) < 0.01, rng.integers(10**9, size=size).astype(str), rng.integers(20, size=size).astype(str)
        ),
    }


def learned(nights: int, size: int, seed: int = 0) -> Reference:
    """Return the reference of so many nights of *size* rows, from a Monday on."""
    table = pa.table(rows(np.random.default_rng(seed), size * nights))
    days = MONDAY + np.repeat(np.arange(nights), size)
    return reference_profile(table, numeric=("normal", "odd"), categorical=("city",), nights=days)


def arrays(reference: Reference, nights: Mapping[int, Profile]) -> Nights:
    """Return *nights*, by day, as arrays."""
    counts = {name: np.array([night.counts[name] for night in nights.values()]) for name in reference.edges.names}
    return Nights(np.array(list(nights), dtype=np.int64), counts)


def against(reference: Reference) -> Against:
    """Return *reference* as arrays."""
    return Against(arrays(reference, reference.nights), {name: np.array(counts) for name, counts in reference.total.counts.items()})


def nights_after(
    reference: Reference, number: int, sizes: tuple[int, ...], moved: float = 0.0, first: int = 0
) -> dict[int, Profile]:
    """Return *number* nights that follow those of *reference*, from the *first* on, of sizes in turn."""
    rng, start = np.random.default_rng(first), MONDAY + len(reference.nights) + first
    return {start + i: profile(reference.edges, pa.table(rows(rng, sizes[i % len(sizes)], moved))) for i in range(number)}


@pytest.mark.parametrize("nights", [3, 9, 40])
def test_many_nights_show_what_each_shows_alone(nights: int) -> None:
    """With few nights of reference, some, and enough of each weekday; nights of several sizes, some of which moved."""
    reference = learned(nights, 60)
    later = nights_after(reference, 8, (30, 300)) | nights_after(reference, 4, (60,), moved=0.7, first=8)
    found = figures_by_column(reference.edges.columns, against(reference), arrays(reference, later), 0.2)
    for position, (day, night) in enumerate(later.items()):
        alone = moved_columns(reference, night, input_shift=0.2, minimum_rows=20, number=day)
        for column in alone.columns:
            figures = found[column.edges.name]
            assert figures.psi[position] == pytest.approx(column.psi)
            assert figures.p_values[:, position].tolist() == pytest.approx(list(column.p_values), rel=1e-9)


@pytest.mark.parametrize("by", [0.0, 0.3, 2.0, 100.0])
def test_shifted_counts_are_those_of_shifted_numbers(by: float) -> None:
    """Up to what bins hide; what is missing, infinite or outside stays, and no row is lost."""
    rng = np.random.default_rng(0)
    known = rng.normal(size=20_000)
    edges = reference_profile(pa.table({"x": known}), numeric=("x",), nights=np.repeat(np.arange(10), 2000)).edges.columns[0]
    assert isinstance(edges, NumericEdges)
    inside = np.clip(rng.normal(size=(1, 50_000)), edges.cuts[0], edges.cuts[-1])
    extra = np.array([np.nan, np.inf, -np.inf, -1e9, 1e9])
    before = edges.count_numbers(np.append(inside, extra))
    moved = shifted(edges, before[None, :], by)[0]
    expected = edges.count_numbers(np.append(inside + by, extra))
    assert moved.sum() == before.sum()
    assert np.abs(np.cumsum(edges.in_order(moved)) - np.cumsum(edges.in_order(expected))).max() <= 0.005 * before.sum()
    if by == 0:
        assert moved.tolist() == before.tolist()


def test_an_atom_moves_into_the_bin_beyond_it() -> None:
    """All of it, and nothing stays behind."""
    edges = NumericEdges(column="x", cuts=(0.0, 1.0, 2.0, 3.0), atoms=(1.5,))
    counts = edges.count_numbers(np.array([1.5] * 10 + [0.5]))
    moved = shifted(edges, counts[None, :], 0.75)[0]
    assert moved.tolist() == edges.count_numbers(np.array([2.25] * 10 + [1.25])).tolist()


def test_two_values_move_out_of_their_range_together() -> None:
    """Atoms at both ends, one of them 0, whose bin is narrower than any number can say."""
    edges = NumericEdges(column="x", cuts=(0.0, 1.0), atoms=(0.0, 1.0))
    counts = edges.count_numbers(np.array([0.0] * 5 + [1.0] * 3))
    for by in (0.5, 2.0):
        expected = edges.count_numbers(np.array([0.0] * 5 + [1.0] * 3) + by)
        assert shifted(edges, counts[None, :], by)[0].tolist() == expected.tolist()


def test_columns_without_a_range_do_not_move() -> None:
    """There is nothing that could."""
    edges = NumericEdges(column="x", cuts=(), atoms=())
    counts = edges.count_numbers(np.array([1.0, np.nan]))
    assert shifted(edges, counts[None, :], 1.0)[0].tolist() == counts.tolist()


def test_dealt_nights_are_those_that_were_in_another_order() -> None:
    """Nights of the reference may be tested, and the other way round; days stay where they are."""
    reference = learned(10, 40)
    later = arrays(reference, nights_after(reference, 6, (40,)))
    dealt, tested = shuffled(against(reference), later, np.random.default_rng(3))
    before = np.concatenate([against(reference).nights.counts["normal"], later.counts["normal"]])
    after = np.concatenate([dealt.nights.counts["normal"], tested.counts["normal"]])
    assert sorted(before.tolist()) == sorted(after.tolist())
    assert before.tolist() != after.tolist()
    assert dealt.totals["normal"].tolist() == dealt.nights.counts["normal"].sum(axis=0).tolist()
    assert (tested.days.tolist(), dealt.nights.days.tolist()) == (later.days.tolist(), list(reference.nights))


def test_the_smallest_shift_is_found_and_less_of_it_is_not() -> None:
    """On nights of 1000 rows; more of them show less, and a plain threshold its own."""
    settings = {"budget": Setting(level=1e-4), "PSI 0.25": Setting(psi=0.25)}
    reference = learned(30, 1000)
    edges = reference.edges.columns[0]
    assert isinstance(edges, NumericEdges)
    nights = arrays(reference, nights_after(reference, 10, (1000,)))
    found = smallest_shift(edges, 1.0, against(reference), nights, 0.2, settings)
    assert found["budget"] == pytest.approx(0.4, abs=0.1)
    assert found["PSI 0.25"] == pytest.approx(0.5, abs=0.1)
    few = smallest_shift(edges, 1.0, against(reference), arrays(reference, nights_after(reference, 10, (40,))), 0.2, settings)
    assert (few["budget"] or 9) > (found["budget"] or 0)
    never = smallest_shift(edges, 1.0, against(reference), nights, 0.2, {"never": Setting(psi=1e9)})
    assert (never, SHIFTS[-1]) == ({"never": None}, pytest.approx(4.0))


def test_a_plain_threshold_decides_in_place_of_the_budget() -> None:
    """What is at it moved, what is below did not, whatever the chance of that is on 22 rows; the sentence has the threshold."""
    reference = learned(30, 1000)
    (night,) = nights_after(reference, 1, (22,)).values()
    moved = moved_columns(reference, night, input_shift=0.2, minimum_rows=20)
    columns, signal = moved.judged(1e-4)
    threshold = sorted(column.psi for column in moved.columns)[1]
    plain, said = moved.judged(1e-4, plain=threshold)
    assert signal.state is SignalState.QUIET
    assert [column.state is SignalState.ALARM for column in plain] == [column.psi >= threshold for column in moved.columns]
    assert (said.state, said.value, said.threshold) == (SignalState.ALARM, max(column.psi for column in moved.columns), threshold)
    assert said.sentence.startswith("2 of 3 columns moved: ")
    assert [column.psi for column in plain] == [column.psi for column in columns]


def test_a_plain_threshold_sees_no_shift_below_it() -> None:
    """On a million rows the test sees what the threshold calls small."""
    reference = learned(30, 1000)
    (night,) = nights_after(reference, 1, (100_000,), moved=0.4).values()
    moved = moved_columns(reference, night, input_shift=0.2, minimum_rows=20)
    assert [moved.judged(1e-4, plain=plain)[1].state for plain in (None, 0.25)] == [SignalState.ALARM, SignalState.QUIET]


def losses(spread: float, nights: int = 60) -> Losses:
    """Return nights whose mean losses differ by *spread*, of 100 rows each."""
    means = np.random.default_rng(2).gamma(1 / spread**2, 5 * spread**2, nights)
    return Losses(np.full(nights, 100.0), means, 2 * means**2)


def test_decay_is_seen_the_sooner_the_larger_it_is() -> None:
    """And what is tolerated hardly ever."""
    found = delays(losses(0.1), (0.0, 0.1, 0.25, 0.5, 1.0), tolerance=0.05, threshold=730.0, variation=None, seed=0)
    assert [one.increase for one in found] == [0.0, 0.1, 0.25, 0.5, 1.0]
    assert found[0].nights is None
    assert found[0].seen <= 0.02
    nights = [one.nights or 999 for one in found[1:]]
    assert nights == sorted(nights, reverse=True)
    assert nights[-1] <= 15
    assert found[-1].seen == 1.0


def test_a_champion_that_makes_no_mistakes_has_no_delay() -> None:
    """A rise of nothing is nothing."""
    (found,) = delays(Losses(np.ones(9), np.zeros(9), np.zeros(9)), (1.0,), tolerance=0.05, threshold=730.0, variation=None, seed=0)
    assert (found.nights, found.seen) == (None, 0.0)
