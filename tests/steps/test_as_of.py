"""Nothing that became available after the cut-off is used: not in a snapshot, not in a training, not in a measurement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, Measurement, ModelVersion, NightLoss, Purpose, Role, Validation
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.extract import extract
from perennial.steps.loop import score
from perennial.steps.snapshots.rows import snapshot_rows
from perennial.stores.query import query
from perennial.testing.story import day, night

Retrain = Callable[[Definition, Stores, datetime], Any]
HOUR = timedelta(hours=1)


def replaced(table: pa.Table, column: str, change: Callable[[dict[str, Any]], Any]) -> pa.Table:
    """Return *table* with every value of *column* as *change* says of its row."""
    at = table.column_names.index(column)
    return table.set_column(
        at, table.schema.field(column), pa.array(map(change, table.to_pylist()), table.schema.field(column).type)
    )


def more(rides: int, within: Interval) -> Callable[[dict[str, Any]], int]:
    """Let the events of an interval have so many more rides."""
    return lambda row: int(row["rides"]) + rides * (row["event_at"] in within)


def late(hours: float, *, when: Callable[[datetime], bool]) -> Callable[[dict[str, Any]], datetime]:
    """Make rows of some events available only so many hours after the event."""

    def change(row: dict[str, Any]) -> datetime:
        at: datetime = row["event_at"]
        known: datetime = row["available_at"]
        return at + hours * HOUR if when(at) else known

    return change


def test_a_row_that_came_later_is_not_in_a_nights_snapshot(
    definition: Definition, stores: Stores, tables: dict[str, pa.Table]
) -> None:
    """An hour that was delivered a day late is missing as of the night's end, and there as of the next."""
    tables["conditions"] = replaced(tables["conditions"], "available_at", late(30, when=lambda at: at == day(30) + 5 * HOUR))
    found = [extract(definition, night(30), stores, purpose=Purpose.SCORE, as_of=day(at)).rows for at in (31, 32)]
    assert found == [23, 24]


def test_a_snapshot_of_a_moment_is_the_same_whenever_it_is_made(
    definition: Definition, stores: Stores, tables: dict[str, pa.Table]
) -> None:
    """Rows and revisions that the source got later do not change it; nor does their order in the table."""
    window = training_window(definition, day(30))
    before = extract(definition, window, stores, purpose=Purpose.TRAIN, as_of=day(30))
    revised = replaced(tables["rides"], "rides", lambda row: row["rides"] + 1)
    revised = replaced(revised, "available_at", lambda row: max(row["available_at"], day(30)) + HOUR)
    tables["rides"] = pa.concat_tables([revised, tables["rides"]])
    assert extract(definition, window, stores, purpose=Purpose.TRAIN, as_of=day(30)) == before
    assert extract(definition, window, stores, purpose=Purpose.TRAIN, as_of=day(40)).digest != before.digest


def test_only_matured_labels_that_have_come_are_trained_on(
    definition: Definition, stores: Stores, tables: dict[str, pa.Table], simulated: Any
) -> None:
    """Neither an event younger than the delay, be its label there already, nor an older one whose label is late."""
    early = late(1, when=lambda at: at >= day(29))
    tables["rides"] = replaced(simulated.rides, "available_at", early)
    tables["rides"] = replaced(tables["rides"], "available_at", late(200, when=lambda at: at == day(25)))
    window = training_window(definition, day(30))
    snapshot = extract(definition, window, stores, purpose=Purpose.TRAIN, as_of=day(30))
    moments = snapshot_rows(definition, stores, snapshot).column("event_at").to_pylist()
    assert max(moments) == day(29)
    assert day(25) not in moments
    assert day(25) + HOUR in moments


def test_the_latest_revision_known_at_the_cut_off_is_the_label(
    definition: Definition, stores: Stores, tables: dict[str, pa.Table]
) -> None:
    """Of three revisions of one hour the second is the last one that was known."""
    first = tables["rides"].filter(pa.array([row == day(20) for row in tables["rides"]["event_at"].to_pylist()]))

    def revision(rides: int, at: datetime) -> pa.Table:
        return replaced(replaced(first, "rides", lambda _: rides), "available_at", lambda _: at)

    tables["rides"] = pa.concat_tables([tables["rides"], revision(77, day(31)), revision(33, day(29))])
    window = training_window(definition, day(30))
    snapshot = extract(definition, window, stores, purpose=Purpose.TRAIN, as_of=day(30))
    rows = snapshot_rows(definition, stores, snapshot).to_pylist()
    assert [row["rides"] for row in rows if row["event_at"] == day(20)] == [33]
    assert len(rows) == len({row["event_at"] for row in rows})


