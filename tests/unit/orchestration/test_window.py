"""The window of a run: parameters, else data interval, else schedule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.core.interval import Interval, moment
from perennial.core.receipts import Purpose
from perennial.definition.calendar import last_interval
from perennial.definition.models import Definition
from perennial.orchestration.window import Run, Window, window

Scheduled = Callable[..., Definition]
SCORE, TRAIN = Purpose.SCORE, Purpose.TRAIN


@pytest.fixture
def definition(bikes: dict[str, Any]) -> Scheduled:
    """The model, retrained on Mondays unless a test schedules it otherwise."""

    def scheduled(**schedule: Any) -> Definition:
        return Definition.model_validate({**bikes, "schedule": {**bikes["schedule"], "retrain": "0 4 * * 1", **schedule}})

    return scheduled


def _interval(text: str) -> tuple[datetime, datetime]:
    interval = Interval.parse(text)
    return interval.start, interval.end


def test_explicit_parameters_come_before_the_data_interval(definition: Scheduled) -> None:
    """A person's interval wins over the one that Airflow gave the run."""
    conf = {"interval_start": "2024-05-01T02:00:00+02:00", "interval_end": "2024-05-02"}
    run = Run(conf=conf, data_interval=_interval("2024-06-01/2024-06-02"), run_after=moment("2024-06-02"))

    found = window(definition(), run, SCORE)

    assert found == Window(Interval.parse("2024-05-01T00:00/2024-05-02"), moment("2024-05-02"))


def test_a_scheduled_night_has_its_data_interval(definition: Scheduled) -> None:
    """Without parameters the data interval is the night, and its end the cut-off."""
    run = Run(conf={}, data_interval=_interval("2024-06-01T02:00/2024-06-02T02:00"), run_after=moment("2024-06-02T02:00"))

    assert window(definition(), run, SCORE) == Window(
        Interval.parse("2024-06-01T02:00/2024-06-02T02:00"), moment("2024-06-02T02:00")
    )


def test_a_data_interval_without_width_counts_as_none(definition: Scheduled) -> None:
    """Airflow gives some runs an interval of no width; the schedule then says which night had ended."""
    run = Run(conf={}, data_interval=_interval_at("2024-06-02T10:30"), run_after=moment("2024-06-02T10:30"))

    assert window(definition(), run, SCORE).interval == Interval.parse("2024-06-01T02:00/2024-06-02T02:00")


def _interval_at(text: str) -> tuple[datetime, datetime]:
    return moment(text), moment(text)


def test_a_run_without_any_interval_covers_the_last_night_that_had_ended(definition: Scheduled) -> None:
    """A run at the very tick covers the night that ends there."""
    run = Run(conf={}, run_after=moment("2024-06-02T02:00"))

    assert window(definition(), run, SCORE).interval == Interval.parse("2024-06-01T02:00/2024-06-02T02:00")


def test_the_last_night_is_that_of_the_local_clock(definition: Scheduled) -> None:
    """Across the change to summer time a night in Berlin has 23 hours."""
    run = Run(conf={}, run_after=datetime(2024, 3, 31, 12, tzinfo=UTC))

    night = window(definition(timezone="Europe/Berlin", score="0 4 * * *"), run, SCORE).interval

    assert (night.hours, night.end) == (23.0, moment("2024-03-31T02:00"))


def test_as_of_is_taken_from_the_parameters(definition: Scheduled) -> None:
    """A night can be scored again with what became known later."""
    run = Run(conf={"as_of": "2024-06-09"}, data_interval=_interval("2024-06-01/2024-06-02"))

    assert window(definition(), run, SCORE) == Window(Interval.parse("2024-06-01/2024-06-02"), moment("2024-06-09"))


def test_empty_parameters_count_as_none(definition: Scheduled) -> None:
    """The form of the user interface sends every parameter, also those that were left empty."""
    conf: dict[str, object] = {"interval_start": None, "interval_end": "", "as_of": None}
    run = Run(conf=conf, data_interval=_interval("2024-06-01/2024-06-02"))

    assert window(definition(), run, SCORE).interval == Interval.parse("2024-06-01/2024-06-02")


