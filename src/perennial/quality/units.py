"""Units: a column whose numbers are those of usual nights, but scaled or shifted."""

from __future__ import annotations

import numpy as np

from perennial.core.receipts import Finding
from perennial.quality.night_figures import LEVELS, Numbers
from perennial.quality.transforms import TRANSFORMS, Transform
from perennial.quality.usual import Figures, UsualNumbers, ends

EXPECTATION = "quality.units"
_MIDDLE = len(LEVELS) // 2
_SLACK = 0.5
"""Back among usual nights: at most so many times their range beyond it, and as much again for each window that has passed."""
_BETTER = 3.0
"""Clearly better: the night lies so many times further off than what remains of that when it is taken back."""
_MARGIN, _MILD_MARGIN = 1.0, 2.0
_MILD = 3.0
"""A lesser factor might be growth or a shock, and a shift the season: such a night must lie outside by two ranges."""
_EXACT = 1e-6
"""The least range that is taken of a column that hardly varies, as a share of its size."""
_SPREAD = 1.5
"""The distance between the outer quantiles may be so many times that of any usual night."""


def units(column: str, usual: UsualNumbers, found: Numbers, *, rows: int, stale: float) -> Finding | None:
    """Return the finding that a column came in another unit; None where it did not, or where drift would explain it as well.

    Asked is only where the night's median lies outside the medians of usual nights, by more than the whole range of these: nights
    differ, and seasons and growth move them on. For every window's length that has passed since the last usual night, the range is
    taken once more. Believed is only a transform of the list that, taken back, puts all quantiles among those of usual nights,
    and the night's spread between theirs.

    Args:
        column: Its name.
        usual: Where its numbers lie in usual nights.
        found: Where they lie in this one.
        rows: How many rows the night has.
        stale: The time since the last usual night, in lengths of the time that usual nights cover; at least 0.
    """
    low, high = ends(usual.quantiles[:, _MIDDLE])
    if low <= found.quantiles[_MIDDLE] <= high:
        return None
    fitting = [(misfit, one) for one in TRANSFORMS if (misfit := _misfit(one, usual, found, stale)) is not None]
    if not fitting:
        return None
    best = min(fitting, key=lambda pair: pair[0])[1]
    sentence = f"{column}: looks like {best.words} ({best.formula}); taken back, it lies where it usually does"
    return Finding(expectation=EXPECTATION, column=column, success=False, rows=rows, unexpected=rows, sentence=sentence)


def _misfit(transform: Transform, usual: UsualNumbers, found: Numbers, stale: float) -> float | None:
    """Return how far from the usual median the night's lies when taken back, in ranges; None where it does not fit."""
    were, now = usual.quantiles, found.quantiles
    if not (_within(were, transform.were) and _within(now, transform.are)):
        return None
    back = np.sort((now - transform.shift) / transform.factor)
    if not transform.scales:
        return _placed(were, now, back, stale, margin=_MILD_MARGIN)
    if transform.factor < 0:
        return _mirrored(were, now, back, stale)
    first = _first_positive(were, now)
    if first is None:
        return None
    mild = 1 / _MILD < transform.factor < _MILD
    were, now, back = (np.log(figures[..., first:]) for figures in (were, now, back))
    return _placed(were, now, back, stale, margin=_MILD_MARGIN if mild else _MARGIN, middle=_MIDDLE - first)


def _within(figures: Figures, bounds: tuple[float, float]) -> bool:
    return bool(bounds[0] <= figures.min() and figures.max() <= bounds[1])


def _mirrored(were: Figures, now: Figures, back: Figures, stale: float) -> float | None:
    """Return the misfit of an opposite sign, which only a column can have that never had both: zero is crossed by drift, too."""
    sign = float(np.sign(now[_MIDDLE]))
    if not ((sign * now > 0).all() and (sign * were < 0).all()):
        return None
    return _placed(were, now, back, stale, margin=_MILD_MARGIN)


def _first_positive(were: Figures, now: Figures) -> int | None:
    """Return the first quantile from which on all have a logarithm, the median at the latest; None where there is none."""
    positive = (were > 0).all(axis=0) & (now > 0)
    return next((first for first in (0, _MIDDLE) if positive[first:].all()), None)


def _placed(were: Figures, now: Figures, back: Figures, stale: float, *, margin: float, middle: int = _MIDDLE) -> float | None:
    low, high = ends(were[:, middle])
    span = max(high - low, _EXACT * max(abs(low), abs(high)))
    away = max(low - now[middle], now[middle] - high)
    if away <= margin * span * (1 + stale):
        return None
    bounds = [ends(were[:, level]) for level in range(were.shape[1])]
    outside = max(max(start - value, value - end) for value, (start, end) in zip(back, bounds, strict=True))
    if outside > min(span * _SLACK * (1 + stale), away / _BETTER) or not _alike(were, back, span):
        return None
    away = abs(float(back[middle]) - float(np.median(were[:, middle])))
    return away / span if span else 0.0  # all medians are 0, and so is that of the night


def _alike(were: Figures, back: Figures, span: float) -> bool:
    """Return whether the spread of a night is that of some usual night."""
    least, most = ends(were[:, -1] - were[:, 0])
    spread, exact = float(back[-1] - back[0]), _EXACT * span
    return least / _SPREAD - exact <= spread <= most * _SPREAD + exact
