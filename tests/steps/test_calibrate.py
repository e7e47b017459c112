"""What settings would have done on past nights, and what is said about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from perennial.core.interval import Interval
from perennial.core.receipts import ALL, Evaluation, Measurement, NightLoss, Purpose, Role, Signal, SignalState
from perennial.definition.models import Definition
from perennial.monitoring.counting.profile import profile
from perennial.monitoring.counting.reference import reference_profile
from perennial.ports import Stores
from perennial.steps.calibrate import Calibration, calibrate
from perennial.steps.measuring.raised import Raised
from perennial.steps.measuring.recommended import recommended
from perennial.testing.story import Story, day, night

Define = Callable[..., Definition]
COLUMNS = ("temperature", "humidity", "wet")
SIZE = 100
TRAINED = 28


def rows(rng: np.random.Generator, moved: float = 0.0) -> pa.Table:
    """Return a night's rows; nights differ a little from each other."""
    mean = rng.normal(scale=0.1, size=3) + np.array([moved, 0, 0])
    return pa.table({name: rng.normal(loc=mean[i], size=SIZE) for i, name in enumerate(COLUMNS)})


def lived(definition: Definition, stores: Stores, moved: Sequence[float], *, loss: float = 0.3) -> None:
    """Let a champion live through a night for each of *moved*, by which its temperature is higher, in standard deviations."""
    story, ledger, rng = Story(model=definition.name), stores.ledger, np.random.default_rng(0)
    trained = pa.concat_tables([rows(rng) for _ in range(TRAINED)])
    known = reference_profile(trained, numeric=COLUMNS, nights=19_750 + np.repeat(np.arange(TRAINED), SIZE))
    ledger.record(story.snapshot(0, Purpose.TRAIN))
    ledger.record(story.validation(0, Purpose.TRAIN))
    ledger.record(story.version(0).model_copy(update={"profile": stores.artifacts.put(known.to_json())}))
    ledger.record(story.evaluation(0))
    ledger.promote(story.promotion(1, 0))
    for number, by in enumerate(moved, start=1):
        story.keep_night(ledger, number)
        counts = profile(known.edges, rows(rng, by))
        lost = NightLoss(
            interval=night(number),
            role=Role.CHAMPION,
            version=story.version(0).id,
            predicted=SIZE,
            labelled=SIZE,
            loss=loss * rng.uniform(0.9, 1.1),
            square=2 * loss**2,
        )
        measured = {"profile": stores.artifacts.put(counts.to_json()), "drift": (), "losses": (lost,)}
        ledger.record(story.measurement(number).model_copy(update=measured))


def rates(found: Calibration) -> dict[str, tuple[float, float]]:
    """Return the alarms a year by setting, as they were and without drift."""
    return {one.setting: (one.as_they_were, one.without_drift) for one in found.settings}


@pytest.fixture
def quiet(definition: Definition, stores: Stores) -> Stores:
    """Stores with sixty nights in which nothing moved."""
    lived(definition, stores, [0.0] * 60)
    return stores


def test_without_drift_the_budget_is_kept_and_plain_thresholds_are_not(definition: Definition, quiet: Stores) -> None:
    """Nights of a hundred rows are above a PSI of 0.1 by chance every other night."""
    found = calibrate(definition, ALL, quiet)
    assert (found.nights, found.champions, found.columns, found.tests) == (60, 1, 3, 4)
    budget, tenth = found.settings[0], found.settings[1]
    assert (budget.setting, budget.as_they_were, budget.dealt) == ("budget", 0.0, 1200)
    assert budget.at_least <= definition.monitoring.false_alarms_per_year
    assert (tenth.setting, tenth.as_they_were > 100, tenth.without_drift > 100) == ("PSI 0.1", True, True)
    said = recommended(definition, found)
    assert said.startswith("Keep the budget: without drift it alarms 0.")
    assert "where PSI 0.25 does" in said


