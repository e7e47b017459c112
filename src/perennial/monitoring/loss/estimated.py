"""What the loss will be when the labels come, told without them: CBPE for classes, DLE for numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from perennial.core.receipts import Signal, SignalState
from perennial.monitoring.loss.curve import Curve, rising
from perennial.monitoring.loss.decay import Evaluated
from perennial.monitoring.loss.effects import Effects
from perennial.monitoring.psi import Counts, Floats

LEVEL = 0.95
"""The confidence of the interval that is told."""

_CLIP = 1e-15
_CELLS = 1000


@dataclass(frozen=True, slots=True)
class Estimated:
    """An estimate and its standard error.

    Attributes:
        value: The expected mean loss, in the unit of the loss.
        error: Its standard error: of what was learnt on the holdout, and of what these rows add by chance.
        area: The expected area under the ROC curve; None of numbers, or where it is not defined.
    """

    value: float
    error: float
    area: float | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """The two ends between which the mean loss of these rows lies with 95 % confidence."""
        half = float(ndtri((1 + LEVEL) / 2)) * self.error
        return max(self.value - half, 0.0), self.value + half


def estimated_class(learnt: Curve, predictions: Floats, *, loss: str, weight: float = 1.0) -> Estimated:
    """Estimate the loss of probabilities by their calibration on the holdout (CBPE).

    The probabilities are calibrated by isotonic regression over the bins of the holdout. With the calibrated chance c of a row
    whose probability is p, its expected loss is ``c * loss(p, 1) + (1 - c) * loss(p, 0)``. The expected area under the ROC curve
    ranks the rows by p and takes c for the share of each that is of class 1. Beyond the probabilities of the holdout's outermost
    bins c is theirs: nobody knows better.

    Args:
        learnt: The class over the probability.
        predictions: Shape (rows,), at least one.
        loss: ``log`` or ``squared``.
        weight: The share of the rows that count as if they were independent of each other.

    References:
        NannyML's documentation, Confidence-based performance estimation.
    """
    one, zero = _losses(loss, predictions)
    chances = rising(learnt.draws(), np.array(learnt.rows, dtype=np.float64).sum(axis=0))
    means = (zero.sum() + chances @ learnt.shares(predictions, one - zero)) / predictions.size
    chance = np.interp(predictions, learnt.knots, chances[0])
    chancy = float(np.sum(chance * (1 - chance) * (one - zero) ** 2)) / predictions.size**2 / weight
    return Estimated(float(means[0]), math.hypot(_spread(learnt, means), math.sqrt(chancy)), _area(predictions, chance))


def estimated_number(learnt: Effects, counts: Mapping[str, Counts], rows: int, *, weight: float = 1.0) -> Estimated:
    """Estimate the loss of predicted numbers by where the rows and the predictions lie (DLE).

    Args:
        learnt: How the loss goes with the columns.
        counts: By column, the night's rows in each of the test's bins.
        rows: How many rows there are, at least one.
        weight: The share of the rows that count as if they were independent of each other.

    References:
        NannyML's documentation, Direct loss estimation. There a boosted model is fitted to the loss, and every row is read.
    """
    return Estimated(*learnt.estimate(counts, rows, weight))


def estimate_signal(
    found: Estimated | None, *, evaluated: Evaluated, tolerance: float, alpha: float, rows: int, minimum_rows: int, loss_name: str
) -> Signal:
    """Say whether the estimated loss of a night lies above what is tolerated.

    It knows only what inputs and predictions show. Where the world has changed, so that the same prediction comes true less often,
    it sees nothing; and where they have moved to where the model is known to be worse, it sees that before any label comes.

    Args:
        found: The estimate; None where nothing was learnt to make it from.
        evaluated: What the champion was judged by.
        tolerance: The increase of the loss, as a share, that is not worth a retraining.
        alpha: The chance of a false alarm.
        rows: How many predictions there are.
        minimum_rows: With fewer there is no answer.
        loss_name: What the sentence calls the loss.
    """
    if found is None or rows < minimum_rows or not math.isfinite(evaluated.loss):
        return _said(SignalState.INSUFFICIENT, None, None, rows, _why_none(found, evaluated, rows, minimum_rows))
    tolerated, (low, high) = evaluated.tolerated(tolerance), found.interval
    chance = float(ndtr((tolerated - found.value) / found.error)) if found.error > 0 else float(found.value <= tolerated)
    state = SignalState.ALARM if chance <= alpha else SignalState.QUIET
    parts = [
        f"an estimate from {rows} predictions without labels: {loss_name} {found.value:.3g} ({low:.3g} to {high:.3g})",
        f"{tolerated:.3g} tolerated",
        *([f"area under the ROC curve {found.area:.3g}"] if found.area is not None else []),
    ]
    return _said(state, found.value, tolerated, rows, ", ".join(parts))


def _losses(loss: str, predictions: Floats) -> tuple[Floats, Floats]:
    """Return the loss of each prediction where its class is 1, and where it is 0."""
    if loss == "squared":
        return (1 - predictions) ** 2, predictions**2
    chance = np.clip(predictions, _CLIP, 1 - _CLIP)
    return -np.log(chance), -np.log1p(-chance)


def _spread(learnt: Curve, means: Floats) -> float:
    """Return the standard error that the draws show, of which k blocks vary as k - 1 do."""
    return float(means[1:].std()) * math.sqrt(learnt.blocks / (learnt.blocks - 1))


def _area(predictions: Floats, chance: Floats) -> float | None:
    order = np.argsort(predictions, kind="stable")
    cells = np.arange(predictions.size) * min(_CELLS, predictions.size) // predictions.size
    ones, zeros = np.bincount(cells, chance[order]), np.bincount(cells, 1 - chance[order])
    pairs = float(ones.sum() * zeros.sum())
    return float(ones @ (np.cumsum(zeros) - zeros / 2)) / pairs if pairs > 0 else None


def _why_none(found: Estimated | None, evaluated: Evaluated, rows: int, minimum_rows: int) -> str:
    if found is None:
        return "too few nights of the holdout to estimate a loss from"
    if rows < minimum_rows:
        return f"{rows} predictions are too few to estimate their loss, {minimum_rows} are needed"
    return f"the evaluated loss is not a finite number, got {evaluated.loss}"


def _said(state: SignalState, value: float | None, threshold: float | None, n: int, sentence: str) -> Signal:
    return Signal(name="estimated loss", kind="estimate", state=state, value=value, threshold=threshold, n=n, sentence=sentence)
