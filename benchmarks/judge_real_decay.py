"""Real decay: champions that were fitted once, on sets whose break is known.

- *uk_daily_flights*: one row a day. A mean for each weekday of eight weeks, evaluated on the four weeks from 27 January 2020,
  watched from then on. In March flights stopped.
- *bank_marketing*: a logistic regression on the calls until 27 July 2008, evaluated on the four weeks after, watched from then
  on. From late 2008 the share of calls that succeed rises.
- *nannyml_ma_employment*: a model and its predictions as published, by the Brier score; 5 000 rows a chunk, each of which
  counts as 27 days. Evaluated on 2015. The ranking falls in chunks 27 and 28 of those that follow, counted from 0.

One false alarm a year, of which decay has a half; 5 % above the evaluated loss is tolerated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression

from perennial.core.interval import Interval
from perennial.core.receipts import NightLoss, Role, Signal, SignalState
from perennial.monitoring.loss.decay import Evaluated, decay
from perennial.monitoring.loss.losses import slice_losses
from perennial.monitoring.psi import Counts, Floats

TOLERANCE, MINIMUM = 0.05, 20
DAY, YEAR = timedelta(days=1), timedelta(days=365.25)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHUTDOWN = date(2020, 3, 16)
CHUNK, CHUNK_DAYS, BROKEN = 5000, 27, (27, 28)
FEATURES = ("age", "balance", "campaign", "pdays", "previous")
ABSENT = "- Not measured: no folder with the sets was named (`make judge DATA=folder`)."


def report(_: int, data: Path | None, say: Callable[[str], None]) -> list[str]:
    """Return what is found in each set that is there."""
    if data is None or not data.is_dir():
        return [ABSENT]
    lines = []
    for name, find in (("uk_daily_flights", flights), ("bank_marketing", bank), ("nannyml_ma_employment", employment)):
        if (data / f"{name}.parquet").is_file():
            lines.append(f"- *{name}*: {find(data / f'{name}.parquet')}")
            say(lines[-1])
    return lines


def flights(path: Path) -> str:
    """Return when the first alarm comes."""
    day, daily = _columns(path, "ts", "flights")
    weekday = day.astype(np.int64) % 7
    learnt = _between(day, date(2019, 12, 2), date(2020, 1, 27))
    means = np.array([daily[learnt & (weekday == each)].mean() for each in range(7)])
    found = _first_alarm(day, np.abs(daily - means[weekday]), date(2020, 1, 27), date(2020, 2, 24))
    if found is None:
        return "no alarm, **missed**"
    late = (found[0] - SHUTDOWN).days
    apart = f"{abs(late)} days {'after' if late >= 0 else 'before'} {SHUTDOWN:%d %B %Y}"
    return f"first alarm on {found[0]}, {apart}, {_met(abs(late) <= 7)} (within 7 days). {found[1].sentence}"


def bank(path: Path) -> str:
    """Return when the first alarm comes."""
    day, succeeded, *features = _columns(path, "ts", "y", *FEATURES)
    rows = np.column_stack([np.sign(each) * np.log1p(np.abs(each)) for each in features])
    learnt = _between(day, date(2008, 1, 1), date(2008, 7, 28))
    model = LogisticRegression(max_iter=500).fit(rows[learnt], succeeded[learnt])
    chance = np.clip(model.predict_proba(rows)[:, 1], 1e-15, 1 - 1e-15)
    losses = -(succeeded * np.log(chance) + (1 - succeeded) * np.log1p(-chance))
    found = _first_alarm(day, losses, date(2008, 7, 28), date(2008, 8, 25))
    return "no alarm, **missed**" if found is None else f"first alarm on {found[0]}. {found[1].sentence}"


def employment(path: Path) -> str:
    """Return in which chunks decay alarms."""
    part = pq.read_table(path, columns=["partition"])["partition"].to_numpy()
    label, chance = _columns(path, "employed", "predicted_probability")
    before, after = ((label - chance)[part == which] ** 2 for which in ("reference", "analysis"))
    known, length = _evaluated(before, np.arange(before.size) // CHUNK), CHUNK_DAYS * DAY
    chunks = [_night(EPOCH + i * length, length, after[i * CHUNK : (i + 1) * CHUNK]) for i in range(after.size // CHUNK)]
    found = [i for i, signal in enumerate(_judged(chunks, known)) if signal.state is SignalState.ALARM]
    good = set(BROKEN) <= set(found) and len(found) <= len(BROKEN) + 1
    said = ", ".join(map(str, found)) or "none"
    return f"of {len(chunks)} chunks alarms in {said}, {_met(good)} (27, 28 and at most one other)"


def _columns(path: Path, *names: str) -> list[Floats]:
    """Return columns as numbers; moments in days since 1970."""
    table = pq.read_table(path, columns=list(names))
    found = (table[name].to_numpy() for name in names)
    return [
        one.astype("datetime64[us]").astype(np.int64) / 86_400e6 if one.dtype.kind == "M" else one.astype(np.float64)
        for one in found
    ]


def _between(day: Floats, first: date, end: date) -> np.ndarray:
    return (day >= _number(first)) & (day < _number(end))


def _number(day: date) -> int:
    return (day - EPOCH.date()).days


def _night(start: datetime, length: timedelta, losses: Floats) -> NightLoss:
    return NightLoss(
        interval=Interval(start, start + length),
        role=Role.CHAMPION,
        version="champion",
        predicted=losses.size,
        labelled=losses.size,
        loss=float(losses.mean()),
        square=float((losses**2).mean()),
    )


def _evaluated(losses: Floats, nights: Counts) -> Evaluated:
    """Return what a holdout says of a loss."""
    return slice_losses(losses, nights, {"all": ["rows"] * losses.size}, minimum_rows=1)["all=rows"].evaluated


def _judged(nights: Sequence[NightLoss], known: Evaluated) -> Iterator[Signal]:
    """Yield what is said each night of all nights so far."""
    alpha = 0.5 / (YEAR / nights[0].interval.length)
    for end in range(1, len(nights) + 1):
        yield decay(nights[:end], evaluated=known, tolerance=TOLERANCE, alpha=alpha, minimum_labels=MINIMUM)


def _first_alarm(day: Floats, losses: Floats, first: date, end: date) -> tuple[date, Signal] | None:
    """Return the day of the first alarm after an evaluation from *first* to *end*, and what is said on it."""
    held, later, whole = _between(day, first, end), day >= _number(end), np.floor(day)
    nights = [_night(EPOCH + int(one) * DAY, DAY, losses[whole == one]) for one in np.unique(whole[later])]
    for night, signal in zip(nights, _judged(nights, _evaluated(losses[held], whole[held].astype(np.int64))), strict=True):
        if signal.state is SignalState.ALARM:
            return night.interval.start.date(), signal
    return None


def _met(good: bool) -> str:
    return "met" if good else "**missed**"
