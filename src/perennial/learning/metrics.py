"""Figures that compare predictions with labels.

Every figure but the area under the curve is a function of a few means over rows (its *terms*), so that the figure without one day
follows from sums by day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError

Floats = npt.NDArray[np.float64]

CLIP = 1e-15
"""Probabilities are moved this far from 0 and 1 before their logarithm is taken."""


def metric(name: str, actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Return one figure.

    Args:
        name: ``mae``, ``rmse``, ``bias`` (predicted minus actual) in the label's unit; ``r2``; ``log_loss`` in nats, ``brier``;
            ``roc_auc``, the chance that a row of class 1 is ranked above one of class 0, a tie counting half; ``accuracy``, where a
            class is 1 from a probability of 0.5 on.
        actual: Shape (rows,).
        predicted: Shape (rows,), figures or probabilities of class 1.

    Returns:
        The figure; NaN where it is undefined: no rows, a value that is not finite, ``r2`` of constant labels, ``roc_auc`` of one
        class.

    Raises:
        DefinitionError: DEFINITION_RANGE, no such figure.

    Examples:
        >>> metric("mae", [1.0, 2.0], [2.0, 4.0])
        1.5
    """
    truth, guess = _pair(actual, predicted)
    if not truth.size or not (np.isfinite(truth).all() and np.isfinite(guess).all()):
        return float("nan")
    if name == "roc_auc":
        return _area(truth, guess)
    return float(figure(name, terms(name, truth, guess).mean(axis=0)))


def loss(name: str, actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Return the figure turned so that less is better: ``1 - figure`` where more is better, and the size of a ``bias``."""
    return float(as_loss(name, np.asarray(metric(name, actual, predicted))))


def as_loss(name: str, figures: Floats) -> Floats:
    """Return *figures* of any shape turned so that less is better."""
    if name == "bias":
        return np.abs(figures)
    return 1 - figures if greater_is_better(name) else figures


def greater_is_better(name: str) -> bool:
    """Return whether a higher figure is a better one."""
    return name == "roc_auc" or _figure(name).greater_is_better


def row_loss(name: str, actual: npt.ArrayLike, predicted: npt.ArrayLike) -> Floats:
    """Return each row's loss: absolute for mae, squared for rmse and brier, in nats for log_loss, 1 for a wrong class for accuracy.

    Returns:
        Shape (rows,).

    Raises:
        DefinitionError: DEFINITION_RANGE, the figure is no mean of losses (r2, bias, roc_auc) or does not exist.
    """
    if name in {"r2", "bias", "roc_auc"}:
        raise DefinitionError(Code.DEFINITION_RANGE, f"has no loss per row, got {name}", where="metric")
    rows = terms(name, *_pair(actual, predicted))[:, 0]
    return 1 - rows if greater_is_better(name) else rows


def terms(name: str, actual: Floats, predicted: Floats) -> Floats:
    """Return what the figure takes means of, shape (rows, terms)."""
    return np.stack(_figure(name).terms(actual, predicted), axis=-1)


def figure(name: str, means: Floats) -> Floats:
    """Return the figure of *means*, shape (..., terms), in shape (...); NaN where it is undefined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        figures = _figure(name).of_means(means)
    return np.where(np.isfinite(figures), figures, np.nan)


@dataclass(frozen=True, slots=True)
class _Figure:
    terms: Callable[[Floats, Floats], tuple[Floats, ...]]
    of_means: Callable[[Floats], Floats] = lambda means: means[..., 0]
    greater_is_better: bool = False


def _log_terms(actual: Floats, predicted: Floats) -> tuple[Floats, ...]:
    chance = np.clip(predicted, CLIP, 1 - CLIP)
    return (-(actual * np.log(chance) + (1 - actual) * np.log1p(-chance)),)


def _r2_terms(actual: Floats, predicted: Floats) -> tuple[Floats, ...]:
    centred = actual - actual.mean() if actual.size else actual
    return (actual - predicted) ** 2, centred, centred**2


def _r2(means: Floats) -> Floats:
    variance = means[..., 2] - means[..., 1] ** 2
    return 1 - means[..., 0] / np.where(variance > 0, variance, np.nan)


def _right(actual: Floats, predicted: Floats) -> tuple[Floats, ...]:
    return (((predicted >= 0.5) == (actual >= 0.5)).astype(np.float64),)  # noqa: PLR2004 - the even chance


_FIGURES = {
    "mae": _Figure(lambda actual, predicted: (np.abs(predicted - actual),)),
    "rmse": _Figure(lambda actual, predicted: ((predicted - actual) ** 2,), lambda means: np.sqrt(means[..., 0])),
    "bias": _Figure(lambda actual, predicted: (predicted - actual,)),
    "brier": _Figure(lambda actual, predicted: ((predicted - actual) ** 2,)),
    "log_loss": _Figure(_log_terms),
    "accuracy": _Figure(_right, greater_is_better=True),
    "r2": _Figure(_r2_terms, _r2, greater_is_better=True),
}


def _figure(name: str) -> _Figure:
    if name not in _FIGURES:
        allowed = ", ".join(sorted({*_FIGURES, "roc_auc"}))
        raise DefinitionError(Code.DEFINITION_RANGE, f"must be one of {allowed}, got {name}", where="metric")
    return _FIGURES[name]


def _area(actual: Floats, predicted: Floats) -> float:
    positive = actual >= 0.5  # noqa: PLR2004 - classes are 0 and 1
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return float("nan")
    ranks = rankdata(predicted)[positive].sum()
    return float((ranks - ones * (ones + 1) / 2) / (ones * zeros))


def _pair(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[Floats, Floats]:
    return np.asarray(actual, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
