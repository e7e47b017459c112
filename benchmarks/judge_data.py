"""Real rows: nights whose rows were shuffled, and nights as they came.

Shuffled over the whole set, the rows of all nights are alike, and every alarm is false: 60 nights are the reference, the 60
after them are looked at, and then all is shuffled anew. *At 5 %*: nothing is tolerated. *All columns together* is the
classifier, which tells a night's rows from the reference's. As they came, the first nights are the reference and nothing is
ever retrained: seasons, growth and events move the inputs, which is why drift alone is no reason to retrain unless a definition
says so. *Could alarm*: in how many columns, of all, any night of as many rows could have alarmed at what a definition has, in the
mean over the nights; the others are mute, and no alarm of theirs means nothing. Bold is what lies beyond the 99.9 % quantile of
the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from judge_nights import alarms, allowed, cell
from judge_quiet import BUDGET, LEVEL

from perennial.monitoring.counting.profile import profile
from perennial.monitoring.counting.reference import Reference, reference_profile
from perennial.monitoring.holm import holm_level
from perennial.monitoring.psi import Counts
from perennial.monitoring.shift.drift import Moved, moved_columns
from perennial.monitoring.shift.two_sample import two_sample

SHIFT, MINIMUM = 0.2, 20
REFERENCE, LOOKED_AT = 60, 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR = 365.25
ABSENT = "- Not measured: no folder with the sets was named (`make judge DATA=folder`)."


@dataclass(frozen=True)
class Real:
    """A set of rows in time order.

    Attributes:
        name: Of the file.
        numeric: Columns of numbers.
        categorical: Columns of a limited number of values.
        days: How many days a night has, so that it has enough rows.
    """

    name: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    days: int = 1

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns."""
        return (*self.numeric, *self.categorical)

    def rows(self, folder: Path) -> tuple[pa.Table, Counts]:
        """Return the rows, and the number of each one's night: of its first day since 1970-01-01."""
        found = pq.read_table(folder / f"{self.name}.parquet", columns=["ts", *self.columns])
        day = pc.cast(pc.cast(found["ts"], pa.date32()), pa.int32()).to_numpy().astype(np.int64)
        return found.select(self.columns), day // self.days * self.days


SETS = (
    Real("bike_hourly", ("temp", "atemp", "hum", "windspeed"), ("weathersit", "workingday", "hr")),
    Real("nyc_taxi_halfhourly", ("passengers",), ()),
    Real(
        "chicago_taxi",
        ("fare", "trip_miles", "trip_seconds", "pickup_latitude", "pickup_longitude", "dropoff_latitude"),
        ("payment_type", "company", "trip_start_hour", "pickup_community_area"),
        days=7,
    ),
    Real("beijing_pm25", ("DEWP", "TEMP", "PRES", "Iws", "Is", "Ir"), ("cbwd",)),
)


def report(trials: int, data: Path | None, say: Callable[[str], None]) -> list[str]:
    """Return the tables of the sets that are there."""
    if data is None or not data.is_dir():
        return [ABSENT]
    there = [one for one in SETS if (data / f"{one.name}.parquet").is_file()]
    return [*_shuffled(there, trials, data, say), "", *_as_they_came(there, data, say)]


