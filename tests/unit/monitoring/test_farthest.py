"""Whether any night of so many rows could alarm: the night that lies furthest from the reference says so."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from perennial.core.receipts import Signal, SignalState
from perennial.monitoring.counting.profile import Profile, counted
from perennial.monitoring.counting.reference import Reference, reference_profile
from perennial.monitoring.psi import Counts
from perennial.monitoring.shift.column_drift import HeldColumn, measured_columns
from perennial.monitoring.shift.drift import moved_columns
from perennial.monitoring.shift.farthest import farthest
from perennial.monitoring.shift.season import season

ROWS, NIGHTS = 24, 8


def wet(shares: tuple[float, ...] = (0.25, 0.75, 0.5, 0.5) * 2) -> Reference:
    """Return nights of one column of zeros and ones, of which these shares are ones."""
    values = np.concatenate([np.arange(ROWS) < share * ROWS for share in shares]).astype(float)
    return reference_profile(pa.table({"wet": values}), numeric=["wet"], nights=np.repeat(np.arange(len(shares)), ROWS))


def of(reference: Reference, counts: Counts) -> Profile:
    """Return a night with these *counts* of the one column."""
    return counted(reference.edges, int(counts.sum()), {reference.edges.names[0]: counts})


def said(reference: Reference, counts: Counts, level: float) -> Signal:
    """Hold a night with these *counts* against the reference."""
    return moved_columns(reference, of(reference, counts), input_shift=0.2, minimum_rows=12).judged(level)[1]


def wholly(reference: Reference, place: int, rows: int = ROWS) -> Counts:
    """Return the counts of a night whose rows all lie in one bin."""
    counts = np.zeros(reference.edges.columns[0].bins, dtype=np.int64)
    counts[place] = rows
    return counts


def test_where_a_night_without_any_value_would_alarm_a_usual_one_is_quiet() -> None:
    """Wet nights and dry ones differ so much that neither kind can alarm; a night that is missing altogether does."""
    reference, level = wet(), 0.001
    assert [said(reference, wholly(reference, place), level).state for place in (0, 1)] == [SignalState.QUIET] * 2
    assert said(reference, wholly(reference, -1), level).state is SignalState.ALARM


@pytest.mark.parametrize("level", [0.05, 0.001, 1e-4, 1e-6])
def test_a_night_is_insufficient_exactly_where_none_of_many_would_alarm(level: float) -> None:
    """Nights that lie in any one bin, and in any two of them, half and half."""
    reference = wet()
    bins = range(reference.edges.columns[0].bins)
    nights = [(wholly(reference, one, 12) + wholly(reference, other, 12)) for one in bins for other in bins]
    states = {said(reference, night, level).state for night in nights}
    assert (SignalState.INSUFFICIENT in states) == (SignalState.ALARM not in states)


def test_values_never_seen_are_no_way_to_alarm_where_all_nights_bring_them() -> None:
    """Numbers of orders: each is new. The sentence says what could be reached, and what would be needed."""
    orders = pa.array([str(number) for number in range(ROWS * NIGHTS)])
    reference = reference_profile(pa.table({"order": orders}), categorical=["order"], nights=np.repeat(np.arange(NIGHTS), ROWS))
    found = said(reference, wholly(reference, reference.edges.columns[0].ordinary), 1e-6)
    assert found.state is SignalState.INSUFFICIENT
    assert found.sentence.startswith("no night of 24 rows could alarm: order PSI reaches ")


def test_of_numbers_no_night_lies_further_than_the_furthest() -> None:
    """However its rows are spread: hundreds of nights drawn over all bins, and over a few."""
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(NIGHTS, 1)) + rng.normal(size=(NIGHTS, ROWS))).ravel()
    reference = reference_profile(pa.table({"x": values}), numeric=["x"], nights=np.repeat(np.arange(NIGHTS), ROWS))
    [edges], chosen = reference.edges.columns, season(range(NIGHTS), None)
    nights = np.array([night.counts["x"] for night in reference.nights.values()])
    shares = rng.dirichlet(np.full(edges.bins, 0.05), 300)
    drawn = [HeldColumn(edges, nights.sum(axis=0), rng.multinomial(ROWS, share), nights) for share in shares]
    least = min(min(found.p_values) for found in measured_columns(drawn, chosen, 0.2))
    [found] = farthest(drawn[:1], chosen, 0.2, 0.0)
    assert min(found.p_values) <= least


@pytest.mark.parametrize(("levels", "below_and_above"), [(2, False), (4, False), (500, True)])
def test_of_numbers_it_is_one_in_which_of_the_empty_bins_apart_a_night_lies(levels: int, below_and_above: bool) -> None:
    """So one of them is tried in the place of all; where the reference has something below or above, those two by themselves."""
    rng = np.random.default_rng(6)
    values = rng.integers(levels, size=NIGHTS * ROWS).astype(float)
    reference = reference_profile(pa.table({"x": values}), numeric=["x"], nights=np.repeat(np.arange(NIGHTS), ROWS))
    [edges] = reference.edges.columns
    nights = np.array([night.counts["x"] for night in reference.nights.values()])
    assert bool(nights[:, edges.ordinary :].any()) is below_and_above
    places = range(edges.ordinary + 2 * below_and_above, edges.bins)
    held = [HeldColumn(edges, nights.sum(axis=0), wholly(reference, place), nights) for place in places]
    first, *others = measured_columns(held, season(range(NIGHTS), None), 0.2)
    assert [one.p_values for one in others] == [pytest.approx(first.p_values, rel=1e-12)] * (len(places) - 1)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_values_that_may_be_missing_altogether_can_alarm(missing: float) -> None:
    """Whether some were missing before or none: no night of any one value, seen or not, lies further."""
    rng = np.random.default_rng(4)
    values = pa.array(rng.choice(list("abcdefgh"), 60 * 24), mask=rng.random(60 * 24) < missing)
    reference = reference_profile(pa.table({"place": values}), categorical=["place"], nights=np.repeat(np.arange(60), 24))
    edges = reference.edges.columns[0]
    nights = np.array([night.counts["place"] for night in reference.nights.values()])
    held = [HeldColumn(edges, nights.sum(axis=0), wholly(reference, place), nights) for place in range(edges.bins)]
    least = min(min(one.p_values) for one in measured_columns(held, season(range(60), None), 0.2))
    [found] = farthest(held[:1], season(range(60), None), 0.2, 0.0)
    assert min(found.p_values) <= least


def beside_a_mute_one() -> Reference:
    """Return nights of a column that differs so much from night to night that none can alarm, and of one that does not."""
    rng = np.random.default_rng(5)
    columns = {"x": rng.normal(size=(60, ROWS)), "heat": rng.normal(size=(60, 1)) + 0.3 * rng.normal(size=(60, ROWS))}
    rows = pa.table({name: values.ravel() for name, values in columns.items()})
    return reference_profile(rows, numeric=["x", "heat"], nights=np.repeat(np.arange(60), ROWS))


def test_a_column_that_could_not_alarm_is_mute() -> None:
    """It is not called quiet, the sentence counts it, and the signal is about one that could have alarmed."""
    reference = beside_a_mute_one()
    moved = moved_columns(reference, reference.nights[7], input_shift=0.2, minimum_rows=12)
    (x, heat), signal = moved.judged(0.001)
    assert [(one.column, one.state, one.word) for one in (x, heat)] == [
        ("x", SignalState.QUIET, "quiet"),
        ("heat", SignalState.INSUFFICIENT, "mute"),
    ]
    assert (signal.state, signal.value) == (SignalState.QUIET, x.psi)
    assert signal.sentence == (
        f"none of 2 columns moved; nearest: x PSI {x.psi:.3g} nats, {x.threshold:.3g} allowed; "
        "1 of 2 columns is mute: no night of 24 rows could alarm in it"
    )


def test_an_alarm_tells_how_many_columns_are_mute_too() -> None:
    """Who looks at the one that moved should not take the other for calm."""
    reference = beside_a_mute_one()
    night = {name: np.array(counts) for name, counts in reference.nights[7].counts.items()}
    night["x"] = np.zeros_like(night["x"])
    night["x"][-1] = ROWS
    moved = moved_columns(reference, counted(reference.edges, ROWS, night), input_shift=0.2, minimum_rows=12)
    columns, signal = moved.judged(0.001)
    assert [one.word for one in columns] == ["alarm", "mute"]
    assert signal.state is SignalState.ALARM
    assert signal.sentence.endswith("; 1 of 2 columns is mute: no night of 24 rows could alarm in it")


def test_under_a_plain_threshold_no_column_is_mute() -> None:
    """Nothing is shared out then."""
    reference = beside_a_mute_one()
    moved = moved_columns(reference, reference.nights[7], input_shift=0.2, minimum_rows=12)
    assert [one.word for one in moved.judged(0.001, plain=5.0)[0]] == ["quiet", "quiet"]