def test_the_holdout_follows_what_is_trained_on(definition: Definition, stores: Stores, retrained: Retrain) -> None:
    """The training rows end where the holdout begins, which ends where labels are not matured yet."""
    retrained(definition, stores, day(30))
    [version] = stores.ledger.history(ModelVersion, definition.name)
    [evaluation] = stores.ledger.history(Evaluation, definition.name)
    assert version.trained_on == Interval(day(9), day(26))
    assert evaluation.holdout == Interval(day(26), day(29))
    assert (version.rows, evaluation.rows <= 72) == (17 * 24, True)


def test_what_happens_in_the_holdout_does_not_change_the_model(
    definition: Definition, new_stores: Callable[..., Stores], tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """Other labels there, the same predictions: it was kept from training. Other labels before it: others."""
    found = []
    good = tables["rides"]
    for changed in (Interval(day(99), day(100)), Interval(day(26), day(29)), Interval(day(20), day(21))):
        tables["rides"] = replaced(good, "rides", more(9, changed))
        stores = new_stores()
        retrained(definition, stores, day(30))
        score(definition, night(30), stores, as_of=day(31))
        found.append(stores.ledger.predictions(definition.name, within=night(30)).column("prediction").to_pylist())
    assert found[1] == found[0]
    assert found[2] != found[0]


@pytest.fixture
def measured(
    definition: Definition, postgres_stores: Stores, tables: dict[str, pa.Table], retrained: Retrain
) -> Callable[[int], NightLoss]:
    """Return the loss of night 30 as a later night measured it; one of its labels comes on day 35, wide of the mark."""
    tables["rides"] = replaced(tables["rides"], "available_at", late(25, when=lambda at: at in night(30)))
    late_one = tables["rides"].filter(pa.array([at == day(30) for at in tables["rides"]["event_at"].to_pylist()]))
    revision = replaced(replaced(late_one, "rides", lambda _: 1500), "available_at", lambda _: day(34) + HOUR)
    tables["rides"] = pa.concat_tables([tables["rides"], revision])
    retrained(definition, postgres_stores, day(30))

    def loss(number: int) -> NightLoss:
        decision = score(definition, night(number), postgres_stores, as_of=day(number + 1))
        measurement = postgres_stores.ledger.get(Measurement, decision.measurement)
        [found] = [row for row in measurement.losses if row.role is Role.CHAMPION and row.interval == night(30)]
        return found

    return loss


def test_a_late_label_revises_a_nights_loss_in_a_later_measurement(measured: Callable[[int], NightLoss]) -> None:
    """What was measured before stays what was known then."""
    first, before, after = (measured(number) for number in (30, 32, 34))
    assert (first.labelled, first.loss) == (0, None)
    assert (before.labelled, after.labelled) == (24, 24)
    assert before.loss is not None
    assert after.loss is not None
    assert after.loss > before.loss + 30
    assert measured(32) == before


def test_outcomes_of_a_later_cut_off_do_not_leak_into_an_earlier_night(
    definition: Definition, measured: Callable[[int], NightLoss], ledger_url: str, postgres_stores: Stores
) -> None:
    """The later night is run first, so its labels are in the ledger already."""
    score(definition, night(30), postgres_stores, as_of=day(31))
    measured(34)
    rows = "SELECT count(*) FROM perennial.outcome WHERE event_at = :at"
    assert query(ledger_url, rows, {"at": day(30)}) == [(1,)]
    early = measured(32).loss
    assert early is not None
    assert early < 150


def test_labels_that_came_later_are_not_recorded(
    definition: Definition, postgres_stores: Stores, ledger_url: str, retrained: Retrain
) -> None:
    """The ledger holds what was known at the night's end, and all of that; each label once."""
    retrained(definition, postgres_stores, day(30))
    score(definition, night(35), postgres_stores, as_of=day(36))
    held = "SELECT min(event_at) >= :start, max(available_at) <= :as_of, max(available_at) > :before FROM perennial.outcome"
    assert query(ledger_url, held, {"start": day(28), "as_of": day(36), "before": day(35)}) == [(True, True, True)]


def test_a_training_window_counts_what_was_refused(definition: Definition, championed: Stores) -> None:
    """The validation of a training says of how many labelled rows it speaks."""
    [validation] = championed.ledger.history(Validation, definition.name)
    assert (validation.purpose, validation.verdict.value, validation.quarantined) == (Purpose.TRAIN, "pass", 0)
    assert 17 * 24 < validation.rows <= 20 * 24 + 1
