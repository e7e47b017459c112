"""How long it takes until decay is seen, on nights like those that were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perennial.monitoring.loss.evidence import Nights, evidence_by_night
from perennial.monitoring.loss.variation import Variation
from perennial.monitoring.psi import Counts

_TIMES = 200
_BEFORE = 30
_LONGEST = 365
_BLOCK = 7


@dataclass(frozen=True, slots=True)
class Delay:
    """How soon a rise of the loss is seen.

    Attributes:
        increase: Of the loss, as a share of the evaluated one.
        nights: With labels, in the median; None where less than half of the rises are seen within a year.
        seen: The share that is seen within a year.
    """

    increase: float
    nights: int | None
    seen: float


def delays(
    nights: Nights, increases: Sequence[float], *, tolerance: float, threshold: float, variation: Variation | None, seed: int
) -> list[Delay]:
    """Return, for each of *increases*, when evidence would reach *threshold* after the loss has risen by so much.

    Nights are drawn with replacement, a week at a time, so that nights that follow each other stay as alike as they are. A month
    without decay goes before, on which the mean loss is the evaluated one.

    Args:
        nights: At least one, with their losses in any unit, shape (nights,).
        increases: Shares of the evaluated loss.
        tolerance: The increase that is tolerated.
        threshold: Where an alarm is raised.
        variation: How losses differ without decay.
        seed: Of what is drawn.
    """
    drawn = _drawn(len(nights.means), seed)
    evaluated = float(nights.means.mean())
    if evaluated <= 0:
        return [Delay(increase, None, 0.0) for increase in increases]
    means, squares = nights.means[drawn] / evaluated, nights.squares[drawn] / evaluated**2
    found = []
    for increase in increases:
        scale = np.where(np.arange(_BEFORE + _LONGEST) < _BEFORE, 1.0, 1 + increase) / (1 + tolerance)
        evidence = evidence_by_night(
            Nights(nights.rows[drawn], means * scale, squares * scale**2), threshold=threshold, variation=variation
        )
        found.append(_delay(increase, evidence[:, _BEFORE:] >= threshold))
    return found


def _delay(increase: float, alarms: npt.NDArray[np.bool_]) -> Delay:
    seen = alarms.any(axis=1)
    nights = np.where(seen, alarms.argmax(axis=1) + 1, _LONGEST + 1)
    median = int(np.ceil(np.median(nights)))
    return Delay(increase, median if median <= _LONGEST else None, float(seen.mean()))


def _drawn(nights: int, seed: int) -> Counts:
    """Return positions, shape (times, nights of a year and a month): runs of a week that begin anywhere."""
    blocks = -(-(_BEFORE + _LONGEST) // _BLOCK)
    starts = np.random.default_rng(seed).integers(nights, size=(_TIMES, blocks, 1))
    runs = (starts + np.arange(_BLOCK)) % nights
    found: Counts = runs.reshape(_TIMES, -1)[:, : _BEFORE + _LONGEST]
    return found
