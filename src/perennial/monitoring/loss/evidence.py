"""Evidence that a loss has risen: an e-detector over nights, and the night from which it most likely rose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perennial.monitoring.loss.variation import Variation
from perennial.monitoring.psi import Floats

CLIP = 4.0
"""A night counts at most so many times the tolerated loss."""

_NIGHT_BETS: Floats = np.array([0.2, 0.5, 0.95])
_RISES: Floats = np.array([0.05, 0.35])
"""The bets on rows are of the size that is best for a rise of the loss by so much."""

_ON_RISES: Floats = np.array([0.15, 0.7])
"""The shares of the stake that are bet on rows, where these are independent of each other. The rest is bet on nights."""

_LARGEST_BET = 0.95

_CEILING = 10.0
_SHORT = 0.9


@dataclass(frozen=True, slots=True)
class Nights:
    """The losses of nights, oldest first, over the tolerated loss.

    Attributes:
        rows: Shape (..., nights), how many rows have a label.
        means: Shape (..., nights), the mean of the rows' losses, at least 0.
        squares: Shape (..., nights), the mean of their squares; NaN where it is not known.
    """

    rows: Floats
    means: Floats
    squares: Floats


def evidence_by_night(nights: Nights, *, threshold: float, variation: Variation | None = None, confirmed: bool = True) -> Floats:
    r"""Return the evidence after each night that the mean loss rose above 1, the tolerated one, at some night.

    Several bets each multiply their stake by a factor a night, and one more unit is staked every night (Shiryaev and Roberts), as
    the night of the change is not known. The evidence is the weighted mean stake. There are two kinds of bets:

    - on the night as a whole: ``1 + b * (min(m, 4) - 1)`` with the night's mean m;
    - on its rows: ``prod(1 + b * (x - 1)) ** weight``. A night counts as so many rows as its design effect leaves, and its
      factor has the sharpness of these. Of the rows only m and the mean square s are known, and the factor is the least that any
      n rows with these can have: ``((1 + b * (s / m - 1)) ** w * (1 - b) ** (1 - w)) ** (n * weight)`` with ``w = m * m / s``,
      which is the product itself where a loss is 0 or one other value, such as of errors. The bets are
      ``rise / (spread + rise)``, for rises of the loss by 5 and 35 %. The more alike the rows of a night are, the less is staked
      on them.

    As long as each factor's mean, given the nights before, is at most 1, the mean evidence after t nights is at most t. Hence an
    alarm at 1/a comes within t nights with a chance of at most ``a * t``, for any t, and the mean time to a false alarm is at
    least 1/a nights, however often one looks. A bet on the night has such a factor whatever the distribution, if the night's mean,
    given the nights before, is at most 1. A bet on rows has one too if the rows hang together in groups of at most 1 / weight
    rows that are independent of each other, whatever happens within a group (Hölder's inequality), and in the limit of large
    nights if *variation* says how alike they are. Clipping, the ceiling and the lower bound only lower the evidence.

    Where nights hang together (a bad week), the mean given the nights before goes above 1 for a while, and the promise does not
    cover that; the tolerance is the room for it.

    Args:
        nights: The losses.
        threshold: Where an alarm is raised. A stake does not grow beyond ten times this, so that good nights can take the evidence
            back after a long decay.
        variation: How losses differ without decay. Without it, all bets are on nights as a whole.
        confirmed: Whether no single night may raise an alarm, however bad: a stake passes the threshold only in a night that began
            with at least its cube root.

    Returns:
        Shape (..., nights).

    References:
        Shin, Ramdas, Rinaldo, E-detectors: a nonparametric framework for sequential change detection, arXiv:2203.03532.
        Podkopaev, Ramdas, Tracking the risk of a deployed model and detecting harmful distribution shifts, arXiv:2110.06177.
        Waudby-Smith, Ramdas, Estimating means of bounded random variables by betting, arXiv:2010.09686.
        Karlin, Studden, Tchebycheff systems, 1966, chapter 3 (the least product of given moments).
    """
    return gathered(*_growth(_clipped(nights), variation), threshold=threshold, confirmed=confirmed)


def gathered(growth: Floats, shares: Floats, *, threshold: float, confirmed: bool = True) -> Floats:
    """Return the evidence after each night of bets that multiply their stakes, one unit more being staked every night.

    Args:
        growth: Shape (..., nights, bets), the logarithms of the bets' factors.
        shares: Shape (bets,), of the stake.
        threshold: Where an alarm is raised; see :func:`evidence_by_night`.
        confirmed: Whether no single night may raise an alarm; see there, too.

    Returns:
        Shape (..., nights).
    """
    stakes = np.zeros((*growth.shape[:-2], shares.size))
    found = np.empty(growth.shape[:-1])
    known = np.cbrt(threshold) if confirmed else 0.0
    for night in range(growth.shape[-2]):
        most = np.where(stakes < known, _SHORT, _CEILING) * threshold
        with np.errstate(over="ignore"):
            stakes = np.minimum((stakes + 1) * np.exp(growth[..., night, :]), most)
        found[..., night] = stakes @ shares
    return found


def row_growth(nights: Nights, bets: Floats) -> Floats:
    """Return the least that ``sum(log(1 + b * (x - 1)))`` over a night's rows can be, for each bet, shape (..., nights, bets).

    Of all rows with this mean and mean square, those of two values do worst, of which one is 0. NaN where the mean square is not
    known.

    Args:
        nights: The losses.
        bets: Shape (bets,), above 0 and below 1.
    """
    none = nights.means <= 0
    high = np.where(none, 1.0, np.maximum(nights.squares / np.where(none, 1.0, nights.means), nights.means))
    share = np.where(none, 0.0, np.minimum(nights.means / high, 1.0))
    lost, kept = np.log1p(bets * (high[..., None] - 1)), np.log1p(-bets)
    growth: Floats = nights.rows[..., None] * (share[..., None] * lost + (1 - share[..., None]) * kept)
    return growth


def change_point(ratios: Sequence[float]) -> int | None:
    """Return the position of the night from which the ratios most likely lie above 1; None if they do not at the end.

    It is the start of the last excursion of Page's cumulative sum of ``min(x, 4) - 1`` above 0.

    Args:
        ratios: Loss over tolerated loss, oldest night first.

    Examples:
        >>> change_point([0.9, 0.8, 2.0, 2.5])
        2

    References:
        Page, Continuous inspection schemes, 1954.
    """
    excess, start = 0.0, None
    for position, ratio in enumerate(ratios):
        excess = max(excess + min(ratio, CLIP) - 1, 0.0)
        if not excess:
            start = None
        elif start is None:
            start = position
    return start


def _clipped(nights: Nights) -> Nights:
    """Return the nights with all losses of a night made smaller by one factor, where their mean is above the clip."""
    above = nights.means > CLIP
    shrink = np.where(above, CLIP / np.where(above, nights.means, 1.0), 1.0)
    with np.errstate(invalid="ignore"):  # infinitely large losses, all of them: what is left is not known
        squares = nights.squares * shrink**2
    return Nights(nights.rows, np.minimum(nights.means, CLIP), squares)


def _growth(nights: Nights, variation: Variation | None) -> tuple[Floats, Floats]:
    """Return the logarithm of each bet's factor, shape (..., nights, bets), and the bets' shares of the stake."""
    on_nights = _night_growth(nights, _NIGHT_BETS)
    if variation is None:
        return on_nights, np.full(_NIGHT_BETS.size, 1 / _NIGHT_BETS.size)
    bets = np.minimum(_RISES / (variation.spread + _RISES), _LARGEST_BET)
    on_rows = row_growth(nights, bets) * variation.weight(nights.rows)[..., None]
    on_rows = np.where(np.isfinite(on_rows), on_rows, _night_growth(nights, bets))
    shares = _ON_RISES * (1 - variation.alike)
    rest = np.full(_NIGHT_BETS.size, (1 - shares.sum()) / _NIGHT_BETS.size)
    return np.concatenate([on_rows, on_nights], axis=-1), np.concatenate([shares, rest])


def _night_growth(nights: Nights, bets: Floats) -> Floats:
    growth: Floats = np.log1p(bets * (nights.means[..., None] - 1))
    return growth
