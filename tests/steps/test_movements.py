"""What moved in a night: inputs, predictions, labels, and all columns together; one budget for all of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from perennial.core.interval import Interval
from perennial.core.receipts import (
    Evaluation,
    Measurement,
    ModelVersion,
    Predicted,
    Publication,
    Purpose,
    Signal,
    SignalState,
    Snapshot,
    Validation,
)
from perennial.definition.models import Definition
from perennial.monitoring.counting.reference import Reference
from perennial.monitoring.loss.outlook import LABEL, PREDICTION, Outlook
from perennial.monitoring.shift.two_sample import TwoSample
from perennial.ports import Stores
from perennial.steps.collect import collect
from perennial.steps.extract import extract
from perennial.steps.measuring.told_apart import told_signal
from perennial.steps.monitor import measure, monitor
from perennial.steps.predict import predict
from perennial.steps.sample import read_sample
from perennial.steps.validate import validate
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
ALARM, QUIET, INSUFFICIENT = SignalState.ALARM, SignalState.QUIET, SignalState.INSUFFICIENT
NIGHT = 31


@pytest.fixture
def watched(define: Define) -> Definition:
    """The small definition with a holdout of eight nights, which is enough to know how nights differ."""
    return define(evaluation={"holdout": "8d"}, schedule={"window": {"kind": "sliding", "length": "28d"}})


@pytest.fixture
def reigning(watched: Definition, stores: Stores, retrained: Retrain) -> Stores:
    """Stores with a champion of it, effective from day 30."""
    assert retrained(watched, stores, day(30)).promoted
    return stores


def scored(definition: Definition, stores: Stores, number: int) -> tuple[Snapshot, Validation, Predicted]:
    """Extract, validate and predict one night."""
    snapshot = extract(definition, night(number), stores, purpose=Purpose.SCORE, as_of=day(number + 1))
    validation = validate(definition, night(number), stores, snapshot=snapshot)
    return snapshot, validation, predict(definition, night(number), stores, snapshot=snapshot, validation=validation)


def measured(definition: Definition, stores: Stores, number: int = NIGHT) -> Measurement:
    """Run one night up to its measurement."""
    snapshot, validation, predicted = scored(definition, stores, number)
    return monitor(definition, night(number), stores, snapshot=snapshot, validation=validation, predicted=predicted)


def said(measurement: Measurement, kind: str) -> Signal:
    """Return the one signal of a kind."""
    (signal,) = (signal for signal in measurement.signals if signal.kind == kind)
    return signal


def changed(tables: dict[str, pa.Table], table: str, column: str, number: int, change: Callable[[Any], Any]) -> None:
    """Change a column's values on one night, in the source."""
    rows = tables[table]
    values, at = np.array(rows[column].to_pylist(), dtype=float), rows["event_at"].combine_chunks()
    start, end = (pa.scalar(moment, at.type) for moment in (day(number), day(number + 1)))
    on_it = np.asarray(pc.and_(pc.greater_equal(at, start), pc.less(at, end)))
    values[on_it] = change(values[on_it])
    tables[table] = rows.set_column(
        rows.schema.get_field_index(column), column, pa.array(values).cast(rows[column].type, safe=False)
    )


def test_an_evaluation_names_the_outlook_of_its_challenger(watched: Definition, reigning: Stores) -> None:
    """Its predictions on the holdout and the labels there, by night, of which there are eight."""
    (evaluation,) = reigning.ledger.history(Evaluation, watched.name)
    outlook = Outlook.from_json(reigning.artifacts.get(evaluation.outlook or ""))
    assert outlook.reference.edges.names == (PREDICTION, LABEL)
    assert (len(outlook.reference.nights), outlook.reference.total.rows) == (8, evaluation.rows)
    assert outlook.of(LABEL).edges.names == (LABEL,)
    assert outlook.of(LABEL).total.counts == {LABEL: outlook.reference.total.counts[LABEL]}