def _shuffled(there: list[Real], trials: int, data: Path, say: Callable[[str], None]) -> list[str]:
    lines = [
        "| shuffled | nights | columns at 5 % | as a definition has it | allowed | could alarm | nights | all together at 5 % |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for place, one in enumerate(there):
        strict, usual, able, told, nights, asked = 0, 0, 0, 0, 0, 0
        for reference, number, night, rows in _nights(one, data, np.random.default_rng([6, place]), trials):
            exact, tolerant = (_moved(one, reference, night, number, shift) for shift in (0.0, SHIFT))
            strict, usual = strict + alarms(exact.p_values, LEVEL), usual + alarms(tolerant.p_values, BUDGET)
            able, nights = able + _able(tolerant), nights + 1
            if not nights % 4:
                told, asked = told + (_told(one, rows, night, nights) <= LEVEL), asked + 1
        lines.append(
            f"| {one.name} | {nights} | {cell(strict, nights, LEVEL)} % | {usual} | {allowed(nights, BUDGET)} | "
            f"{_of(able, nights, one)} | {asked} | {cell(told, max(asked, 1), LEVEL)} % |"
        )
        say(lines[-1])
    return lines


def _nights(
    one: Real, data: Path, rng: np.random.Generator, trials: int
) -> Iterator[tuple[Reference, int, pa.Table, tuple[pa.Table, Counts]]]:
    """Yield reference, number, rows of the night, and rows of the reference with their nights."""
    table, number = one.rows(data)
    known, sizes = np.unique(number, return_counts=True)
    ends = np.cumsum(sizes)
    left = trials
    while left > 0:
        shuffled = table.take(pa.array(rng.permutation(table.num_rows)))
        first = shuffled.slice(0, ends[REFERENCE - 1]), number[: ends[REFERENCE - 1]]
        reference = _reference(one, *first)
        for place in range(REFERENCE, min(REFERENCE + LOOKED_AT, known.size, REFERENCE + left)):
            if sizes[place] >= MINIMUM:
                yield reference, int(known[place]), shuffled.slice(ends[place] - sizes[place], sizes[place]), first
                left -= 1


def _reference(one: Real, rows: pa.Table, nights: Counts) -> Reference:
    return reference_profile(rows, numeric=one.numeric, categorical=one.categorical, nights=nights)


def _moved(one: Real, reference: Reference, night: pa.Table, number: int, shift: float) -> Moved:
    day = number if one.days == 1 else None
    counted = profile(reference.edges, night)
    return moved_columns(reference, counted, input_shift=shift, minimum_rows=MINIMUM, number=day)


def _able(moved: Moved) -> int:
    """Return in how many columns any night of as many rows could alarm at what a definition has."""
    columns, _ = moved.judged(holm_level(moved.p_values, BUDGET))
    return sum(not (column.beside and column.beside.mute) for column in columns)


def _of(able: int, nights: int, one: Real) -> str:
    return f"{able / max(nights, 1):.1f} of {len(one.columns)}"


def _told(one: Real, rows: tuple[pa.Table, Counts], night: pa.Table, seed: int) -> float:
    found = two_sample(rows[0], rows[1], night, numeric=one.numeric, categorical=one.categorical, shift=0.0, seed=seed)
    return found.p_value if found else 1.0


def _as_they_came(there: list[Real], data: Path, say: Callable[[str], None]) -> list[str]:
    lines = [
        "| as they came | reference | nights after it | could alarm | alarms | alarms a year | first |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for one in there:
        table, number = one.rows(data)
        known, sizes = np.unique(number, return_counts=True)
        ends = np.cumsum(sizes)
        for length in (REFERENCE, round(YEAR / one.days) + 1):
            if known.size < length + REFERENCE / one.days:
                continue
            reference = _reference(one, table.slice(0, ends[length - 1]), number[: ends[length - 1]])
            places = [place for place in range(length, known.size) if sizes[place] >= MINIMUM]
            nights = {int(known[place]): table.slice(ends[place] - sizes[place], sizes[place]) for place in places}
            looked = {day: _moved(one, reference, night, day, SHIFT) for day, night in nights.items()}
            found = [day for day, moved in looked.items() if alarms(moved.p_values, BUDGET)]
            able = _of(sum(map(_able, looked.values())), len(looked), one)
            a_year = f"{len(found) / len(nights) * YEAR / one.days:.0f}"
            first = f"{EPOCH + timedelta(days=found[0]):%Y-%m-%d}" if found else ""
            words = f"{length} nights" if one.days == 1 else f"{length} weeks"
            lines.append(f"| {one.name} | {words} | {len(nights)} | {able} | {len(found)} | {a_year} | {first} |")
            say(lines[-1])
    return lines
