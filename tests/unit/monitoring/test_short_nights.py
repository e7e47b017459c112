"""Nights shorter than a day are held against nights at the same time of the day."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from perennial.monitoring.counting.profile import profile
from perennial.monitoring.counting.reference import Reference, reference_profile
from perennial.monitoring.psi import Counts, Floats
from perennial.monitoring.shift.drift import moved_columns
from perennial.monitoring.shift.season import season

DAYS, HOURS, ROWS = 30, 24, 100
A_YEAR = 365.25 * HOURS


def hours(rng: np.random.Generator, numbers: Counts) -> Floats:
    """Return rows of the hours with these *numbers*, shape (hours, rows): the mean swings by a deviation over the day."""
    return np.sin(2 * np.pi * numbers / HOURS)[:, None] + rng.normal(size=(numbers.size, ROWS))


def learned(rng: np.random.Generator, days: int = DAYS) -> Reference:
    """Return the reference of so many days of hours."""
    numbers = np.arange(days * HOURS)
    rows = pa.table({"x": hours(rng, numbers).ravel()})
    return reference_profile(rows, numeric=["x"], nights=np.repeat(numbers, ROWS), nights_a_day=HOURS)


def days_after(rng: np.random.Generator, reference: Reference, days: int, moved: float = 0.0) -> Iterator[float]:
    """Yield the p-value of each hour of the *days* after the reference."""
    numbers = np.arange(DAYS * HOURS, (DAYS + days) * HOURS)
    for number, values in zip(numbers.tolist(), hours(rng, numbers), strict=True):
        night = profile(reference.edges, pa.table({"x": values + moved}))
        [column] = moved_columns(reference, night, input_shift=0.0, minimum_rows=20, number=number).columns
        yield column.p_values[0]


def test_hours_of_a_day_that_swings_alarm_no_more_often_than_the_budget() -> None:
    """Nothing is tolerated, at a level of 1 %; three days after each of two references."""
    rng = np.random.default_rng(1)
    found = [p for _ in range(2) for p in days_after(rng, learned(rng), 3)]
    assert np.count_nonzero(np.array(found) <= 0.01) <= stats.binom.ppf(0.999, len(found), 0.01)


def test_an_hour_that_moved_is_found() -> None:
    """By one standard deviation, as far as the mean swings anyway; by the level of half a false alarm a year."""
    rng = np.random.default_rng(2)
    found = np.array(list(days_after(rng, learned(rng), 2, moved=1.0)))
    assert np.mean(found <= 0.5 / A_YEAR) > 0.9


@pytest.mark.parametrize(
    ("days", "words"),
    [(28, "4 Thursdays at the same time of the day"), (20, "20 nights at the same time of the day"), (3, "")],
)
def test_an_hour_is_held_against_its_own(days: int, words: str) -> None:
    """Of the same weekday where there are four; else of all days, and where these are less than four, against all hours."""
    found = season(range(days * HOURS), 28 * HOURS + 5, HOURS)
    assert found.words == words
    assert {number % HOURS for number in found.alike.tolist()} == ({5} if words else set(range(HOURS)))
    assert found.peers.size == days * HOURS


def test_of_more_than_a_year_an_hour_is_held_against_the_same_part_of_it() -> None:
    """45 days before and after the date, in either year."""
    found = season(range(730 * HOURS), 730 * HOURS + 5, HOURS)
    assert found.words == "26 Saturdays at the same time of the day within 45 days of the same date"
    assert {number % HOURS for number in found.alike.tolist()} == {5}


def test_what_one_day_held_in_all_its_hours_says_no_more_than_one_night() -> None:
    """A column that has another value each day is no news on the next day, in none of its hours."""
    numbers = np.repeat(np.arange(DAYS * HOURS), 10)
    rows = pa.table({"batch": pa.array([f"of day {number // HOURS}" for number in numbers])})
    reference = reference_profile(rows, categorical=["batch"], nights=numbers, nights_a_day=HOURS)
    assert reference.nights[0].counts["batch"][reference.edges.columns[0].ordinary] == 10
    night = profile(reference.edges, pa.table({"batch": ["of day 30"] * 10}))
    [column] = moved_columns(reference, night, input_shift=0.2, minimum_rows=5, number=DAYS * HOURS).columns
    assert min(column.p_values) > 0.1


def test_hours_of_a_few_days_do_not_show_how_days_differ() -> None:
    """Where seven nights are needed for an answer, so many days are."""
    reference = learned(np.random.default_rng(3), days=6)
    night = reference.nights[0]
    found = moved_columns(reference, night, input_shift=0.2, minimum_rows=20, number=6 * HOURS, needed_nights=7)
    assert found.why_not == "6 days of the reference have 20 rows, 7 needed to know how days differ"


def test_a_reference_keeps_how_it_cuts_a_day() -> None:
    """A record of whole days has not changed, and has one night a day."""
    made = {
        a_day: reference_profile(pa.table({"x": [1.0, 2.0]}), numeric=["x"], nights=np.array([0, 25]), nights_a_day=a_day)
        for a_day in (1, HOURS)
    }
    assert [Reference.from_json(one.to_json()).nights_a_day for one in made.values()] == [1, HOURS]
    assert [b"nights_a_day" in one.to_json() for one in made.values()] == [False, True]
    assert made[HOURS].only(lambda edges: edges.name == "y").nights_a_day == HOURS
