"""How often the champion's gate is wrong, on simulated holdouts whose truth is known.

A holdout has rows of 28 days; each model is right with a chance of its own, on some days more than on others where errors are alike
within a day. Counts may lie above what is promised by what chance does once in a hundred times.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest

from perennial.core.receipts import Verdict
from perennial.learning.gates import champion_gate
from perennial.learning.scored import score

DAYS = 28
CHANCE = 0.75
HOLDOUTS = 250
ALIKE = 0.04
"""The standard deviation of a model's chance from day to day, where errors of a day are alike."""

sizes = pytest.mark.parametrize("rows", [500, 2000, 20_000])
kinds = pytest.mark.parametrize("alike", [0.0, ALIKE], ids=["rows apart", "days alike"])


def passed(gain: float, *, rows: int, alike: float, rule: Literal["superior", "non_inferior"], margin: float = 0.0) -> int:
    """Return in how many holdouts a challenger whose accuracy is higher by *gain* passes."""
    draw, count = np.random.default_rng([rows, int(1000 * alike)]), 0
    days = np.arange(rows) % DAYS
    for _ in range(HOLDOUTS):
        predictions = {}
        for role, chance in (("champion", CHANCE), ("challenger", CHANCE + gain)):
            of_day = chance + draw.normal(0, 1, DAYS) * alike
            predictions[role] = (draw.random(rows) < of_day[days]).astype(np.float64)
        gate = champion_gate(score("accuracy", np.ones(rows), predictions, days), rule=rule, margin=margin)
        count += gate.verdict is Verdict.PASS
    return count


def at_most(share: float) -> float:
    """Return the count that a true *share* exceeds once in a hundred times."""
    return HOLDOUTS * share + 2.33 * math.sqrt(HOLDOUTS * share * (1 - share))


@sizes
@kinds
def test_an_equal_challenger_is_superior_at_most_5_of_100_times(rows: int, alike: float) -> None:
    """Equal by construction: whoever passes was lucky."""
    assert passed(0.0, rows=rows, alike=alike, rule="superior") <= at_most(0.05)


@sizes
@kinds
def test_a_challenger_1_point_worse_is_not_inferior_by_1_point_at_most_5_of_100_times(rows: int, alike: float) -> None:
    """The margin is a share of the champion's accuracy: a 75th is one point."""
    assert passed(-0.01, rows=rows, alike=alike, rule="non_inferior", margin=0.01 / CHANCE) <= at_most(0.05)


@sizes
@kinds
def test_a_challenger_better_by_three_standard_errors_passes_at_least_85_of_100_times(rows: int, alike: float) -> None:
    """Three standard errors of the difference of the two accuracies."""
    error = math.sqrt(2 * CHANCE * (1 - CHANCE) / rows + 2 * alike**2 / DAYS)
    assert HOLDOUTS - passed(3 * error, rows=rows, alike=alike, rule="superior") <= at_most(0.15)


def test_a_bootstrap_over_rows_would_promote_equals_far_too_often() -> None:
    """The same holdouts with every row a day of its own: why whole days are drawn."""
    draw, count, rows = np.random.default_rng(3), 0, 2000
    days = np.arange(rows) % DAYS
    for _ in range(200):
        predictions = {
            role: (draw.random(rows) < (CHANCE + draw.normal(0, 0.1, DAYS))[days]).astype(np.float64)
            for role in ("champion", "challenger")
        }
        gate = champion_gate(score("accuracy", np.ones(rows), predictions, np.arange(rows)), rule="superior", margin=0.0)
        count += gate.verdict is Verdict.PASS
    assert count > 30
