"""How often the champion's gate is wrong, on simulated holdouts whose truth is known.

A holdout has rows of 28 days; each model is right with a chance of its own, on some days more than on others where errors are alike
within a day. Only how many rows a model has right on a day is drawn, as an accuracy hangs on nothing else, and the figures of all
holdouts are made in one product. That they are those of the product's own code is a test too. Each test of a promise goes through
2 000 holdouts of six kinds: what costs it a second or two is the gate, 12 000 times.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Literal

import numpy as np
import pytest
from scipy.stats import binomtest

from perennial.core.receipts import Verdict
from perennial.learning.arrays import Floats
from perennial.learning.bootstrap import draws
from perennial.learning.gates import champion_gate
from perennial.learning.scored import Scored, score

DAYS = 28
CHANCE = 0.75
HOLDOUTS = 2000
SIZES = (500, 2000, 20_000)
ALIKE = 0.04
"""The standard deviation of a model's chance from day to day, where errors of a day are alike."""
KINDS = [(rows, alike) for rows in SIZES for alike in (0.0, ALIKE)]
NOTHING = np.empty(0)


def right(gain: float, *, rows: int, alike: float, days: int = DAYS, holdouts: int = HOLDOUTS) -> dict[str, Floats]:
    """Draw how many rows of each day champion and challenger have right, shape (holdouts, days), where one is better by *gain*."""
    draw = np.random.default_rng([rows, int(1000 * alike), days])
    of_day = by_day(rows, days)
    chances = {"champion": CHANCE, "challenger": CHANCE + gain}
    return {
        role: draw.binomial(of_day.astype(np.int64), np.clip(chance + alike * draw.normal(0, 1, (holdouts, days)), 0, 1)).astype(
            np.float64
        )
        for role, chance in chances.items()
    }


def by_day(rows: int, days: int) -> Floats:
    """Return how many of the rows lie on each day."""
    return np.bincount(np.arange(rows) % days).astype(np.float64)


def simulated(gain: float, *, rows: int, alike: float, days: int = DAYS, holdouts: int = HOLDOUTS) -> Iterator[Scored]:
    """Yield holdouts with the accuracies of both models, on all rows and on each draw of days."""
    of_day, mixtures = by_day(rows, days), draws(days)
    figures = {
        role: np.concatenate([found.sum(axis=1, keepdims=True) / rows, (found @ mixtures.T) / (mixtures @ of_day)], axis=1)
        for role, found in right(gain, rows=rows, alike=alike, days=days, holdouts=holdouts).items()
    }
    rowless = partial(Scored, metric="accuracy", unit="", actual=NOTHING, predictions={}, days=NOTHING.astype(np.int64))
    for number in range(holdouts):
        yield rowless(day_count=days, figures={role: found[number] for role, found in figures.items()})


Rule = Literal["superior", "non_inferior"]


def passed(holdouts: Iterator[Scored], rule: Rule = "superior", margin: float = 0.0) -> int:
    """Return in how many of them the challenger passes."""
    return sum(champion_gate(scored, rule=rule, margin=margin).verdict is Verdict.PASS for scored in holdouts)


def wrong_at_most(share: float, wrong: dict[tuple[int, float], int]) -> bool:
    """Return whether each kind's count is at most *share*, and all of them together surely are: with a certainty of 97.5 %."""
    together = binomtest(sum(wrong.values()), HOLDOUTS * len(wrong)).proportion_ci(0.95).high
    return max(wrong.values()) <= share * HOLDOUTS and together <= share


def test_what_is_simulated_is_what_the_rows_give() -> None:
    """One holdout row by row: the same figures, and the same words."""
    draw = partial(right, -0.01, rows=500, alike=ALIKE, holdouts=3)
    days, of_day = np.arange(500) % DAYS, by_day(500, DAYS)
    for number, scored in enumerate(simulated(-0.01, rows=500, alike=ALIKE, holdouts=3)):
        place = np.arange(500) // DAYS  # of a row among those of its day
        hits = {role: (place < found[number][days]).astype(np.float64) for role, found in draw().items()}
        assert all(found.sum() <= of_day.sum() for found in hits.values())
        rows = score("accuracy", np.ones(500), hits, days)
        for role in hits:
            np.testing.assert_allclose(scored.figures[role], rows.figures[role], rtol=1e-12)
        told, expected = (champion_gate(one, rule="non_inferior", margin=0.02).sentence for one in (scored, rows))
        assert told == expected


def test_an_equal_challenger_is_superior_at_most_5_of_100_times() -> None:
    """Equal by construction: whoever passes was lucky."""
    wrong = {(rows, alike): passed(simulated(0.0, rows=rows, alike=alike)) for rows, alike in KINDS}
    assert wrong_at_most(0.05, wrong), wrong


def test_a_challenger_1_point_worse_is_not_inferior_by_1_point_at_most_5_of_100_times() -> None:
    """The margin is a share of the champion's accuracy: a 75th is one point."""
    wrong = {
        (rows, alike): passed(simulated(-0.01, rows=rows, alike=alike), "non_inferior", 0.01 / CHANCE) for rows, alike in KINDS
    }
    assert wrong_at_most(0.05, wrong), wrong


def test_a_challenger_better_by_three_standard_errors_passes_at_least_85_of_100_times() -> None:
    """Three standard errors of the difference of the two accuracies."""
    wrong = {}
    for rows, alike in KINDS:
        error = math.sqrt(2 * CHANCE * (1 - CHANCE) / rows + 2 * alike**2 / DAYS)
        wrong[rows, alike] = HOLDOUTS - passed(simulated(3 * error, rows=rows, alike=alike))
    assert wrong_at_most(0.15, wrong), wrong


@pytest.mark.parametrize(("days", "rows_of_a_day"), [(2, 3), (2, 20), (3, 5), (3, 20), (7, 20)])
def test_few_days_with_few_rows_promote_an_equal_challenger_no_more_often(days: int, rows_of_a_day: int) -> None:
    """They are often alike by chance: on two days of three rows each, 6 of 100 equal challengers gain as much on both."""
    assert passed(simulated(0.0, rows=days * rows_of_a_day, alike=0.0, days=days)) <= 0.05 * HOLDOUTS


def test_a_bootstrap_over_rows_would_promote_equals_far_too_often() -> None:
    """The same holdouts with every row a day of its own: why whole days are drawn."""
    draw, count, rows = np.random.default_rng(3), 0, 560
    days = np.arange(rows) % DAYS
    for _ in range(60):
        predictions = {
            role: (draw.random(rows) < (CHANCE + draw.normal(0, 0.1, DAYS))[days]).astype(np.float64)
            for role in ("champion", "challenger")
        }
        gate = champion_gate(score("accuracy", np.ones(rows), predictions, np.arange(rows)), rule="superior", margin=0.0)
        count += gate.verdict is Verdict.PASS
    assert count > 6
