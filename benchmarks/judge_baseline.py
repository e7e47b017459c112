"""The baseline: nights until a champion that is worse is found, and how often one is called worse that is not.

Years of nights of a champion and its baseline, for each cell ten times as many as the other tables have nights. The budget is
what a definition has where it says nothing: one false alarm a year, of which this signal has a twentieth. *As good*: the champion
loses as much as the baseline in the mean of all nights; counted is who has an alarm within the year, in per cent. *10 %* and *50 %
worse*: nights until half of the champions have one, after a month in which they were as good. *The week's mean* is what stood here
before, an alarm on each night on which the champion's mean loss of seven nights is above the baseline's: the share of a good
champion's nights. Bold is what lies beyond the 99.9 % quantile of what is promised.

*Rows apart*: the mean of 24 errors, half normal or of Student's distribution with 3 degrees of freedom. *Common*: each night has
an effect on both (lognormal, of 0.5) and one on each (of 0.2). *Own*: one on each alone (of 0.3). *Few nights*: the champion loses
15 % more than the baseline does on most nights, and the baseline four times as much on one of twenty. *Weeks*: how the two differ
hangs together from night to night, with a correlation of 0.7; the promise does not cover that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from judge_nights import SURE
from scipy import signal, stats

from perennial.monitoring.loss.behind import evidence_behind
from perennial.monitoring.psi import Floats

YEAR, MONTH, WEEK = 365, 30, 7
THRESHOLD = 365.25 / 0.05
WORSE = (1.1, 1.5)
ROWS = 24
HEAD = (
    "| nights | as good, an alarm in a year | promised | 10 % worse, nights until found | 50 % worse | the week's mean, as good |",
    "| --- | ---: | ---: | ---: | ---: | ---: |",
)

Pair = tuple[Floats, Floats]
"""The losses of the champion and of its baseline, shape (models, nights) each, of the same mean."""


def report(trials: int, _: Path | None, say: Callable[[str], None]) -> list[str]:
    """Return the table."""
    lines = [*HEAD]
    for place, (words, drawn) in enumerate(CASES.items()):
        lines.append(_line(words, drawn, np.random.default_rng([8, place]), 10 * trials))
        say(lines[-1])
    return lines


def _line(words: str, drawn: Callable[[np.random.Generator, tuple[int, int]], Pair], rng: np.random.Generator, models: int) -> str:
    ours, other = drawn(rng, (models, YEAR))
    alarms = int(np.isfinite(_first(ours, other)).sum())
    promised = YEAR / THRESHOLD
    said = f"{100 * alarms / models:.1f} %"
    said = said if alarms <= stats.binom.ppf(SURE, models, promised) else f"**{said}**"
    found = [_delay(*drawn(rng, (models // 4, YEAR + MONTH)), worse) for worse in WORSE]
    weeks = (np.lib.stride_tricks.sliding_window_view(losses, WEEK, axis=1).mean(axis=-1) for losses in (ours, other))
    cells = [words, said, f"{100 * promised:.1f} %", *map(_nights, found), f"{100 * np.mean(np.greater(*weeks)):.0f} %"]
    return f"| {' | '.join(cells)} |"


def _delay(ours: Floats, other: Floats, worse: float) -> float:
    """Return the median of the nights until a champion is found that becomes *worse* after a month."""
    became = np.where(np.arange(ours.shape[1]) < MONTH, 1.0, worse)
    return float(np.median(np.maximum(_first(ours * became, other) - MONTH, 0)))


def _first(ours: Floats, other: Floats) -> Floats:
    """Return for each model the number of the night of the first alarm, from 1 on; infinite where there is none."""
    alarm = evidence_behind(ours, other, threshold=THRESHOLD) >= THRESHOLD
    return np.where(alarm.any(axis=1), alarm.argmax(axis=1) + 1.0, math.inf)


def _nights(number: float) -> str:
    return f"{number:.0f}" if math.isfinite(number) else f"over {YEAR}"


def _effects(rng: np.random.Generator, size: tuple[int, int], spread: float) -> Floats:
    """Return factors of mean 1, whose logarithms have the standard deviation *spread*."""
    return rng.lognormal(-(spread**2) / 2, spread, size)


def _half_normal(rng: np.random.Generator, size: tuple[int, int]) -> Pair:
    ours, other = (np.abs(rng.normal(size=(*size, ROWS))).mean(axis=-1) for _ in range(2))
    return ours, other


def _students(rng: np.random.Generator, size: tuple[int, int]) -> Pair:
    ours, other = (np.abs(rng.standard_t(3, (*size, ROWS))).mean(axis=-1) for _ in range(2))
    return ours, other


def _common(rng: np.random.Generator, size: tuple[int, int]) -> Pair:
    night = _effects(rng, size, 0.5)
    return night * _effects(rng, size, 0.2), night * _effects(rng, size, 0.2)


def _own(rng: np.random.Generator, size: tuple[int, int]) -> Pair:
    return _effects(rng, size, 0.3), _effects(rng, size, 0.3)


def _few_nights(rng: np.random.Generator, size: tuple[int, int]) -> Pair:
    return 1.15 * _effects(rng, size, 0.1), np.where(rng.random(size) < 0.05, 4.0, 1.0) * _effects(rng, size, 0.1)


def _weeks(rng: np.random.Generator, size: tuple[int, int]) -> Pair:
    steps = signal.lfilter([math.sqrt(1 - 0.7**2)], [1, -0.7], rng.normal(size=size), axis=1)
    other = _effects(rng, size, 0.2)
    return other * np.exp(0.15 * steps - 0.15**2 / 2), other


CASES: dict[str, Callable[[np.random.Generator, tuple[int, int]], Pair]] = {
    "rows apart, half normal": _half_normal,
    "rows apart, Student's": _students,
    "common 0.5, own 0.2": _common,
    "own 0.3": _own,
    "few nights decide": _few_nights,
    "weeks hang together": _weeks,
}
