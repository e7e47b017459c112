"""Promises 12 and 18: bad data is quarantined and reported; it neither trains, nor predicts, nor counts, nor asks for anything."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import Action, Decision, Promotion, Purpose, RetrainRequest, Role, Snapshot, Validation, Verdict
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.simulation.bad_nights import BadNight, with_bad_nights
from perennial.simulation.load import tables as named
from perennial.simulation.world import World
from perennial.steps.extract import extract
from perennial.steps.loop import observe, score
from perennial.steps.snapshots.rows import clean_rows
from perennial.steps.validate import validate
from perennial.stores.query import query
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Any]
BAD = 31
FAULTY = (
    (BadNight.KELVIN_ZERO, {"temperature is outside -25 .. 35", "temperature is -273.15, a value for what was not measured"}),
    (BadNight.FAHRENHEIT, {"temperature is outside -25 .. 35"}),
    (BadNight.DELIVERED_TWICE, {"the same entity and event stand twice"}),
    (
        BadNight.SENTINELS,
        {
            "temperature is outside -25 .. 35",
            "temperature is -200, a value for what was not measured",
            "humidity is -200, a value for what was not measured",
        },
    ),
)
LABELS = (BadNight.TARGET_TIMES_500, BadNight.NULL_TARGETS)


@pytest.fixture
def spoil(tables: dict[str, pa.Table], simulated: World) -> Callable[[BadNight], None]:
    """Let day 31 of the source go wrong in a way."""
    return lambda kind: tables.update(named(with_bad_nights(simulated, {kind: BAD})))


def training_rows(definition: Definition, stores: Stores, at: datetime) -> pa.Table:
    """Return what a training at *at* would fit and evaluate on."""
    window = training_window(definition, at)
    snapshot = extract(definition, window, stores, purpose=Purpose.TRAIN, as_of=at)
    return clean_rows(definition, stores, snapshot, validate(definition, window, stores, snapshot=snapshot))


def of_bad_day(rows: pa.Table) -> list[datetime]:
    """Return the moments of *rows* that lie in the bad night."""
    return [at for at in rows.column("event_at").to_pylist() if at in night(BAD)]


@pytest.mark.parametrize("kind", [kind for kind, _ in FAULTY] + [BadNight.MISSING_DAY])
def test_promise_18_a_bad_night_only_fills_the_quarantine(
    define: Define, stores: Stores, retrained: Retrain, spoil: Callable[[BadNight], None], kind: BadNight
) -> None:
    """It is reported and publishes nothing, although its champion is so old that a good night would ask for a retraining."""
    spoil(kind)
    definition = define(retraining={"max_age": "1h"})
    first = retrained(definition, stores, day(30))
    decision = score(definition, night(BAD), stores, as_of=day(BAD + 1))
    assert (decision.action, decision.rule, decision.request) == (Action.QUARANTINE, "data_fault", None)
    assert all(stores.ledger.predictions(definition.name, role=role, within=night(BAD)).num_rows == 0 for role in Role)
    assert stores.ledger.history(RetrainRequest, definition.name) == []
    assert [row.version for row in stores.ledger.history(Promotion, definition.name)] == [first.champion]
    assert of_bad_day(training_rows(definition, stores, day(40))) == []
    assert score(definition, night(BAD + 1), stores, as_of=day(BAD + 2)).action is Action.RETRAIN


@pytest.mark.parametrize(("kind", "reasons"), FAULTY)
def test_promise_18_refused_rows_are_kept_beside_their_reasons(
    definition: Definition, championed: Stores, spoil: Callable[[BadNight], None], kind: BadNight, reasons: set[str]
) -> None:
    """The quarantine is a Parquet file that a person can read."""
    spoil(kind)
    validation, _ = observe(definition, night(BAD), championed, as_of=day(BAD + 1))
    kept = pq.read_table(io.BytesIO(championed.artifacts.get(validation.quarantine or "")))
    assert validation.verdict is Verdict.FAIL
    assert {reason for row in kept.column("_reasons").to_pylist() for reason in row} == reasons
    assert kept.num_rows == validation.quarantined
    assert set(of_bad_day(kept)) == set(kept.column("event_at").to_pylist())


def test_promise_18_the_whole_of_a_bad_night_is_kept_from_training(
    definition: Definition, championed: Stores, spoil: Callable[[BadNight], None]
) -> None:
    """Six hours of sentinels make the other eighteen suspect, once the night was judged."""
    spoil(BadNight.SENTINELS)
    assert len(of_bad_day(training_rows(definition, championed, day(40)))) == 18
    score(definition, night(BAD), championed, as_of=day(BAD + 1))
    assert of_bad_day(training_rows(definition, championed, day(40))) == []


def test_promise_18_a_bad_night_is_kept_from_training_where_the_window_begins_in_it(
    definition: Definition, championed: Stores, spoil: Callable[[BadNight], None]
) -> None:
    """The window of 21 days begins at noon of the bad night."""
    spoil(BadNight.SENTINELS)
    score(definition, night(BAD), championed, as_of=day(BAD + 1))
    window = Interval(day(BAD + 0.5), day(BAD + 10.5))
    snapshot = extract(definition, window, championed, purpose=Purpose.TRAIN, as_of=window.end)
    validation = validate(definition, window, championed, snapshot=snapshot)
    assert of_bad_day(clean_rows(definition, championed, snapshot, validation)) == []


@pytest.mark.parametrize("kind", LABELS)
def test_promise_18_labels_that_nobody_believes_neither_train_nor_count(
    definition: Definition, postgres_stores: Stores, retrained: Retrain, spoil: Callable[[BadNight], None], kind: BadNight
) -> None:
    """The night itself is good, and is predicted; its labels are null or 500 times too large."""
    spoil(kind)
    retrained(definition, postgres_stores, day(30))
    for number in (30, 31, 37):
        decision = score(definition, night(number), postgres_stores, as_of=day(number + 1))
        assert decision.action is Action.KEEP
    losses = postgres_stores.ledger.losses(
        definition.name, "all", loss="absolute", within=Interval(day(30), day(32)), as_of=day(41), matured_before=day(41)
    )
    champion = [row for row in losses if row.role is Role.CHAMPION]
    assert [(row.predicted, row.labelled) for row in champion] == [(24, 24), (24, 0)]
    assert of_bad_day(training_rows(definition, postgres_stores, day(40))) == []


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_promise_18_a_label_that_is_no_number_does_not_count(
    definition: Definition, postgres_stores: Stores, retrained: Retrain, tables: dict[str, pa.Table], value: float
) -> None:
    """The night is measured on its other labels."""
    rides = [float(rides) for rides in tables["rides"]["rides"].to_pylist()]
    rides[24 * 30 + 8] = value
    tables["rides"] = tables["rides"].set_column(tables["rides"].column_names.index("rides"), "rides", pa.array(rides))
    retrained(definition, postgres_stores, day(30))
    score(definition, night(30), postgres_stores, as_of=day(38))
    losses = postgres_stores.ledger.losses(
        definition.name, "all", loss="absolute", within=night(30), as_of=day(38), matured_before=day(38)
    )
    assert {(row.predicted, row.labelled) for row in losses} == {(24, 23)}


def test_late_labels_are_waited_for(definition: Definition, championed: Stores, spoil: Callable[[BadNight], None]) -> None:
    """A night whose labels are late is good, is not measured before they come, and trains when they have."""
    spoil(BadNight.LATE_LABELS)
    score(definition, night(BAD), championed, as_of=day(BAD + 1))
    assert of_bad_day(training_rows(definition, championed, day(BAD + 5))) == []
    assert len(of_bad_day(training_rows(definition, championed, day(BAD + 9)))) == 24


def test_promise_12_no_rows_fail(definition: Definition, championed: Stores, spoil: Callable[[BadNight], None]) -> None:
    """Nothing was checked, so nothing passed; the sentence says how many rows there were."""
    spoil(BadNight.MISSING_DAY)
    snapshot = extract(definition, night(BAD), championed, purpose=Purpose.SCORE, as_of=day(BAD + 1))
    validation = validate(definition, night(BAD), championed, snapshot=snapshot)
    assert (snapshot.rows, validation.verdict) == (0, Verdict.FAIL)
    assert "0 rows, at least 20 needed" in [finding.sentence for finding in validation.findings if not finding.success]


def test_promise_12_a_training_window_without_rows_fails(definition: Definition, stores: Stores, retrained: Retrain) -> None:
    """Nothing is trained on nothing."""
    with pytest.raises(DataError) as caught:
        retrained(definition, stores, day(90))
    assert str(caught.value).startswith("bikes_small 2024-05-09T00:00:00Z/2024-05-30T00:00:00Z: the training data was refused: ")
    assert str(caught.value).endswith("0 rows, at least 1 needed [DATA_REFUSED]")
    assert len(stores.ledger.history(Snapshot, definition.name)) == 1


def test_promise_12_no_checks_fail(define: Define, stores: Stores, retrained: Retrain) -> None:
    """A night to which no expectation applies is not scored unchecked."""
    kept = {"type": "expect_column_values_to_not_be_null", "arguments": {"column": "rides"}, "on": "train"}
    definition = define(expectations=[kept])
    retrained(definition, stores, day(30))
    with pytest.raises(DataError) as caught:
        score(definition, night(30), stores, as_of=day(31))
    assert str(caught.value) == "bikes_small score: no expectation applies, so nothing would be checked [DATA_UNCHECKED]"
    assert stores.ledger.history(Decision, definition.name) == []


def test_a_few_refused_rows_are_left_out_of_a_good_night(
    definition: Definition, championed: Stores, tables: dict[str, pa.Table]
) -> None:
    """One hour of 24 is within the tolerance of 5 %: the other 23 are predicted."""
    rows = tables["conditions"]
    values = rows.column("temperature").to_pylist()
    values[24 * BAD + 5] = -200.0
    tables["conditions"] = rows.set_column(rows.column_names.index("temperature"), "temperature", pa.array(values))
    score(definition, night(BAD), championed, as_of=day(BAD + 1))
    [validation] = [row for row in championed.ledger.history(Validation, definition.name) if row.purpose is Purpose.SCORE]
    predicted = championed.ledger.predictions(definition.name, within=night(BAD))
    assert (validation.verdict, validation.quarantined, predicted.num_rows) == (Verdict.PASS, 1, 23)


def test_what_was_believed_is_in_the_ledger_once(
    definition: Definition, postgres_stores: Stores, ledger_url: str, retrained: Retrain
) -> None:
    """Labels of a good night, by plain SQL."""
    retrained(definition, postgres_stores, day(30))
    score(definition, night(35), postgres_stores, as_of=day(36))
    score(definition, night(35), postgres_stores, as_of=day(36))
    [(rows, keys)] = query(ledger_url, "SELECT count(*), count(DISTINCT event_at) FROM perennial.outcome")
    assert rows == keys
    assert isinstance(rows, int)
    assert rows > 100
