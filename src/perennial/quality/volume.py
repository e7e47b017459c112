"""Volume: too few rows, or too many, for such a night."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from perennial.core.receipts import Finding
from perennial.quality.usual import Figures, limit

EXPECTATION = "quality.volume"
LEAST = math.log(1.5)
"""Less than one and a half times, or two thirds, is never a fault."""
YEARLY = math.log(2)
"""How far the number of rows may have moved in a year since the last usual night: doubled, or halved."""
_FEWEST = 4
_NORMAL_MAD = 1.4826


def volume(
    rows: int, usual: npt.NDArray[np.int64], season: npt.NDArray[np.int64], tonight: int, *, level: float, years: float
) -> Finding | None:
    """Return the finding that a night has too few or too many rows; None where it has not.

    The logarithm of the number of rows is held against the median of the usual nights of the same season. It is a fault beyond what
    the usual nights' own spread around their medians (and chance, for counts) allows at the level, and beyond all that was seen.

    Args:
        rows: How many there are.
        usual: Shape (nights,), how many usual nights have.
        season: Shape (nights,), a number that is the same for nights that are alike, such as Mondays.
        tonight: The number of this night.
        level: The share of good nights that may be called faulty.
        years: The time since the last usual night.
    """
    counts = np.log(usual + 0.5)
    centres = {int(one): _centre(counts, season, int(one)) for one in np.unique(season)}
    around = counts - np.array([centres[int(one)] for one in season])
    centre = _centre(counts, season, tonight)
    allowed = _allowed(around, math.exp(centre), level) + YEARLY * years
    found = math.log(rows + 0.5) - centre
    if abs(found) <= max(allowed, LEAST):
        return None
    few = "few" if found < 0 else "many"
    sentence = f"too {few} rows: {rows}, usual for such a night are about {math.exp(centre) - 0.5:.0f}"
    return Finding(expectation=EXPECTATION, success=False, rows=rows, unexpected=rows, sentence=sentence)


def _centre(counts: Figures, season: npt.NDArray[np.int64], one: int) -> float:
    alike = counts[season == one]
    return float(np.median(alike if len(alike) >= _FEWEST else counts))


def _allowed(around: Figures, expected: float, level: float) -> float:
    spread = _NORMAL_MAD * float(np.median(np.abs(around)))
    deviations = NormalDist().inv_cdf(1 - level / 2)
    return max(deviations * math.hypot(spread, 1 / math.sqrt(expected)), limit(np.abs(around), 0.0))
