"""A person releases what validation refused: the night is scored, its rows are trained on, and all of it can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from perennial.core.errors import RejectedError
from perennial.core.receipts import ALL, Action, Decision, Purpose, Release, Validation, Verdict
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.simulation.bad_nights import BadNight, with_bad_nights
from perennial.simulation.load import tables as named
from perennial.simulation.world import World
from perennial.steps.checking.refusals import refusals
from perennial.steps.extract import extract
from perennial.steps.loop import score
from perennial.steps.release import last_validation, release, take_back
from perennial.steps.snapshots.rows import clean_rows
from perennial.steps.validate import validate
from perennial.testing.story import day, night

Define = Callable[..., Definition]
BAD = 31
HOT = 50.0


@pytest.fixture
def spoil(tables: dict[str, pa.Table], simulated: World) -> Callable[[BadNight], None]:
    """Let day 31 of the source go wrong in a way."""
    return lambda kind: tables.update(named(with_bad_nights(simulated, {kind: BAD})))


@pytest.fixture
def hot_noon(tables: dict[str, pa.Table]) -> None:
    """Let noon of day 31 be hotter than the definition believes: one row of 24."""
    values = tables["conditions"].column("temperature").to_numpy().copy()
    values[24 * BAD + 12] = HOT
    at = tables["conditions"].column_names.index("temperature")
    tables["conditions"] = tables["conditions"].set_column(at, "temperature", pa.array(values))


def scored(definition: Definition, stores: Stores) -> Decision:
    """Score night 31."""
    return score(definition, night(BAD), stores, as_of=day(BAD + 1))


def predicted(definition: Definition, stores: Stores) -> int:
    """Return how many rows of night 31 have a prediction."""
    return int(stores.ledger.predictions(definition.name, within=night(BAD)).num_rows)


def trained(definition: Definition, stores: Stores) -> int:
    """Return how many rows of night 31 a training would use."""
    window = training_window(definition, day(40))
    snapshot = extract(definition, window, stores, purpose=Purpose.TRAIN, as_of=window.end)
    rows = clean_rows(definition, stores, snapshot, validate(definition, window, stores, snapshot=snapshot))
    inside = (pc.greater_equal(rows["event_at"], pa.scalar(night(BAD).start)), pc.less(rows["event_at"], pa.scalar(night(BAD).end)))
    return int(pc.sum(pc.and_(*inside)).as_py())


def release_all(definition: Definition, stores: Stores, findings: list[str] | None = None) -> Release:
    """Release night 31."""
    return release(definition, night(BAD), ALL, stores, reason="a record", actor="ana", findings=findings)


def test_a_released_night_is_scored_and_trained_on(
    definition: Definition, championed: Stores, spoil: Callable[[BadNight], None]
) -> None:
    """The validation behind its predictions names the release."""
    spoil(BadNight.FAHRENHEIT)
    assert scored(definition, championed).action is Action.QUARANTINE
    assert (predicted(definition, championed), trained(definition, championed)) == (0, 0)
    said = release_all(definition, championed)
    assert said.findings == ("expect_column_values_to_be_between temperature", "quality.units temperature")
    assert scored(definition, championed).action is not Action.QUARANTINE
    last = last_validation(definition, night(BAD), ALL, championed)
    assert (last.verdict, last.quarantined, last.release) == (Verdict.PASS, 0, said.id)
    assert (predicted(definition, championed), trained(definition, championed)) == (24, 24)


def test_what_was_released_can_be_taken_back(definition: Definition, championed: Stores, spoil: Callable[[BadNight], None]) -> None:
    """The night is refused as before, and is not trained on."""
    spoil(BadNight.FAHRENHEIT)
    scored(definition, championed)
    first = last_validation(definition, night(BAD), ALL, championed)
    release_all(definition, championed)
    scored(definition, championed)
    take_back(definition, night(BAD), ALL, championed, reason="no", actor="bob")
    assert scored(definition, championed).action is Action.QUARANTINE
    assert last_validation(definition, night(BAD), ALL, championed) == first
    assert (predicted(definition, championed), trained(definition, championed)) == (0, 0)
    with pytest.raises(RejectedError) as caught:
        take_back(definition, night(BAD), ALL, championed, reason="no", actor="bob")
    assert str(caught.value) == f"{definition.name} {night(BAD)}: nothing is released [MODEL_UNKNOWN]"


@pytest.mark.usefixtures("hot_noon")
def test_a_single_refused_row_is_released(definition: Definition, championed: Stores) -> None:
    """The night went on without it; now it is predicted and trained on, too."""
    scored(definition, championed)
    assert (predicted(definition, championed), trained(definition, championed)) == (23, 23)
    release_all(definition, championed)
    scored(definition, championed)
    assert (predicted(definition, championed), trained(definition, championed)) == (24, 24)


def test_only_the_named_findings_are_released(
    definition: Definition, championed: Stores, spoil: Callable[[BadNight], None]
) -> None:
    """The others still stand."""
    spoil(BadNight.FAHRENHEIT)
    scored(definition, championed)
    release_all(definition, championed, ["quality.units temperature"])
    scored(definition, championed)
    last = last_validation(definition, night(BAD), ALL, championed)
    unmet = [finding.name for finding in last.findings if not finding.success]
    assert unmet == ["expect_column_values_to_be_between temperature", "quality.tolerated"]
    assert [finding.sentence for finding in last.findings if finding.expectation == "quality.units"] == [
        "temperature: looks like °F where °C was (x·1.8+32); taken back, it lies where it usually does; released by ana"
    ]


def test_a_release_holds_for_the_rows_that_were_seen(
    definition: Definition, championed: Stores, tables: dict[str, pa.Table], spoil: Callable[[BadNight], None], simulated: World
) -> None:
    """The source then delivers something else, which nobody has looked at."""
    spoil(BadNight.FAHRENHEIT)
    scored(definition, championed)
    release_all(definition, championed)
    tables.update(named(with_bad_nights(simulated, {BadNight.KELVIN_ZERO: BAD})))
    assert scored(definition, championed).action is Action.QUARANTINE
    assert last_validation(definition, night(BAD), ALL, championed).release is None


def test_a_key_that_stands_twice_cannot_be_released(
    definition: Definition, championed: Stores, spoil: Callable[[BadNight], None]
) -> None:
    """Nobody can predict an event twice."""
    spoil(BadNight.DELIVERED_TWICE)
    scored(definition, championed)
    release_all(definition, championed)
    assert scored(definition, championed).action is Action.QUARANTINE
    assert last_validation(definition, night(BAD), ALL, championed).quarantined == 48


def test_a_good_night_has_nothing_to_release(definition: Definition, championed: Stores) -> None:
    """The message says what could be."""
    scored(definition, championed)
    with pytest.raises(RejectedError) as caught:
        release_all(definition, championed)
    where = f"{definition.name} {night(BAD)}"
    said = "must be a finding by which something is refused (there is none), nothing is"
    assert str(caught.value) == f"{where}: {said} [MODEL_UNKNOWN]"


def test_the_refused_rows_are_counted_by_reason(
    definition: Definition, championed: Stores, spoil: Callable[[BadNight], None]
) -> None:
    """A row has as many reasons as there are."""
    spoil(BadNight.SENTINELS)
    scored(definition, championed)
    found = refusals(definition, night(BAD), ALL, championed)
    assert found.reasons == {
        "humidity is -200, a value for what was not measured": 6,
        "temperature is -200, a value for what was not measured": 6,
        "temperature is outside -25 .. 35": 6,
    }
    assert (found.verdict, found.rows, found.quarantined) == (Verdict.FAIL, 24, 6)


def test_a_row_that_its_night_refused_for_a_sentinel_is_not_trained_on(
    define: Define, stores: Stores, retrained: Callable[[Definition, Stores, datetime], Any], tables: dict[str, pa.Table]
) -> None:
    """The night passed without it. Only a night is asked for sentinels, and the training remembers."""
    definition = define(expectations=[{"type": "expect_column_values_to_not_be_null", "arguments": {"column": "city"}}])
    retrained(definition, stores, day(30))
    values = tables["conditions"].column("temperature").to_numpy().copy()
    values[24 * BAD + 12] = 98_310.0
    at = tables["conditions"].column_names.index("temperature")
    tables["conditions"] = tables["conditions"].set_column(at, "temperature", pa.array(values))
    scored(definition, stores)
    assert (predicted(definition, stores), trained(definition, stores)) == (23, 23)
    release_all(definition, stores)
    scored(definition, stores)
    assert (predicted(definition, stores), trained(definition, stores)) == (24, 24)


def test_a_release_is_kept_in_the_real_ledger(
    definition: Definition,
    postgres_stores: Stores,
    retrained: Callable[[Definition, Stores, datetime], Any],
    spoil: Callable[[BadNight], None],
) -> None:
    """With its validation, by a foreign key."""
    retrained(definition, postgres_stores, day(30))
    spoil(BadNight.FAHRENHEIT)
    scored(definition, postgres_stores)
    said = release_all(definition, postgres_stores)
    scored(definition, postgres_stores)
    ledger = postgres_stores.ledger
    assert ledger.history(Release, definition.name) == [said]
    assert ledger.history(Validation, definition.name, within=night(BAD))[-1].release == said.id
    assert predicted(definition, postgres_stores) == 24
