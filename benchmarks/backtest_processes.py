"""Two processes for fits beside one.

The eight policies, each time with nothing found before. Seconds on the clock: it takes a machine that does nothing else. *Fits*:
the retrainings that the schedules ask for alone, one at a time and two at a time, each extracted, checked, fitted and tried.
*Walk*: all of it.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import sets
from backtest_run import Asked, reading, within, workshops
from backtest_speed import eight

from perennial.backtest.shelf import Shelf
from perennial.backtest.walk import Walk, walking

HEAD = (
    "| set | nights | fits: one, s | two, s | times | goal 1.7 | walk: one, s | two, s | times |",
    "| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |",
)
SETS = ("bike_hourly",)
NIGHTS = 30


def measure(name: str, asked: Asked) -> list[str]:
    """Return one row."""
    nights = asked.nights or NIGHTS
    fits = [_took(name, asked, nights, processes=2, at_a_time=number) for number in (1, 2)]
    walks = [_took(name, asked, nights, processes=number) for number in (1, 2)]
    times = fits[0] / fits[1]
    told = ("met" if times >= 1.7 else "**missed**", f"{walks[0]:.1f}", f"{walks[1]:.1f}", f"{walks[0] / walks[1]:.2f}")
    cells = (name, nights, f"{fits[0]:.1f}", f"{fits[1]:.1f}", f"{times:.2f}", *told)
    return [f"| {' | '.join(map(str, cells))} |"]


def _took(name: str, asked: Asked, nights: int, *, processes: int, at_a_time: int | None = None) -> float:
    """Return the seconds of a walk, or, where so many are done *at_a_time*, of its fits."""
    own, span = sets.definition(name), within(name, nights)
    with TemporaryDirectory(dir=asked.work) as folder, reading(name, asked, Path(folder)) as read, workshops(processes) as shops:
        shelf = Shelf(Path(folder) / "cache")
        with walking(own, eight(own), span, read, shelf=shelf, workshops=shops) as walk:
            began = time.perf_counter()
            list(walk.rounds()) if at_a_time is None else _fitted(walk, at_a_time)
            return time.perf_counter() - began


def _fitted(walk: Walk, at_a_time: int) -> None:
    if walk.ahead is None:
        raise RuntimeError("nothing is fitted ahead in one process")
    with ThreadPoolExecutor(at_a_time) as threads:
        list(threads.map(partial(walk.ahead.fit), walk.ahead.due))
