"""Figures that compare predictions with labels.

Every figure is a function of means over rows of a few *terms*, so that the figure of any mixture of days follows from sums by day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError
from perennial.learning import calibration, ranking
from perennial.learning.arrays import Floats, Groups

CLIP = 1e-15
"""Probabilities are moved this far from 0 and 1 before their logarithm is taken."""

_AT_ONCE = 256
"""Mixtures that are told at once, so that a ranking's counts stay small."""

PINBALL = "pinball_"
"""Before the quantile, in the name of the loss of a quantile: ``pinball_0.9``."""


def metric(name: str, actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Return one figure.

    Args:
        name: In the label's unit ``mae``, ``rmse``, ``bias`` (predicted minus actual; of probabilities the error of the base rate),
            ``pinball_q`` with a quantile q, such as ``pinball_0.9``; ``mape``, a share of the label; ``r2``; ``log_loss`` in nats,
            ``brier``; ``roc_auc``, the chance that a row of class 1 is ranked above one of class 0, a tie counting half;
            ``average_precision``; ``accuracy``, where a class is 1 from a probability of 0.5 on; ``calibration_error`` and
            ``calibration_slope``, see ``calibration``.
        actual: Shape (rows,).
        predicted: Shape (rows,), figures or probabilities of class 1.

    Returns:
        The figure; NaN where it is undefined: no rows, a value that is not finite, ``r2`` of constant labels, ``mape`` of a label
        of 0, ``roc_auc`` and ``average_precision`` of one class, ``calibration_slope`` of one class or of probabilities that
        separate the classes.

    Raises:
        DefinitionError: DEFINITION_RANGE, no such figure.

    Examples:
        >>> metric("mae", [1.0, 2.0], [2.0, 4.0])
        1.5
    """
    truth, guess = np.asarray(actual, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    found = _figure(name)
    if not truth.size or not (np.isfinite(truth).all() and np.isfinite(guess).all()):
        return float("nan")
    return float(_of_means(found, found.exact(truth, guess, np.zeros(truth.size, dtype=np.intp), 1)[0] / truth.size))


def loss(name: str, actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Return the figure turned so that less is better; see ``as_loss``."""
    return float(as_loss(name, np.asarray(metric(name, actual, predicted))))


def figures_of(name: str, actual: Floats, predicted: Floats, groups: Groups, mixtures: Floats) -> Floats:
    """Return the figure of all rows, and then of each mixture of the groups.

    A ranking is told of mixtures with at most 1 024 steps between the lowest and the highest prediction.

    Args:
        name: A figure of ``metric``.
        actual: Shape (rows,).
        predicted: Shape (rows,).
        groups: Shape (rows,), the group of each row, from 0.
        mixtures: Shape (mixtures, groups), how often each group's rows count.

    Returns:
        Shape (1 + mixtures,); NaN where the figure is undefined.
    """
    whole = metric(name, actual, predicted)
    if not np.isfinite(whole):
        return np.full(1 + len(mixtures), np.nan)
    found = _figure(name)
    count = mixtures.shape[1]
    sums, rows = found.sums(actual, predicted, groups, count), np.bincount(groups, minlength=count).astype(np.float64)
    parts = (mixtures[start : start + _AT_ONCE] for start in range(0, len(mixtures), _AT_ONCE))
    mixed = np.concatenate([_of_means(found, (part @ sums) / (part @ rows)[:, None]) for part in parts])
    in_steps = float(_of_means(found, sums.sum(axis=0) / rows.sum()))
    return np.concatenate([[whole], mixed + (whole - in_steps)])


def as_loss(name: str, figures: Floats) -> Floats:
    """Return *figures* of any shape turned so that less is better.

    ``1 - figure`` where more is better, the size of a ``bias``, the distance from 1 of a ``calibration_slope``.
    """
    if name == "bias":
        return np.abs(figures)
    if name == "calibration_slope":
        return np.abs(1 - figures)
    return 1 - figures if _figure(name).greater_is_better else figures


def _of_means(found: _Figure, means: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        figures = found.of_means(means)
    return np.where(np.isfinite(figures), figures, np.nan)


Sums = Callable[[Floats, Floats, Groups, int], Floats]


@dataclass(frozen=True, slots=True)
class _Figure:
    """Sums of terms by group, shape (groups, terms), and the figure of their means, shape (..., terms) to (...)."""

    sums: Sums
    of_means: Callable[[Floats], Floats] = lambda means: means[..., 0]
    greater_is_better: bool = False
    finest: Sums | None = None

    @property
    def exact(self) -> Sums:
        return self.finest or self.sums


def _added(terms: Callable[[Floats, Floats], tuple[Floats, ...]]) -> Sums:
    def sums(actual: Floats, predicted: Floats, groups: Groups, count: int) -> Floats:
        return np.stack([np.bincount(groups, term, count) for term in terms(actual, predicted)], axis=-1)

    return sums


def _log_terms(actual: Floats, predicted: Floats) -> tuple[Floats, ...]:
    chance = np.clip(predicted, CLIP, 1 - CLIP)
    return (-(actual * np.log(chance) + (1 - actual) * np.log1p(-chance)),)


def _r2_terms(actual: Floats, predicted: Floats) -> tuple[Floats, ...]:
    centred = actual - actual.mean()
    return (actual - predicted) ** 2, centred, centred**2


def _r2(means: Floats) -> Floats:
    variance = means[..., 2] - means[..., 1] ** 2
    return 1 - means[..., 0] / np.where(variance > 0, variance, np.nan)


def _right(actual: Floats, predicted: Floats) -> tuple[Floats, ...]:
    return (((predicted >= 0.5) == (actual >= 0.5)).astype(np.float64),)  # noqa: PLR2004 - the even chance


def _relative(actual: Floats, predicted: Floats) -> tuple[Floats, ...]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return (np.where(actual == 0, np.nan, np.abs(predicted - actual) / np.abs(actual)),)


def _pinball(quantile: float) -> _Figure:
    def terms(actual: Floats, predicted: Floats) -> tuple[Floats, ...]:
        above = actual - predicted
        return (np.maximum(quantile * above, (quantile - 1) * above),)

    return _Figure(_added(terms))


_SQUARED = _added(lambda actual, predicted: ((predicted - actual) ** 2,))
_FIGURES = {
    "mae": _Figure(_added(lambda actual, predicted: (np.abs(predicted - actual),))),
    "rmse": _Figure(_SQUARED, lambda means: np.sqrt(means[..., 0])),
    "bias": _Figure(_added(lambda actual, predicted: (predicted - actual,))),
    "mape": _Figure(_added(_relative)),
    "r2": _Figure(_added(_r2_terms), _r2, greater_is_better=True),
    "brier": _Figure(_SQUARED),
    "log_loss": _Figure(_added(_log_terms)),
    "accuracy": _Figure(_added(_right), greater_is_better=True),
    "roc_auc": _Figure(ranking.coarse, ranking.area, greater_is_better=True, finest=ranking.fine),
    "average_precision": _Figure(ranking.coarse, ranking.average_precision, greater_is_better=True, finest=ranking.fine),
    "calibration_error": _Figure(calibration.bin_errors, calibration.error),
    "calibration_slope": _Figure(calibration.slope_sums, calibration.slope),
}


def _figure(name: str) -> _Figure:
    if name.startswith(PINBALL):
        return _pinball(float(name.removeprefix(PINBALL)))
    if name not in _FIGURES:
        allowed = ", ".join(sorted({*_FIGURES, f"{PINBALL}q"}))
        raise DefinitionError(Code.DEFINITION_RANGE, f"must be one of {allowed}, got {name}", where="metric")
    return _FIGURES[name]