def test_a_night_says_what_moved_of_each_kind(watched: Definition, reigning: Stores) -> None:
    """A quiet night. Labels are a week late, and the week before there was no champion: those of night 24 are looked at.

    Eight nights of 24 rows are not much to compare with; a night wholly outside what they know would alarm all the same.
    """
    found = measured(watched, reigning)
    states = {signal.kind: signal.state for signal in found.signals if signal.kind not in {"decay", "baseline", "estimate"}}
    assert states == dict.fromkeys(("drift", "prediction_drift", "label_drift", "multivariate"), QUIET)
    assert [column.column for column in found.drift] == ["temperature", "humidity", "wet", "(prediction)", "(label)"]


def test_predictions_that_move_alarm_before_any_label_comes(
    watched: Definition, reigning: Stores, tables: dict[str, pa.Table]
) -> None:
    """It is twenty degrees warmer than ever; 24 rows against eight nights are little, so the budget is large here."""
    changed(tables, "conditions", "temperature", NIGHT, lambda values: np.minimum(values + 20, 35))
    monitoring = watched.monitoring.model_copy(update={"false_alarms_per_year": 180.0})
    found = measured(watched.model_copy(update={"monitoring": monitoring}), reigning)
    assert (said(found, "prediction_drift").state, said(found, "drift").state) == (ALARM, ALARM)
    assert said(found, "prediction_drift").sentence.startswith("1 of 1 columns moved: prediction PSI ")


def test_labels_that_move_alarm_once_all_of_them_have_come(
    watched: Definition, reigning: Stores, tables: dict[str, pa.Table]
) -> None:
    """A week after a night on which nearly nobody rode, at one false alarm a year; not before, and not on the night after."""
    changed(tables, "rides", "rides", NIGHT, lambda values: values * 0 + 1)
    for number in range(NIGHT, NIGHT + 9):
        found = said(measured(watched, reigning, number), "label_drift")
        assert (number, found.state) == (number, ALARM if number == NIGHT + 7 else QUIET)


def test_half_days_are_held_against_half_days(define: Define, stores: Stores, retrained: Retrain) -> None:
    """Nights of twelve hours: inputs against the same half of other days, predictions against those of the holdout."""
    schedule = {"score": "0 */12 * * *", "window": {"kind": "sliding", "length": "28d"}}
    definition = define(evaluation={"holdout": "8d"}, schedule=schedule, quality={"minimum_rows": 10})
    assert retrained(definition, stores, day(30)).promoted
    (version,) = stores.ledger.history(ModelVersion, definition.name)
    reference = Reference.from_json(stores.artifacts.get(version.profile))
    assert (reference.nights_a_day, {night.rows for night in reference.nights.values()}) == (2, {12})
    half = Interval(day(NIGHT), day(NIGHT) + timedelta(hours=12))
    snapshot = extract(definition, half, stores, purpose=Purpose.SCORE, as_of=half.end)
    validation = validate(definition, half, stores, snapshot=snapshot)
    predicted = predict(definition, half, stores, snapshot=snapshot, validation=validation)
    found = monitor(definition, half, stores, snapshot=snapshot, validation=validation, predicted=predicted)
    assert said(found, "drift").state is QUIET
    assert "nights at the same time of the day" in said(found, "drift").sentence
    assert said(found, "prediction_drift").n == 12


def test_what_tells_the_nights_rows_best_is_named() -> None:
    """In the sentence of an alarm, with the area and what is allowed."""
    found = TwoSample(0.71, 0.556, 0.01, 0.0, 0.05, 30, ("humidity with temperature", "wet"))
    sentence = (
        "the night's rows are told from the training's with an area of 0.710 under the curve, 0.600 allowed; "
        "most by humidity with temperature, wet"
    )
    expected = Signal(
        name="all columns together", kind="multivariate", state=ALARM, value=0.71, threshold=0.6004, n=720, sentence=sentence
    )
    assert told_signal(found, 1e-5, 720) == expected


@pytest.mark.parametrize(("deviation", "expected"), [(0.5, QUIET), (2.0, INSUFFICIENT)])
def test_where_no_night_could_be_told_apart_surely_enough_none_is_called_quiet(deviation: float, expected: SignalState) -> None:
    """Nights of the training are told from each other nearly as well as can be."""
    found = told_signal(TwoSample(0.6, 0.5, 0.05, 0.5, deviation, 30, ()), 1e-4, 24)
    assert found.state is expected
    assert found.sentence.endswith("no night of 24 rows could alarm") is (expected is INSUFFICIENT)