def test_shifts_are_told_for_each_setting(definition: Definition, quiet: Stores) -> None:
    """A stricter threshold sees less."""
    found = calibrate(definition, ALL, quiet)
    assert [one.column for one in found.shifts] == list(COLUMNS)
    for one in found.shifts:
        shift = [one.shift[f"PSI {psi:g}"] or 9.0 for psi in (0.1, 0.2, 0.25)]
        assert shift == sorted(shift)
        assert 0.5 < (one.shift["budget"] or 9.0) < 2


def test_the_delay_of_decay_counts_the_days_that_labels_take(definition: Definition, quiet: Stores) -> None:
    """The nights until enough of them are in, and the day that the last one's labels take."""
    found = calibrate(definition, ALL, quiet).delays
    assert [one.increase for one in found] == [0.1, 0.25, 0.5, 1.0]
    assert [(one.days or 0.0) - (one.nights or 0) for one in found[1:]] == [1.0] * 3
    nights = [one.nights or 0 for one in found[1:]]
    assert nights == sorted(nights, reverse=True)


def test_inputs_that_move_are_seen_as_they_were_and_not_when_nights_are_dealt(define: Define, stores: Stores) -> None:
    """Half of the nights are one and a half deviations warmer: alarms, but no false ones; and drift should not retrain."""
    definition = define(retraining={"causes": ["decay", "drift"]})
    lived(definition, stores, [0.0] * 30 + [1.5] * 30)
    found = calibrate(definition, ALL, stores)
    were, dealt = rates(found)["budget"]
    assert were > 150
    assert dealt < 5
    assert recommended(definition, found).startswith("Take drift out of retraining.causes: inputs alarmed ")
    assert recommended(define(), found).startswith("Keep the budget: ")


def test_a_plain_threshold_of_the_definition_is_tried_and_judged(define: Define, stores: Stores) -> None:
    """It stands first among its like, and goes where the budget alarms less."""
    definition = define(monitoring={"threshold": {"psi": 0.15}})
    lived(definition, stores, [0.0] * 40)
    found = calibrate(definition, ALL, stores)
    assert [one.setting for one in found.settings] == ["budget", "PSI 0.15", "PSI 0.1", "PSI 0.2", "PSI 0.25"]
    assert recommended(definition, found).startswith("Take monitoring.threshold out, so that the budget decides: ")
    loose = define(monitoring={"threshold": {"psi": 5.0}})
    assert recommended(loose, calibrate(loose, ALL, stores)) == (
        "Keep the threshold, PSI 5: without drift it alarms 0.0 times a year, where the budget does 0.0 times."
    )


def test_calibrating_reads_no_source_and_writes_nothing(definition: Definition, quiet: Stores) -> None:
    """Counts are enough."""

    def nobody(_: str) -> Any:
        raise AssertionError("the source was read")

    before = (quiet.artifacts.digests(), quiet.ledger.history(Measurement, definition.name))
    kept = sorted(digest for digest, _ in before[0])
    blind = Stores(
        source=nobody,
        artifacts=quiet.artifacts,
        ledger=quiet.ledger,
        signing_key=quiet.signing_key,
        scratch=quiet.scratch,
        workshop=quiet.workshop,
    )
    calibrate(definition, ALL, blind)
    assert sorted(digest for digest, _ in quiet.artifacts.digests()) == kept
    assert quiet.ledger.history(Measurement, definition.name) == before[1]


def test_a_column_that_is_read_no_more_is_left_out(define: Define, quiet: Stores) -> None:
    """Of nights that were counted over it as well, too."""
    narrow = define(features={"numeric": ["temperature", "humidity"]})
    found = calibrate(narrow, ALL, quiet)
    assert (found.nights, found.columns, [one.column for one in found.shifts]) == (60, 2, ["temperature", "humidity"])


def test_nights_that_were_counted_over_other_edges_are_left_out(definition: Definition, quiet: Stores) -> None:
    """Nobody can hold them against the reference."""
    story, other = Story(model=definition.name), rows(np.random.default_rng(1))
    edges = reference_profile(other, numeric=COLUMNS, nights=np.zeros(SIZE, np.int64)).edges
    digest = quiet.artifacts.put(profile(edges, other).to_json())
    for number in (59, 60):
        strange = quiet.ledger.get(Measurement, story.measurement(number).id).model_copy(
            update={"id": f"{number}", "profile": digest}
        )
        quiet.ledger.record(strange)
    assert calibrate(definition, ALL, quiet).nights == 58


