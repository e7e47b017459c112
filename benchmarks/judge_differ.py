"""Nights that differ for innocent reasons: false alarms a year of a whole model.

Thirty normal columns of 32 bins and 720 rows a night; every night has a mean of its own in each. Means differ by so many standard
deviations of the rows, by a normal distribution or by Student's with 5 degrees of freedom. The budget is what a definition has
where it says nothing: one false alarm a year, of which drift has a half. No simulation reaches a chance of one in 22 000 a column:
references are drawn, and how often a new night lies above the threshold of each is worked out, over all means that it may have.
*Found* is the shift, in standard deviations of the rows, above which a column stands out on most nights. **Bold** is more than half
as much again as the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy import special, stats

from perennial.monitoring.psi import Counts, Floats, sampling_scale
from perennial.monitoring.shift.night_null import Null, night_null

BINS, ROWS, COLUMNS, YEAR = 32, 720, 30, 365.25
WANTED = 0.5
REFERENCES = (30, 60, 120)
TOLERATED = (0.0, 0.2)

_CUTS = special.ndtri(np.arange(1, BINS) / BINS)
_LEVEL = WANTED / YEAR / COLUMNS
_MARGIN = 1.5
_FARTHEST = 40.0
_SHIFTS = np.linspace(0.0, 4.0, 401)


@dataclass(frozen=True)
class Effect:
    """How the mean of a night differs: *draw* gives some of a standard deviation of 1, *density* how likely each is."""

    name: str
    deviation: float
    draw: Callable[[np.random.Generator, int], Floats]
    density: Callable[[Floats], Floats]

    @property
    def means(self) -> tuple[Floats, Floats]:
        """Return what the mean of a night may be, and the chance of each, shape (means,)."""
        places = np.linspace(-_FARTHEST, _FARTHEST, 1601)
        chances = self.density(places)
        kept = chances > np.finfo(float).eps
        return self.deviation * places[kept], chances[kept] / chances[kept].sum()


def _normal(deviation: float) -> Effect:
    return Effect(f"normal, {deviation:g}", deviation, lambda rng, size: rng.normal(size=size), stats.norm.pdf)


def _student(deviation: float) -> Effect:
    found = stats.t(5, scale=0.6**0.5)
    return Effect(f"Student's, {deviation:g}", deviation, lambda rng, size: found.rvs(size, random_state=rng), found.pdf)


NONE = Effect("none", 0.0, lambda _, size: np.zeros(size), partial(np.equal, 0.0))
EFFECTS = (NONE, _normal(0.1), _normal(0.3), _student(0.1), _student(0.3))


def report(trials: int, _: Path | None, say: Callable[[str], None]) -> list[str]:
    """Return the table."""
    heads = [f"{nights} nights{' of reference' if nights == REFERENCES[0] else ''}" for nights in REFERENCES]
    lines = [f"| nights differ | tolerated | {' | '.join(f'{head} | found' for head in heads)} |"]
    lines.append(f"| --- | ---: |{' ---: | ---: |' * len(REFERENCES)}")
    for place, effect in enumerate(EFFECTS):
        cells: dict[float, list[str]] = {shift: [] for shift in TOLERATED}
        for nights in REFERENCES:
            rng = np.random.default_rng([5, place, nights])
            drawn = [rng.multinomial(ROWS, _shares(effect.deviation * effect.draw(rng, nights))) for _ in range(trials)]
            for shift in TOLERATED:
                cells[shift] += _cells(effect, drawn, shift)
        for shift in TOLERATED:
            lines.append(f"| {effect.name} | {shift:g} | {' | '.join(cells[shift])} |")
            say(lines[-1])
    return lines


def _cells(effect: Effect, references: Sequence[Counts], shift: float) -> list[str]:
    tonight = np.full(BINS, ROWS // BINS)
    drawn = np.stack(references)
    null = night_null(drawn.sum(axis=1), tonight, drawn, shift)
    thresholds = null.threshold(_LEVEL)
    alarms = YEAR * COLUMNS * float(np.mean(_chances(effect, thresholds, len(references[0]))))
    said = f"{alarms:.2g}" if alarms <= _MARGIN * WANTED else f"**{alarms:.2g}**"
    return [said, f"{_found(effect, null, float(np.median(thresholds))):.2f}"]


def _chances(effect: Effect, thresholds: Floats, nights: int) -> Floats:
    """Return how often a new night without drift lies at each threshold or above, shape (thresholds,)."""
    means, weights = effect.means
    scale = sampling_scale(ROWS, ROWS * nights)
    some = np.geomspace(thresholds.min(), thresholds.max() * 1.001, 33)
    away = _away(means, _usual(effect))
    chances = stats.ncx2.sf(some[:, None] / scale, BINS - 1, np.maximum(away, 1e-12) / scale) @ weights
    found: Floats = np.exp(np.interp(np.log(thresholds), np.log(some), np.log(np.maximum(chances, 1e-300))))
    return found


def _found(effect: Effect, null: Null, threshold: float) -> float:
    """Return the shift whose PSI, with what sampling adds in the mean, is that of the threshold."""
    return float(np.interp(threshold - null.freedom[0] * null.scale[0], _away(_SHIFTS, _usual(effect)), _SHIFTS))


def _usual(effect: Effect) -> Floats:
    means, weights = effect.means
    shares: Floats = weights @ _shares(means)
    return shares


def _away(means: Floats, usual: Floats) -> Floats:
    """Return the PSI of each mean against the *usual* shares, for as many rows as one likes, shape (means,)."""
    moved = np.maximum(_shares(means), 1 / (4 * ROWS))
    away: Floats = ((moved - usual) * np.log(moved / usual)).sum(axis=-1)
    return away


def _shares(means: Floats) -> Floats:
    """Return the share of each bin for each mean, shape (means, bins)."""
    return np.diff(special.ndtr(_CUTS - means[:, None]), axis=-1, prepend=0, append=1)
