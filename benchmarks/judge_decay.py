"""Decay: rows until a rise of an error rate is found, and how often one is found that is not there.

An error rate rises from 0.12 to 0.17 after 2 000 rows; nights of 25, 100 and 400 rows. *One in twenty*: nothing is tolerated,
and the chance of an alarm is 5 % in all 20 000 rows of looking every night, which is what is asked. *One a year*: what a
definition has where it says nothing, half a false alarm a year at 5 % above the evaluated loss. False alarms are counted where
the rate is exactly what is tolerated, the worst case.

*Alike*: the errors of a night hang together, with an intraclass correlation of 0.02, as they do where its rows share their
weather; the evaluation's 28 nights show that. *Both rates known*: the likelihood ratio in place of our bets, looked at as often
and with the same threshold. No test that keeps the promise is much quicker, and none can be without knowing the rate to come.
Bold is what lies beyond the 99.9 % quantile of what is promised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from judge_nights import SURE
from scipy import stats

from perennial.monitoring.loss.evidence import Nights, evidence_by_night
from perennial.monitoring.loss.variation import Variation, variation
from perennial.monitoring.psi import Floats

BEFORE, AFTER = 0.12, 0.17
LOOKED = 20_000
QUIET_ROWS = 2000
SIZES = (25, 100, 400)
ALIKE = 0.02
HOLDOUT = 28
GOAL = 800
GOAL_WORDS = "one in twenty"
HEAD = (
    "| rows a night | budget | nights | rows until found, median | nine of ten | both rates known | false alarms | promised |",
    "| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |",
)


@dataclass(frozen=True)
class Looking:
    """A way of looking at nights.

    Attributes:
        words: What the budget is called.
        rows: In a night.
        tolerance: The increase of the rate that is tolerated, as a share.
        alike: How much the errors of a night hang together: their intraclass correlation.
        threshold: Of an alarm.
    """

    words: str
    rows: int
    tolerance: float
    alike: float
    threshold: float

    @property
    def tolerated(self) -> float:
        """The greatest rate that is no decay."""
        return BEFORE * (1 + self.tolerance)

    @property
    def nights(self) -> int:
        """How many are looked at."""
        return LOOKED // self.rows

    @property
    def promised(self) -> float:
        """The chance of a false alarm, at most."""
        return min(self.nights / self.threshold, 1.0)

    def drawn(self, rng: np.random.Generator, rates: Floats, trials: int) -> Floats:
        """Return the share of errors of nights with these rates, shape (trials, nights); beta-binomial where they hang together."""
        shape = (trials, rates.size)
        if not self.alike:
            return rng.binomial(self.rows, np.broadcast_to(rates, shape)) / self.rows
        strength = 1 / self.alike - 1
        return rng.binomial(self.rows, rng.beta(rates * strength, (1 - rates) * strength, shape)) / self.rows

    def first_alarms(self, rng: np.random.Generator, errors: Floats) -> Floats:
        """Return for each trial the number of the night of the first alarm, from 1 on; infinite where there is none."""
        rows, shares = np.full(errors.shape, float(self.rows)), errors / self.tolerated
        nights = Nights(rows, shares, shares / self.tolerated)
        if not self.alike:
            known = Variation(nights=HOLDOUT, spread=(1 - self.tolerated) / self.tolerated, alike=0.0)
            return _first(evidence_by_night(nights, threshold=self.threshold, variation=known), self.threshold)
        found = [
            evidence_by_night(Nights(*one), threshold=self.threshold, variation=self._learnt(rng))
            for one in zip(nights.rows, nights.means, nights.squares, strict=True)
        ]
        return _first(np.array(found), self.threshold)

    def both_known(self, errors: Floats) -> Floats:
        """Return the same of the likelihood ratio of the two rates, as if rows were apart."""
        lost, kept = math.log(AFTER / self.tolerated), math.log((1 - AFTER) / (1 - self.tolerated))
        factors = np.exp(self.rows * (errors * lost + (1 - errors) * kept))
        stake, found = np.zeros(len(errors)), np.empty(errors.shape)
        for night in range(errors.shape[1]):
            stake = np.minimum((stake + 1) * factors[:, night], 10 * self.threshold)
            found[:, night] = stake
        return _first(found, self.threshold)

    def _learnt(self, rng: np.random.Generator) -> Variation | None:
        """Return what a holdout shows of how errors vary."""
        errors = self.drawn(rng, np.full(HOLDOUT, BEFORE), 1)[0]
        return variation(np.full(HOLDOUT, self.rows), errors, errors)


def report(trials: int, _: Path | None, say: Callable[[str], None]) -> list[str]:
    """Return the table."""
    lines, medians = [*HEAD], []
    for case in _cases():
        line, median = _line(case, trials)
        lines.append(line)
        say(line)
        if not case.alike and case.words == GOAL_WORDS:
            medians.append(median)
    goal = f"- Goal, found within {GOAL} rows in the median, {GOAL_WORDS}, rows apart: {_rows(max(medians))} at worst, "
    return [*lines, "", goal + ("met" if max(medians) <= GOAL else "**missed**")]


def _cases() -> Iterator[Looking]:
    for rows in SIZES:
        for alike in (0.0, ALIKE):
            yield Looking(GOAL_WORDS, rows, 0.0, alike, LOOKED / rows / 0.05)
            yield Looking("one a year", rows, 0.05, alike, 2 * 365.25)


def _line(case: Looking, trials: int) -> tuple[str, float]:
    rng = np.random.default_rng([5, case.rows, int(1000 * case.alike), int(case.threshold)])
    quiet = QUIET_ROWS // case.rows
    rates = np.where(np.arange(quiet + case.nights) < quiet, BEFORE, AFTER)
    errors = case.drawn(rng, rates, trials)
    delays = np.maximum(case.first_alarms(rng, errors) - quiet, 0) * case.rows
    known = "" if case.alike else _rows(np.median(np.maximum(case.both_known(errors) - quiet, 0) * case.rows))
    steady = case.drawn(rng, np.full(case.nights, case.tolerated), trials)
    alarms = int(np.isfinite(case.first_alarms(rng, steady)).sum())
    said = f"{100 * alarms / trials:.1f} %"
    said = said if alarms <= stats.binom.ppf(SURE, trials, case.promised) else f"**{said}**"
    median = float(np.median(delays))
    cells = [
        str(case.rows),
        case.words,
        "alike" if case.alike else "rows apart",
        _rows(median),
        _rows(float(np.quantile(delays, 0.9, method="higher"))),
        known,
        said,
        f"{100 * case.promised:.1f} %",
    ]
    return f"| {' | '.join(cells)} |", median


def _first(evidence: Floats, threshold: float) -> Floats:
    alarm = evidence >= threshold
    return np.where(alarm.any(axis=1), alarm.argmax(axis=1) + 1.0, math.inf)


def _rows(number: float) -> str:
    return f"{number:,.0f}" if math.isfinite(number) else f"over {LOOKED:,}"
