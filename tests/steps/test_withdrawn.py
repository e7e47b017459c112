"""A night that turns out to be a data fault after it was published: its predictions are withdrawn, and come back when it passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pytest

from perennial.core.receipts import ALL, Action, Decision, PredictionBatch, Purpose, Role
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.simulation.bad_nights import BadNight, with_bad_nights
from perennial.simulation.load import tables as named
from perennial.simulation.world import World
from perennial.steps.audit import audit
from perennial.steps.extract import extract
from perennial.steps.loop import score
from perennial.steps.predict import predict
from perennial.steps.release import release
from perennial.steps.validate import validate
from perennial.testing.story import day, night

BAD = 31


@pytest.fixture
def spoil(tables: dict[str, pa.Table], simulated: World) -> Callable[[], None]:
    """Let day 31 of the source go wrong."""
    return lambda: tables.update(named(with_bad_nights(simulated, {BadNight.FAHRENHEIT: BAD})))


def scored(definition: Definition, stores: Stores, number: int = BAD) -> Decision:
    """Score a night."""
    return score(definition, night(number), stores, as_of=day(number + 1))


def current(definition: Definition, stores: Stores) -> dict[Role, int]:
    """Return how many rows of night 31 have a current prediction, by role."""
    found = {role: stores.ledger.predictions(definition.name, role=role, within=night(BAD)).num_rows for role in Role}
    return {role: rows for role, rows in found.items() if rows}


def batches(definition: Definition, stores: Stores) -> Sequence[PredictionBatch]:
    """Return all batches of night 31."""
    return stores.ledger.history(PredictionBatch, definition.name, within=night(BAD))


def test_a_night_that_turns_out_to_be_a_data_fault_is_withdrawn(
    definition: Definition, championed: Stores, spoil: Callable[[], None]
) -> None:
    """In every role; the batches stay in the ledger, and the audit finds nothing."""
    scored(definition, championed)
    before = batches(definition, championed)
    assert current(definition, championed) == {Role.CHAMPION: 24, Role.BASELINE: 24}
    spoil()
    assert scored(definition, championed).action is Action.QUARANTINE
    assert current(definition, championed) == {}
    assert batches(definition, championed) == before
    assert audit(championed) == []


def test_a_night_that_was_found_at_fault_since_is_not_predicted(
    definition: Definition, championed: Stores, spoil: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """A task is run again alone, with the receipts of when the night seemed good. That something was withdrawn is told once."""
    first = extract(definition, night(BAD), championed, purpose=Purpose.SCORE, as_of=day(BAD + 1))
    good = validate(definition, night(BAD), championed, snapshot=first)
    predict(definition, night(BAD), championed, snapshot=first, validation=good)
    spoil()
    for _ in range(2):
        snapshot = extract(definition, night(BAD), championed, purpose=Purpose.SCORE, as_of=day(BAD + 1))
        validate(definition, night(BAD), championed, snapshot=snapshot)
    again = predict(definition, night(BAD), championed, snapshot=first, validation=good)
    assert again.sentence == "the night was found to be a data fault since, so nothing was predicted"
    assert current(definition, championed) == {}
    told = [line.message for line in caplog.records if "withdrawn" in line.message]
    assert told == [f"{definition.name} {night(BAD)}: a data fault; what was published of it is withdrawn (2)"]


def test_a_withdrawn_night_is_current_again_when_it_passes_as_it_was(
    definition: Definition, championed: Stores, tables: dict[str, pa.Table], spoil: Callable[[], None]
) -> None:
    """The source is mended, and the batches of then are there."""
    good = dict(tables)
    first = scored(definition, championed)
    before = batches(definition, championed)
    spoil()
    scored(definition, championed)
    tables.update(good)
    assert scored(definition, championed) == first
    assert current(definition, championed) == {Role.CHAMPION: 24, Role.BASELINE: 24}
    assert batches(definition, championed) == before


def test_a_withdrawn_night_that_is_released_is_predicted_from_what_was_released(
    definition: Definition, championed: Stores, spoil: Callable[[], None]
) -> None:
    """Not from what was extracted before."""
    scored(definition, championed)
    spoil()
    scored(definition, championed)
    release(definition, night(BAD), ALL, championed, reason="a record", actor="ana")
    scored(definition, championed)
    assert current(definition, championed) == {Role.CHAMPION: 24, Role.BASELINE: 24}
    newest = batches(definition, championed)[-1]
    assert set(championed.ledger.predictions(definition.name, within=night(BAD))["batch"].to_pylist()) <= {
        batch.id for batch in batches(definition, championed) if batch.validation == newest.validation
    }
    assert audit(championed) == []


def test_later_nights_do_not_count_the_losses_of_a_withdrawn_night(
    definition: Definition, championed: Stores, spoil: Callable[[], None]
) -> None:
    """They are decided again, and end as if the night had been a data fault from the first."""
    for number in (BAD, BAD + 1, BAD + 2):
        scored(definition, championed, number)
    spoil()
    scored(definition, championed)
    last = championed.ledger.history(Decision, definition.name, newest=1)[-1]
    decay = next(signal for signal in last.signals if signal.name == "decay")
    kept = championed.ledger.history(Decision, definition.name, within=night(BAD + 2))
    assert len(kept) == 2
    before = next(signal for signal in kept[0].signals if signal.name == "decay")
    assert (decay.n, before.n) == (before.n - 1, before.n)
