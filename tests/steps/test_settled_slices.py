"""Losses by slice once a night has settled: where nights were skipped, labels revised, predictions withdrawn or snapshots lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from perennial.core.interval import Interval
from perennial.core.receipts import Decision, Measurement, NightLoss, Publication, Role, Signal, SignalState, Snapshot
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.loop import score
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
SLICED = {
    "schedule": {"window": {"kind": "sliding", "length": "28d"}},
    "evaluation": {"holdout": "8d", "slices": ["wet"], "gates": {"slices": {"minimum_rows": 20, "margin": "100%"}}},
}

WEEKDAYS = [(24, 25), (25, 26), (26, 27), (27, 28), (28, 31), (31, 32), (32, 33), (33, 34), (34, 35), (35, 38)]
"""What nights on weekdays cover: day 24 is a Monday."""


@pytest.fixture
def sliced(define: Define) -> Definition:
    """The small definition with two slices, whose labels have settled after three days."""
    return define(label={"latest": "3d"}, **SLICED)


@pytest.fixture
def reigning(sliced: Definition, stores: Stores, retrained: Retrain) -> Stores:
    """Stores with a champion of it, effective from day 30."""
    assert retrained(sliced, stores, day(30)).promoted
    return stores


def run(definition: Definition, stores: Stores, *numbers: int) -> dict[int, Measurement]:
    """Score nights in this order, each as of its own end, and return the measurements that stand of all nights, by number."""
    for number in numbers:
        score(definition, night(number), stores, as_of=day(number + 1))
    standing = {decision.interval: decision for decision in stores.ledger.history(Decision, definition.name)}
    return {(at.start - day(0)).days: stores.ledger.get(Measurement, one.measurement) for at, one in standing.items()}


def parts(measurement: Measurement) -> dict[Interval, list[NightLoss]]:
    """Return the losses by slice that are new in a measurement, by night."""
    found: dict[Interval, list[NightLoss]] = {}
    for loss in measurement.losses:
        if loss.slice is not None:
            found.setdefault(loss.interval, []).append(loss)
    return found


def whole(measurement: Measurement, at: Interval) -> NightLoss:
    """Return the champion's loss on one whole night, as a measurement says it."""
    [found] = [loss for loss in measurement.losses if (loss.interval, loss.role, loss.slice) == (at, Role.CHAMPION, None)]
    return found


def said(measurement: Measurement) -> Signal:
    """Return the signal of slices."""
    [signal] = [signal for signal in measurement.signals if signal.kind == "slice_decay"]
    return signal


def revised(rides: pa.Table, at: Interval, value: int, known: datetime) -> pa.Table:
    """Return *rides* with a further revision of a night's labels."""
    rows = rides.filter([moment in at for moment in rides["event_at"].to_pylist()])
    for column, new in (("rides", value), ("available_at", known)):
        values = pa.array([new] * rows.num_rows, rows.schema.field(column).type)
        rows = rows.set_column(rows.column_names.index(column), column, values)
    return pa.concat_tables([rides, rows])


def test_a_skipped_night_leaves_no_hole(sliced: Definition, reigning: Stores) -> None:
    """Night 30 settles with night 33, which is not run: night 34 measures it beside its own, and night 35 only its own."""
    measured = run(sliced, reigning, 30, 31, 32, 34, 35)
    assert {at: len(found) for at, found in parts(measured[34]).items()} == {night(30): 2, night(31): 2}
    assert set(parts(measured[35])) == {night(32)}


def test_a_skipped_night_that_is_run_later_is_as_if_it_had_not_been_skipped(
    sliced: Definition, new_stores: Callable[..., Stores], retrained: Retrain
) -> None:
    """Every signal, and every slice."""
    found = []
    for order in ((30, 31, 32, 33, 34, 35), (30, 31, 32, 34, 35, 33)):
        stores = new_stores()
        assert retrained(sliced, stores, day(30)).promoted
        found.append(run(sliced, stores, *order))
    assert found[0] == found[1]


