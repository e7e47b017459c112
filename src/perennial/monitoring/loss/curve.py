"""How often class 1 came true on the holdout, by the size of the predicted probability."""

from __future__ import annotations

import numpy as np

from perennial.monitoring.psi import Counts, Floats
from perennial.monitoring.stored import Frozen

DRAWS = 200
_BINS = 24
_ROWS_IN_BIN = 40
_BLOCKS = 40
_LEAST_BLOCKS = 4
_SEED = 20_240_101


class Curve(Frozen):
    """Sums over the holdout by bin of the prediction, and by block of successive nights.

    Attributes:
        knots: Shape (bins,), the mean prediction of each bin, ascending.
        rows: Shape (blocks, bins).
        sums: Shape (blocks, bins), of the class.
    """

    knots: tuple[float, ...]
    rows: tuple[tuple[int, ...], ...]
    sums: tuple[tuple[float, ...], ...]

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return len(self.rows)

    def draws(self) -> Floats:
        """Return the mean of each bin, then those of ``DRAWS`` draws of as many blocks with replacement, shape (1 + DRAWS, bins).

        A bin that is empty in a draw has the mean that it has without drawing. The draws are always the same ones.
        """
        rows, sums = np.array(self.rows, dtype=np.float64), np.array(self.sums)
        drawn = np.random.default_rng([_SEED, self.blocks]).multinomial(
            self.blocks, np.full(self.blocks, 1 / self.blocks), size=DRAWS
        )
        often = np.concatenate([np.ones((1, self.blocks)), drawn])
        counts, totals, whole = often @ rows, often @ sums, sums.sum(axis=0) / rows.sum(axis=0)
        means: Floats = np.where(counts > 0, totals / np.maximum(counts, 1), whole)
        return means

    def shares(self, predictions: Floats, values: Floats) -> Floats:
        """Return how *values* fall to the knots, shape (bins,), each shared out linearly to the two knots about its prediction.

        For any curve r over the knots, ``shares @ r`` is the sum of values times the curve, interpolated at their predictions.

        Args:
            predictions: Shape (rows,).
            values: Shape (rows,).
        """
        knots = np.array(self.knots)
        if knots.size == 1:
            return np.array([values.sum()])
        low = np.clip(np.searchsorted(knots, predictions, side="right") - 1, 0, knots.size - 2)
        part = np.clip((predictions - knots[low]) / (knots[low + 1] - knots[low]), 0, 1)
        below = np.bincount(low, values * (1 - part), knots.size)
        above = np.bincount(low + 1, values * part, knots.size)
        return np.asarray(below + above, dtype=np.float64)


def curve(predictions: Floats, values: Floats, nights: Counts) -> Curve | None:
    """Learn how *values* depend on *predictions*.

    Args:
        predictions: Shape (rows,).
        values: Shape (rows,), the class, 0 or 1.
        nights: Shape (rows,), the number of the night that each row belongs to. Up to 40 blocks of successive nights are kept.

    Returns:
        None with fewer than four nights, as one could not say how sure such a curve is.
    """
    numbered = np.unique(nights, return_inverse=True)[1]
    count = int(numbered.max(initial=-1)) + 1
    if count < _LEAST_BLOCKS:
        return None
    kept = min(count, _BLOCKS)
    blocks, bins = numbered * kept // count, _binned(predictions)
    size = int(bins.max()) + 1
    cells = blocks * size + bins
    rows, inside = np.bincount(cells, minlength=kept * size).reshape(kept, size), np.bincount(bins)
    sums = np.bincount(cells, values, kept * size).reshape(kept, size)
    knots = np.bincount(bins, predictions) / inside
    return Curve(knots=tuple(knots.tolist()), rows=tuple(map(tuple, rows.tolist())), sums=tuple(map(tuple, sums.tolist())))


def rising(means: Floats, weights: Floats) -> Floats:
    """Return the isotonic regression of *means*, shape (..., bins), with *weights*, shape (bins,).

    It is ``max over s <= b of min over t >= b`` of the weighted mean of the bins s to t.

    Examples:
        >>> rising(np.array([0.2, 0.1, 0.5]), np.array([1.0, 1.0, 1.0])).round(3).tolist()
        [0.15, 0.15, 0.5]

    References:
        Robertson, Wright, Dykstra, Order restricted statistical inference, 1988, theorem 1.4.4.
    """
    totals = np.concatenate([np.zeros((*means.shape[:-1], 1)), np.cumsum(means * weights, axis=-1)], axis=-1)
    upto = np.concatenate([[0.0], np.cumsum(weights)])
    first, last = np.arange(weights.size)[:, None], np.arange(weights.size)
    between = totals[..., None, 1:] - totals[..., :-1, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(first <= last, between / (upto[None, 1:] - upto[:-1, None]), np.inf)
    least = np.minimum.accumulate(mean[..., ::-1], axis=-1)[..., ::-1]
    least = np.where(first <= last, least, -np.inf)
    fitted: Floats = least.max(axis=-2)
    return fitted


def _binned(predictions: Floats) -> Counts:
    """Return the number of each row's bin, of which each has about as many rows, and none is empty."""
    bins = int(np.clip(predictions.size // _ROWS_IN_BIN, 1, _BINS))
    cuts = np.unique(np.quantile(predictions, np.arange(1, bins) / bins))
    return np.unique(np.searchsorted(cuts, predictions, side="right"), return_inverse=True)[1].astype(np.int64)
