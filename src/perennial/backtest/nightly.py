"""Losses of policies night by night, side by side, and how sure their means are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perennial.backtest.lane import TriedNight, TriedRetraining
from perennial.core.interval import Interval
from perennial.core.receipts import Estimate
from perennial.learning.bootstrap import draws, estimate, settled

Floats = npt.NDArray[np.float64]

BLOCK = 7
"""So many nights that follow each other are drawn together: what is odd about one is often odd about the next."""


@dataclass(frozen=True, slots=True)
class Nightly:
    """The nights that every policy predicted, and that have labels.

    Attributes:
        nights: In the order of time.
        blocks: Shape (nights,), the number of each night's block from 0.
        rows: Shape (nights,) by policy, the labelled rows.
        sums: Shape (nights,) by policy, the sum of their losses.
        retrained: Shape (nights,) by policy, the retrainings that were over before the night and after the one before.
    """

    nights: tuple[Interval, ...]
    blocks: npt.NDArray[np.int64]
    rows: Mapping[str, Floats]
    sums: Mapping[str, Floats]
    retrained: Mapping[str, Floats]

    def mean(self, policy: str) -> Floats:
        """Return the mean loss a row of a policy, on all nights and then on each draw, shape (1 + draws,)."""
        return quotient(self.sums[policy], self.rows[policy], self.blocks)

    def gain(self, policy: str, other: str) -> Floats:
        """Return by how much the mean loss of *policy* lies below the *other*'s, as :meth:`mean` does."""
        figures = self.mean(policy), self.mean(other)
        return settled(figures[1] - figures[0], float(abs(figures[0][0]) + abs(figures[1][0])))

    def cheaper(self, policy: str, other: str, *, loss: float, retraining: float) -> Floats:
        """Return how much less *policy* costs a night than the *other*, as :meth:`mean` does.

        Args:
            policy: The one.
            other: The other one.
            loss: What a unit of the loss costs, for one row.
            retraining: What a retraining costs.
        """
        costs = [loss * self.sums[name] + retraining * self.retrained[name] for name in (other, policy)]
        return settled(quotient(costs[0] - costs[1], np.ones(len(self.nights)), self.blocks), float(np.abs(costs).sum()))

    def told(self, figures: Floats, blocks: int | None = None) -> Estimate:
        """Return figures with their 95 % interval; of fewer *blocks* where only a part of the nights was looked at."""
        return estimate(figures, self.block_count if blocks is None else blocks)

    @property
    def block_count(self) -> int:
        """How many blocks there are."""
        return int(self.blocks[-1]) + 1 if self.blocks.size else 0

    def worst(self, policy: str, length: int = 30) -> float:
        """Return the mean loss of the worst *length* nights on end; of all where there are fewer."""
        length = min(length, len(self.nights))
        sums, rows = (np.convolve(part, np.ones(length), "valid") for part in (self.sums[policy], self.rows[policy]))
        return float((sums / rows).max())


def side_by_side(
    nights: Mapping[str, Mapping[Interval, TriedNight]],
    retrainings: Mapping[str, Sequence[TriedRetraining]],
    among: Sequence[Interval] | None = None,
) -> Nightly:
    """Return the nights that all policies have in common, by the policies' names; only those *among* others, where given."""
    predicted = [{at for at, night in told.items() if night.loss is not None} for told in nights.values()]
    common = sorted(set.intersection(*predicted, *([{*among}] if among is not None else [])))
    starts = np.array([night.start.timestamp() for night in common])
    length = common[0].length.total_seconds() if common else 1.0
    blocks = np.unique((starts - starts[:1]) // (BLOCK * length), return_inverse=True)[1] if common else np.empty(0, np.int64)
    rows = {name: np.array([told[at].labelled for at in common], np.float64) for name, told in nights.items()}
    losses = {name: np.array([told[at].loss for at in common], np.float64) for name, told in nights.items()}
    ends = np.array([night.end.timestamp() for night in common])
    return Nightly(
        nights=tuple(common),
        blocks=np.asarray(blocks, np.int64),
        rows=rows,
        sums={name: rows[name] * losses[name] for name in nights},
        retrained={name: _counted([one.at.timestamp() for one in retrainings[name]], ends) for name in nights},
    )


def _counted(moments: Sequence[float], ends: Floats) -> Floats:
    """Return how many *moments* lie before the end of each night, and after the night before; later ones count for the last."""
    positions = np.minimum(np.searchsorted(ends, np.array(moments), side="right"), ends.size - 1)
    return np.bincount(positions, minlength=ends.size).astype(np.float64) if ends.size else np.empty(0)


def quotient(sums: Floats, counts: Floats, blocks: npt.NDArray[np.int64]) -> Floats:
    """Return the sum of *sums* over that of *counts*, on all nights and then on each draw of blocks, shape (1 + draws,).

    Args:
        sums: Shape (nights,).
        counts: Shape (nights,).
        blocks: Shape (nights,), in any order and with any gaps.
    """
    if not blocks.size:
        return np.full(1, np.nan)
    numbered = np.unique(blocks, return_inverse=True)[1]
    mixtures = draws(int(numbered.max()) + 1)
    tops, bottoms = np.bincount(numbered, sums), np.bincount(numbered, counts)
    whole = sums.sum() / counts.sum()
    return settled(np.concatenate([[whole], (mixtures @ tops) / (mixtures @ bottoms)]), abs(float(whole)))