def test_without_the_test_of_all_columns_no_training_row_is_kept(define: Define, stores: Stores, retrained: Retrain) -> None:
    """And no signal speaks of it."""
    definition = define(monitoring={"multivariate": False})
    assert retrained(definition, stores, day(30)).promoted
    (version,) = stores.ledger.history(ModelVersion, definition.name)
    assert version.sample is None
    assert "multivariate" not in {signal.kind for signal in measured(definition, stores).signals}


def test_the_sample_is_the_features_of_training_rows_with_their_nights(watched: Definition, reigning: Stores) -> None:
    """All of them, where there are fewer than 20 000; and garbage collection leaves it and the outlook alone."""
    (version,) = reigning.ledger.history(ModelVersion, watched.name)
    rows, nights = read_sample(reigning, version.sample or "")
    assert (rows.column_names, rows.num_rows) == (["temperature", "humidity", "wet"], version.rows)
    first = (version.trained_on.start - datetime(1970, 1, 1, tzinfo=version.trained_on.start.tzinfo)) // timedelta(days=1)
    assert nights.tolist() == np.repeat(np.arange(first, first + version.rows // 24), 24).tolist()
    (evaluation,) = reigning.ledger.history(Evaluation, watched.name)
    gone = collect([watched], reigning, now=day(4000)).artifacts
    assert {version.sample, evaluation.outlook}.isdisjoint(gone)


def test_a_sample_that_is_lost_is_no_evidence(watched: Definition, reigning: Stores) -> None:
    """The night is measured all the same."""
    (version,) = reigning.ledger.history(ModelVersion, watched.name)
    reigning.artifacts.delete(version.sample or "")
    found = said(measured(watched, reigning), "multivariate")
    sentence = "the rows cannot be held against those of the training: too few, or none are kept with the champion"
    assert (found.state, found.sentence) == (INSUFFICIENT, sentence)


def test_a_holdout_of_few_nights_is_no_evidence_about_predictions(
    definition: Definition, championed: Stores, tables: dict[str, pa.Table]
) -> None:
    """However far they moved: three nights do not show how a weekend differs."""
    changed(tables, "conditions", "temperature", NIGHT, lambda values: values + 15)
    found = said(measured(definition, championed), "prediction_drift")
    sentence = "3 nights of the reference have 12 rows, 7 needed to know how nights differ"
    assert (found.state, found.sentence) == (INSUFFICIENT, sentence)


def test_predictions_that_no_night_could_move_far_enough_are_no_evidence(
    watched: Definition, reigning: Stores, tables: dict[str, pa.Table]
) -> None:
    """24 rows against eight nights, at one false alarm in a century: whatever is predicted, it is not called quiet."""
    changed(tables, "conditions", "temperature", NIGHT, lambda values: np.minimum(values + 20, 35))
    monitoring = watched.monitoring.model_copy(update={"false_alarms_per_year": 0.01})
    found = said(measured(watched.model_copy(update={"monitoring": monitoring}), reigning), "prediction_drift")
    assert found.state is INSUFFICIENT
    assert found.sentence.startswith("no night of 24 rows could alarm: prediction PSI reaches ")
    assert found.sentence.endswith("labels: evaluation.holdout) or more rows a night would tell")
    assert found.value is not None


def test_a_night_that_is_a_data_fault_is_held_against_nothing_but_its_labels_come(
    watched: Definition, reigning: Stores, tables: dict[str, pa.Table]
) -> None:
    """Promise 18."""
    changed(tables, "conditions", "temperature", NIGHT, lambda values: values + 273.15)
    found = measured(watched, reigning)
    assert {signal.kind for signal in found.signals} == {"decay", "baseline", "label_drift"}


def test_predictions_are_counted_from_the_ledger_where_the_receipt_does_not_name_them(
    watched: Definition, reigning: Stores
) -> None:
    """The same measurement, as where a night is decided again without its receipt."""
    snapshot, validation, predicted = scored(watched, reigning, NIGHT)
    given: dict[str, Any] = {"snapshot": snapshot, "validation": validation}
    bare = predicted.model_copy(update={"outlook": None, "profile": None})
    expected = measure(watched, night(NIGHT), reigning, **given, predicted=predicted)
    assert measure(watched, night(NIGHT), reigning, **given, predicted=bare) == expected