def test_a_scheduled_retraining_sees_the_window_that_ends_with_its_data_interval(definition: Scheduled) -> None:
    """The data interval of a weekly run is a week; what is trained on is the definition's 60 days before its end."""
    run = Run(conf={}, data_interval=_interval("2024-06-03T04:00/2024-06-10T04:00"), scheduled=True)

    assert window(definition(), run, TRAIN) == Window(
        Interval.parse("2024-04-11T04:00/2024-06-10T04:00"), moment("2024-06-10T04:00")
    )


def test_the_cut_off_of_a_request_ends_the_training_window(definition: Scheduled) -> None:
    """A run that was rung for is told its cut-off."""
    run = Run(conf={"as_of": "2024-06-12T02:00:00Z", "request": "abc", "reason": "decay"}, run_after=moment("2026-01-01"))

    assert window(definition(), run, TRAIN) == Window(
        Interval.parse("2024-04-13T02:00/2024-06-12T02:00"), moment("2024-06-12T02:00")
    )


@pytest.mark.parametrize("retrain", ["0 4 * * 1", "0 4 1 * *", None])
def test_a_retraining_by_hand_knows_what_the_last_night_knew(definition: Scheduled, retrain: str | None) -> None:
    """Whatever the retraining schedule is: Airflow gives a run by hand the last interval of it, which may end a month ago."""
    run = Run(conf={}, data_interval=_interval("2024-05-01T04:00/2024-06-01T04:00"), run_after=moment("2024-06-12T09:00"))

    assert window(definition(retrain=retrain), run, TRAIN) == Window(
        Interval.parse("2024-04-13T02:00/2024-06-12T02:00"), moment("2024-06-12T02:00")
    )


def test_a_run_by_hand_after_the_schedule_ended_covers_its_last_night(definition: Scheduled) -> None:
    """As it does from the command line."""
    run = Run(conf={}, run_after=moment("2025-01-01"))

    assert window(definition(end="2024-06-12"), run, SCORE).interval == Interval.parse("2024-06-10T02:00/2024-06-11T02:00")
    assert window(definition(end="2024-06-12"), run, TRAIN).as_of == moment("2024-06-11T02:00")


def test_a_run_without_interval_and_schedule_is_refused(definition: Scheduled) -> None:
    """Nothing says which night is meant."""
    with pytest.raises(DataError) as caught:
        window(definition(), Run(conf={}), SCORE)

    said = "bikes: has no data interval, and the schedule gives none; give interval_start and interval_end [RUN_NO_INTERVAL]"
    assert str(caught.value) == said


def test_half_an_interval_is_refused(definition: Scheduled) -> None:
    """Guessing the other end would be guessing."""
    with pytest.raises(DataError) as caught:
        window(definition(), Run(conf={"interval_start": "2024-06-01"}), SCORE)

    said = "bikes: needs interval_start and interval_end together, or neither; interval_end is missing [RUN_NO_INTERVAL]"
    assert str(caught.value) == said


def test_every_unknown_parameter_is_told_at_once(definition: Scheduled) -> None:
    """Airflow accepts unknown keys silently, and a misspelt one would be a run with another interval."""
    with pytest.raises(DataError) as caught:
        window(definition(), Run(conf={"interval_strat": "2024-06-01", "colour": "red"}), SCORE)

    assert str(caught.value) == (
        "bikes: 'interval_strat' is not a parameter of this run, did you mean 'interval_start'? [RUN_UNKNOWN_KEY]\n"
        "bikes: 'colour' is not a parameter of this run, must be one of interval_start, interval_end, as_of [RUN_UNKNOWN_KEY]"
    )


def test_an_empty_interval_is_refused(definition: Scheduled) -> None:
    """An interval must end after it starts."""
    with pytest.raises(DataError) as caught:
        window(definition(), Run(conf={"interval_start": "2024-06-02", "interval_end": "2024-06-02"}), SCORE)

    assert caught.value.code is Code.INTERVAL_EMPTY


def test_a_yearly_schedule_is_found_too() -> None:
    """However rare the ticks are, the last interval is the one between the last two."""
    assert last_interval("0 0 1 1 *", "UTC", moment("2024-06-01")) == Interval.parse("2023-01-01/2024-01-01")
