"""How often the champion's gate is wrong on holdouts whose truth is known, in per cent, with 95 % intervals; row by row.

Two models with an accuracy of three quarters each, or one that is worse by a point, or better by three standard errors of the
difference, on 28 days; 400 holdouts for each run that is asked for. Promised are at most 5 % of equal ones and of worse ones (with
a margin of one point), and at least 85 % of better ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import binomtest

from perennial.core.receipts import Verdict
from perennial.learning.gates import champion_gate
from perennial.learning.scored import score

DAYS = 28
CHANCE = 0.75
HOLDOUTS_A_RUN = 400
POINT = 0.01
SIZES = (500, 2000, 20_000)
KINDS = {"rows apart": 0.0, "days alike": 0.04}
"""The standard deviation of a model's chance from day to day."""


@dataclass(frozen=True)
class Case:
    """A challenger whose accuracy is higher by *points* and so many standard *errors*, and what it is asked for."""

    words: str
    points: float = 0.0
    errors: float = 0.0
    rule: Literal["superior", "non_inferior"] = "superior"
    margin: float = 0.0

    def gain(self, rows: int, alike: float) -> float:
        """Return by how much its accuracy is higher."""
        return self.points + self.errors * math.sqrt(2 * CHANCE * (1 - CHANCE) / rows + 2 * alike**2 / DAYS)


CASES = (
    Case("equal, superior"),
    Case("1 point worse, non-inferior within 1 point", points=-POINT, rule="non_inferior", margin=POINT / CHANCE),
    Case("3 standard errors better, superior", errors=3.0),
)


def report(_rows: int, runs: int, say: Callable[[str], None]) -> list[str]:
    """Return the table: how many holdouts of each kind pass."""
    holdouts = HOLDOUTS_A_RUN * runs
    lines = [f"| challenger | rows | {' | '.join(KINDS)} |", "| --- | ---: | ---: | ---: |"]
    for case in CASES:
        for size in SIZES:
            found = [told(passed(case, size, alike, holdouts), holdouts) for alike in KINDS.values()]
            lines.append(f"| {case.words} | {size} | {' | '.join(found)} |")
            say(lines[-1])
    return lines


def passed(case: Case, rows: int, alike: float, holdouts: int) -> int:
    """Return in how many holdouts the challenger passes."""
    draw, count = np.random.default_rng([rows, int(1000 * alike)]), 0
    days = np.arange(rows) % DAYS
    chances = {"champion": CHANCE, "challenger": CHANCE + case.gain(rows, alike)}
    for _ in range(holdouts):
        hits = {}
        for role, chance in chances.items():
            of_day = chance + alike * draw.normal(0, 1, DAYS)
            hits[role] = (draw.random(rows) < of_day[days]).astype(np.float64)
        gate = champion_gate(score("accuracy", np.ones(rows), hits, days), rule=case.rule, margin=case.margin)
        count += gate.verdict is Verdict.PASS
    return count


def told(count: int, holdouts: int) -> str:
    """Return a count as per cent, with its interval."""
    found = binomtest(count, holdouts).proportion_ci(0.95)
    return f"{100 * count / holdouts:.1f} ({100 * found.low:.1f} to {100 * found.high:.1f})"