def test_without_nights_there_is_nothing_to_say(definition: Definition, stores: Stores) -> None:
    """But what to do."""
    found = calibrate(definition, ALL, stores)
    assert (found.nights, found.settings, found.shifts, found.delays) == (0, (), (), ())
    assert recommended(definition, found) == "Gather more nights: 0 were counted under a champion, 7 are needed to say anything."


def test_without_labels_there_is_no_delay(definition: Definition, stores: Stores) -> None:
    """Six nights of them are too few."""
    lived(definition, stores, [0.0] * 6)
    assert calibrate(definition, ALL, stores).delays == ()
    assert stores.ledger.history(Evaluation, definition.name)


def test_a_night_that_was_measured_twice_counts_once(definition: Definition, quiet: Stores) -> None:
    """As it was measured last."""
    story = Story(model=definition.name)
    last = quiet.ledger.get(Measurement, story.measurement(60).id)
    again = last.model_copy(update={"id": "again", "interval": Interval(day(60), day(61))})
    quiet.ledger.record(again)
    assert calibrate(definition, ALL, quiet).nights == 60


def signalled(number: int, **states: SignalState) -> dict[str, Any]:
    """Return the change that gives a measurement of night *number* a signal of each kind in a state."""
    names = {"decay": "decay", "drift": "drift", "prediction_drift": "prediction drift"}
    return {
        "id": f"signalled-{number}",
        "signals": tuple(
            Signal(name=names[kind], kind=kind, state=state, value=1.0, threshold=2.0, n=9, sentence="It was measured.")
            for kind, state in states.items()
        ),
    }


def test_every_signal_that_can_alarm_has_a_line_and_the_total_the_budget(define: Define, stores: Stores) -> None:
    """An alarm that stands for three nights is one; what could not speak is no zero; what was never measured is no zero either."""
    definition = define(evaluation={"slices": ["wet"]})
    lived(definition, stores, [0.0] * 10)
    for number in range(1, 11):
        decay = SignalState.ALARM if number in {3, 4, 5, 9} else SignalState.QUIET
        drift = SignalState.ALARM if number in {5, 6} else SignalState.INSUFFICIENT if number < 3 else SignalState.QUIET
        changes = signalled(number, decay=decay, drift=drift, prediction_drift=SignalState.INSUFFICIENT)
        measured = stores.ledger.history(Measurement, definition.name, within=night(number))[-1]
        stores.ledger.record(measured.model_copy(update=changes))
    found = {one.signal: one for one in calibrate(definition, ALL, stores).raised}
    assert list(found) == [
        *("decay", "baseline", "decay of slices", "estimated loss", "drift", "prediction drift", "label drift"),
        *("all columns together", "any of them"),
    ]
    assert found["decay"] == Raised(signal="decay", nights=10, on_nights=4, alarms=2, a_year=365.25 * 2 / 10)
    assert found["drift"] == Raised(signal="drift", nights=8, on_nights=2, alarms=1, a_year=365.25 / 8)
    for mute in ("prediction drift", "label drift", "baseline", "decay of slices"):
        assert found[mute] == Raised(signal=mute, nights=0, on_nights=0, alarms=0, a_year=None)
    total = found["any of them"]
    assert (total.nights, total.on_nights, total.alarms, total.a_year) == (10, 5, 2, 365.25 * 2 / 10)


def test_what_a_definition_does_not_ask_for_has_no_line(define: Define, stores: Stores) -> None:
    """Slices that are not named, and all columns together where that is off."""
    definition = define(monitoring={"multivariate": False})
    lived(definition, stores, [0.0] * 3)
    signals = {one.signal for one in calibrate(definition, ALL, stores).raised}
    assert not {"decay of slices", "all columns together"} & signals
