"""Quiet nights: how often a night alarms on which nothing has moved, in per cent.

Each cell is one column of a night and 30 nights of reference, all of so many rows and drawn alike, at a budget of 5 % a night
and without any tolerance, so that there is nothing but the test itself. Nights are drawn as counts of bins that were found in
rows of the reference; every tenth night has a new one. More than 5 % is wrong; less is spent by tests of counts that are small,
and where the spread of nights is estimated. What lies beyond the 99.9 % quantile of the binomial distribution is **bold**.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from judge_columns import COLUMNS, LOGNORMAL, Column, normal, values
from judge_nights import alarms, allowed, cell, learned, quiet_alarms

LEVEL = 0.05
SIZES = (100, 1000, 10_000, 100_000, 1_000_000)
WHOLE = ((3, 100), (30, 100), (30, 1000), (30, 1_000_000), (1000, 1000))
"""Models, each with so many columns and rows a night."""

BUDGET = 0.5 / 365.25
"""Of one false alarm a year, drift has one half."""

_MIXED: tuple[Column, ...] = (normal(), values("20 values, 1 / rank", 20, 1.0), LOGNORMAL)


def report(trials: int, _: Path | None, say: Callable[[str], None]) -> list[str]:
    """Return the tables."""
    return [*_columns(trials, say), "", *_few_nights(trials, say), "", *_models(trials, say)]


def _columns(trials: int, say: Callable[[str], None]) -> list[str]:
    lines = [f"| column, {trials} nights each | {' | '.join(f'{size:,} rows' for size in SIZES)} |"]
    lines.append(f"| --- |{' ---: |' * len(SIZES)}")
    for place, column in enumerate(COLUMNS):
        found = [
            quiet_alarms(column, rows=size, tonight=size, nights=30, trials=trials, level=LEVEL, seed=(1, place, size))
            for size in SIZES
        ]
        lines.append(f"| {column.name} | {' | '.join(cell(count, trials, LEVEL) for count in found)} |")
        say(lines[-1])
    return lines


def _few_nights(trials: int, say: Callable[[str], None]) -> list[str]:
    """Return the table of references that cannot show how nights differ, or that are much larger than the night."""
    cases = [(1, 1000, 1000), (1, 5000, 500), (3, 1000, 1000), (7, 1000, 500), (8, 100, 100)]
    lines = ["| reference | night | " + " | ".join(column.name for column in _MIXED) + " |", "| --- | ---: | ---: | ---: | ---: |"]
    for nights, rows, tonight in cases:
        found = [
            quiet_alarms(
                column, rows=rows, tonight=tonight, nights=nights, trials=trials, level=LEVEL, seed=(2, place, rows, nights)
            )
            for place, column in enumerate(_MIXED)
        ]
        said = " | ".join(cell(count, trials, LEVEL) for count in found)
        lines.append(f"| {nights} x {rows:,} rows | {tonight:,} rows | {said} |")
        say(lines[-1])
    return lines


def _models(trials: int, say: Callable[[str], None]) -> list[str]:
    """Return the table of whole models, at the settings that a definition has where it says nothing."""
    lines = [
        "Whole models at what a definition has where it says nothing: one false alarm a year, of which drift has a half, and 0.2",
        "standard deviations tolerated; and the same without the tolerance. A third of the columns has 20 values, the others are",
        "numbers.",
        "",
        "| columns | rows a night | nights | with an alarm | without the tolerance | allowed |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for columns, rows in WHOLE:
        nights = max(math.ceil(15 * trials / columns), 20)
        found = whole_model(columns, rows, nights, seed=(3, columns, rows))
        lines.append(f"| {columns} | {rows:,} | {nights} | {found[0]} | {found[1]} | {allowed(nights, BUDGET)} |")
        say(lines[-1])
    return lines


def whole_model(columns: int, rows: int, nights: int, seed: tuple[int, ...]) -> tuple[int, int]:
    """Return on how many nights a model alarms: with the usual tolerance, and without any."""
    rng = np.random.default_rng(list(seed))
    known = [learned(rng, _MIXED[place % len(_MIXED)], rows) for place in range(min(columns, 30))]
    tolerant = strict = 0
    for _ in range(nights):
        drawn = [(one, one.night(rng, rows)) for one in (known[place % len(known)] for place in range(columns))]
        tolerant += alarms([p for one, night in drawn for p in one.p_values(night, 0.2)], BUDGET)
        strict += alarms([p for one, night in drawn for p in one.p_values(night, 0.0)], BUDGET)
    return tolerant, strict