def test_a_schedule_with_free_days_measures_every_night(define: Define, stores: Stores, retrained: Retrain) -> None:
    """On weekdays, with labels that settle after nine days: no night ends when a Wednesday's have."""
    window = {"kind": "sliding", "length": "28d"}
    weekdays = define(label={"latest": "9d"}, **(SLICED | {"schedule": {"window": window, "score": "0 0 * * 1-5"}}))
    assert retrained(weekdays, stores, day(24)).promoted
    nights = [Interval(day(start), day(end)) for start, end in WEEKDAYS]
    for at in nights:
        score(weekdays, at, stores, as_of=at.end)
    measured = stores.ledger.history(Measurement, weekdays.name)
    settled = [at for at in nights if at.end + timedelta(days=9) <= nights[-1].end]
    assert sorted(at for one in measured for at in parts(one)) == settled


def test_a_revision_of_a_night_that_had_settled_revises_its_slices(
    sliced: Definition, reigning: Stores, tables: dict[str, pa.Table]
) -> None:
    """A person runs night 31 again as of day 37, which takes in what came of night 30 on day 34.

    What is said from then on has it once, beside the night's own figure; what was said before it was known stands.
    """
    before = run(sliced, reigning, 30, 31, 32, 33, 34, 35, 36)
    tables["rides"] = revised(tables["rides"], night(30), 900, day(34.5))
    score(sliced, night(31), reigning, as_of=day(37))
    after = run(sliced, reigning)
    old, new = parts(before[33])[night(30)], parts(after[34])[night(30)]
    assert [(one.slice, one.predicted) for one in new] == [(one.slice, one.predicted) for one in old]
    own = whole(after[34], night(30))
    assert sum((one.loss or 0) * one.labelled for one in new) / own.labelled == pytest.approx(own.loss)
    assert (own.loss or 0) > 2 * (whole(before[33], night(30)).loss or 0)
    assert (said(after[34]).value or 0) > (said(before[34]).value or 0)
    assert (after[33], set(parts(after[36]))) == (before[33], {night(33)})


def test_a_night_whose_predictions_were_withdrawn_counts_for_no_slice(
    sliced: Definition, reigning: Stores, new_stores: Callable[..., Stores], retrained: Retrain
) -> None:
    """As it does not count for the whole: the evidence is what it is where that night was never predicted."""
    run(sliced, reigning, 30, 31, 32, 33)
    reigning.ledger.withdraw(sliced.name, "all", within=night(30))
    other = new_stores()
    assert retrained(sliced, other, day(30)).promoted
    assert said(run(sliced, reigning, 34)[34]) == said(run(sliced, other, 31, 32, 33, 34)[34])


@pytest.mark.parametrize("until", [30.5, 31])
def test_predictions_that_have_expired_take_nothing_back(sliced: Definition, reigning: Stores, until: float) -> None:
    """Half of night 30, or all of it, is removed after it was measured: its slices still count, and are not measured again."""
    before = run(sliced, reigning, 30, 31, 32, 33)
    assert reigning.ledger.expire_predictions({(sliced.name, "all"): day(until)}) > 0
    after = run(sliced, reigning, 34)
    assert (set(parts(before[33])), set(parts(after[34]))) == ({night(30)}, {night(31)})
    rows = {at: found[0].labelled for each in (before[33], after[34]) for at, found in parts(each).items()}
    assert f"wet=0, mean absolute error 41.1 on the last {sum(rows.values())} rows" in said(after[34]).sentence


def test_a_night_whose_snapshot_is_lost_stops_no_other(sliced: Definition, reigning: Stores) -> None:
    """Its slices cannot be told any more; those of the next night are."""
    run(sliced, reigning, 30, 31, 32)
    [lost] = [one for one in reigning.ledger.history(Snapshot, sliced.name) if one.interval == night(30)]
    assert reigning.artifacts.delete(lost.digest, unless_stored_after=datetime.max.replace(tzinfo=day(0).tzinfo))
    measured = run(sliced, reigning, 33, 34)
    assert (set(parts(measured[33])), set(parts(measured[34]))) == (set(), {night(31)})
    assert said(measured[33]).state is SignalState.INSUFFICIENT
