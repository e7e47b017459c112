"""Moved nights: how often a shift is found on the first night.

One of 30 standard normal columns is moved, and everything is as a definition has it where it says nothing: one false alarm a
year, of which drift has a half, shared by Holm's rule; 0.2 standard deviations tolerated; a reference of 30 nights of the same
size. A half must be found by 1 000 rows in 95 % of the nights; a tenth, in all columns at once, is below what is tolerated and
must never be.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from judge_columns import normal
from judge_nights import Learned, alarms, allowed, interval, learned
from judge_quiet import BUDGET

COLUMNS = 30
SHIFT = 0.2
SIZES = (100, 300, 1000, 10_000, 1_000_000)
SHIFTS = (0.3, 0.5, 1.0)
BELOW = 0.1
GOAL = 0.95


def report(trials: int, _: Path | None, say: Callable[[str], None]) -> list[str]:
    """Return the table."""
    lines = [f"| shift, in standard deviations | {' | '.join(f'{size:,} rows' for size in SIZES)} |"]
    lines.append(f"| --- |{' ---: |' * len(SIZES)}")
    found = {(shift, size): _nights(shift, size, trials, moved=1) for shift in SHIFTS for size in SIZES}
    for shift in SHIFTS:
        lines.append(f"| {shift:g} in one column | {' | '.join(interval(found[shift, size], trials) for size in SIZES)} |")
        say(lines[-1])
    quiet = {size: _nights(BELOW, size, trials, moved=COLUMNS) for size in SIZES}
    lines.append(f"| {BELOW:g} in all columns | {' | '.join(interval(count, trials) for count in quiet.values())} |")
    say(lines[-1])
    half, most, budget = found[0.5, 1000], max(quiet.values()), allowed(trials, BUDGET)
    met = (half >= GOAL * trials, most <= budget)
    said = ["met" if one else "**missed**" for one in met]
    return [
        *lines,
        "",
        f"- Goal, a half in one of 30 columns seen by 1 000 rows on at least 95 % of nights: {half / trials:.1%}, {said[0]}",
        f"- Goal, a tenth on at most {budget} of {trials} nights at any size, by the budget: {most}, {said[1]}",
    ]


def _nights(shift: float, rows: int, trials: int, *, moved: int) -> int:
    """Return on how many nights the model alarms where *moved* columns are shifted."""
    rng = np.random.default_rng([4, rows, int(100 * shift), moved])
    known: list[Learned] = []
    found, there = 0, normal(moved=shift)
    for trial in range(trials):
        if not trial % 20:
            known = [learned(rng, normal(), rows) for _ in range(COLUMNS)]
        p_values = []
        for place, column in enumerate(known):
            night = column.night(rng, rows, there if place < moved else None)
            p_values += column.p_values(night, SHIFT)
        found += alarms(p_values, BUDGET)
    return found
