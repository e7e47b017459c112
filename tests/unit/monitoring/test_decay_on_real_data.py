"""Decay on data with real time and real change. It is no part of the project; where it is absent, these tests are skipped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression

from perennial.core.interval import Interval
from perennial.core.receipts import NightLoss, Role, Signal, SignalState
from perennial.monitoring.loss.decay import Evaluated, decay
from perennial.monitoring.loss.losses import slice_losses
from perennial.monitoring.psi import Counts, Floats

FOLDER = Path(os.environ.get("PERENNIAL_REAL_DATA") or Path(__file__).parents[4] / "shared" / "data")
DAY = timedelta(days=1)
YEAR = timedelta(days=365.25)
TOLERANCE = 0.05


def columns(name: str, *wanted: str) -> list[Floats]:
    """Return columns of a file as numbers; times in days since 1970. Skip the test where there is no such file."""
    path = FOLDER / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"there is no {path.name} in the folder of real data")
    table = pq.read_table(path, columns=list(wanted))
    found = (table.column(column).to_numpy() for column in wanted)
    return [
        values.astype("datetime64[us]").astype(np.int64) / 86_400e6 if values.dtype.kind == "M" else values.astype(np.float64)
        for values in found
    ]


def evaluated(losses: Floats, nights: Counts) -> Evaluated:
    """Return what a holdout says of a loss."""
    return slice_losses(losses, nights, {"all": ["rows"] * losses.size}, minimum_rows=1)["all=rows"].evaluated


def night(start: datetime, length: timedelta, losses: Floats) -> NightLoss:
    """Return a night whose labels have all come."""
    return NightLoss(
        interval=Interval(start, start + length),
        role=Role.CHAMPION,
        version="static",
        predicted=losses.size,
        labelled=losses.size,
        loss=float(losses.mean()),
        square=float((losses**2).mean()),
    )


def daily(days: Floats, losses: Floats) -> list[NightLoss]:
    """Return the nights of rows, each of one day."""
    whole = np.floor(days)
    start = datetime(1970, 1, 1, tzinfo=UTC)
    return [night(start + int(each) * DAY, DAY, losses[whole == each]) for each in np.unique(whole)]


def judged(nights: Sequence[NightLoss], known: Evaluated) -> list[Signal]:
    """Return what is said each night of all nights so far, where the loss has half of a budget of one false alarm a year."""
    alpha = 0.5 / (YEAR / nights[0].interval.length)
    ends = range(1, len(nights) + 1)
    return [decay(nights[:end], evaluated=known, tolerance=TOLERANCE, alpha=alpha, minimum_labels=20) for end in ends]


def number(day: date) -> int:
    """Return the number of a day since 1970."""
    return (day - date(1970, 1, 1)).days


def alarms(nights: Sequence[NightLoss], known: Evaluated) -> list[tuple[date, date]]:
    """Return each night with an alarm, and since when it says that the loss has risen."""
    said = zip(nights, judged(nights, known), strict=True)
    return [
        (each.interval.start.date(), signal.since.date())
        for each, signal in said
        if signal.state is SignalState.ALARM and signal.since is not None
    ]


def test_the_end_of_flying_is_seen_within_a_week() -> None:
    """One row a day: no drift test can speak. From 16 March 2020 on fewer and fewer flights; a model of weekdays alone."""
    days, flights = columns("uk_daily_flights", "ts", "flights")
    weekday = days.astype(np.int64) % 7
    learnt = (days >= number(date(2019, 12, 2))) & (days < number(date(2020, 1, 27)))
    held = (days >= number(date(2020, 1, 27))) & (days < number(date(2020, 2, 24)))
    later = (days >= number(date(2020, 2, 24))) & (days < number(date(2020, 4, 15)))
    means = np.array([flights[learnt & (weekday == each)].mean() for each in range(7)])
    losses = np.abs(flights - means[weekday])
    found = alarms(daily(days[later], losses[later]), evaluated(losses[held], days[held].astype(np.int64)))
    assert found[0] == (date(2020, 3, 21), date(2020, 3, 15))


def test_the_conversion_of_late_2008_is_seen() -> None:
    """Few calls a day from October on, and half of them convert where one in eighteen did: found on the eleventh such day."""
    names = ("ts", "y", "age", "balance", "campaign", "pdays", "previous")
    days, converted, *features = columns("bank_marketing", *names)
    start, middle, end = (number(each) for each in (date(2008, 7, 28), date(2008, 8, 25), date(2008, 12, 15)))
    rows = np.column_stack([np.sign(each) * np.log1p(np.abs(each)) for each in features])
    learnt, held, later = days < start, (days >= start) & (days < middle), (days >= middle) & (days < end)
    model = LogisticRegression(max_iter=500).fit(rows[learnt], converted[learnt])
    chance = np.clip(model.predict_proba(rows)[:, 1], 1e-15, 1 - 1e-15)
    losses = -(converted * np.log(chance) + (1 - converted) * np.log(1 - chance))
    found = alarms(daily(days[later], losses[later]), evaluated(losses[held], np.floor(days[held]).astype(np.int64)))
    assert found[0] == (date(2008, 10, 27), date(2008, 10, 17))


def test_the_two_chunks_in_which_a_model_of_employment_fails_are_found_and_no_other() -> None:
    """Chunks of 5000 rows, 27 days each, by the Brier score: those that NannyML's own account names, counted from 0."""
    y, chance = columns("nannyml_ma_employment", "employed", "predicted_probability")
    reference = 68_785
    losses, size = (y - chance) ** 2, 5000
    known = evaluated(losses[:reference], np.arange(reference) // size)
    start, length, analysed = datetime(2016, 1, 1, tzinfo=UTC), 27 * DAY, losses[reference:]
    chunks = [night(start + at * length, length, analysed[at * size : (at + 1) * size]) for at in range(analysed.size // size)]
    found = [at for at, signal in enumerate(judged(chunks, known)) if signal.state is SignalState.ALARM]
    assert found == [27, 28]
