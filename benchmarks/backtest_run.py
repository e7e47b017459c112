"""What the parts of the backtests' benchmark have in common: what is known of each set, and a backtest of one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sets

from perennial.backtest.backtest import backtest
from perennial.backtest.findings import Findings
from perennial.backtest.policies import Policy
from perennial.backtest.shelf import Shelf
from perennial.core.interval import Interval
from perennial.definition.calendar import midnight
from perennial.definition.models import Definition
from perennial.ports import Workshop
from perennial.testing import InlineWorkshop, MemorySource
from perennial.wiring import Reading, new_workshop

KEY = b"the key of benchmarks, 32 bytes."
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Known:
    """What is known of a set: where the first fifth of its rows ends, its figure, and what that is under three policies.

    *held* out are so many days where it is found again: as few as always have a row. The script did without some columns.
    """

    first: datetime
    figure: str
    never: float
    days: int | None
    periodic: float
    expanding: float | None
    held: int = 1
    without: tuple[str, ...] = ()


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T00:00:00+00:00")


KNOWN = {
    "bike_hourly": Known(_at("2011-05-29"), "mae", 71.6, 60, 36.3, 55.1),
    "elec2": Known(_at("1996-11-11"), "roc_auc", 0.691, 90, 0.821, 0.812),
    "bank_marketing": Known(_at("2008-06-05"), "roc_auc", 0.497, 90, 0.762, 0.746, held=3, without=("day", "month")),
    "metro_traffic": Known(_at("2013-10-24"), "mae", 308, None, 281, 281),
    "beijing_pm25": Known(_at("2011-01-01"), "mae", 50.5, None, 46.8, 46.8),
    "nyc_taxi_halfhourly": Known(_at("2014-08-13"), "mae", float("nan"), None, float("nan"), None),
}
"""From a script without labels that come late and without a holdout, each policy fitted on all rows up to the day."""


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Attributes:
        data: The folder with the sets.
        work: The folder for what is kept between calls.
        nights: So many nights of a set, from the first one on; None for all.
        beats: The periodic policies.
        usual: Whether all policies are tried that are tried where nobody says otherwise.
    """

    data: Path
    work: Path
    nights: int | None = None
    beats: tuple[str, ...] = ("weekly",)
    usual: bool = False


def within(name: str, nights: int | None) -> Interval:
    """Return the time from the end of the first fifth of a set to its end, or so many nights of it."""
    first, schedule = KNOWN[name].first, sets.definition(name).schedule
    end = midnight(schedule.end, "UTC") if schedule.end else first
    return Interval(first, end if nights is None else min(end, first + nights * DAY))


@contextmanager
def reading(name: str, asked: Asked, scratch: Path) -> Iterator[Reading]:
    """Lend a set as a source, with *scratch* for files."""
    source = MemorySource({f"{name}.parquet": sets.made_ready(name, asked.data)})
    yield Reading(source=lambda _: source, signing_key=KEY, scratch=scratch)


@contextmanager
def workshops(processes: int) -> Iterator[list[Workshop]]:
    """Lend so many workshops with a process each; one in this process for 0."""
    with ExitStack() as opened:
        yield [opened.enter_context(closing(new_workshop())) for _ in range(processes)] or [InlineWorkshop()]


def found(definition: Definition, name: str, asked: Asked, tried: Sequence[Policy], *, draws: int = 0) -> Findings:
    """Return what a backtest of a set finds; what it fitted before is found in the folder for what is kept."""
    with reading(name, asked, asked.work) as read, workshops(0) as shops:
        shelf = Shelf(asked.work / "cache")
        return backtest(definition, tried, within(name, asked.nights), read, shelf=shelf, workshops=shops, draws=draws)


def cpu(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of CPU, of this process and its children, and those on the clock."""
    began, clock = os.times(), time.perf_counter()
    work()
    ended = os.times()
    return sum(ended[:4]) - sum(began[:4]), time.perf_counter() - clock
