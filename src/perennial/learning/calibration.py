"""How far probabilities are from frequencies."""

from __future__ import annotations

import numpy as np

from perennial.learning.arrays import Floats, Groups

BINS = 10
"""Bins of equal width between 0 and 1."""

_CLIP = 1e-12
_STEPS = 50
_CLOSE = 1e-10


def bin_errors(actual: Floats, predicted: Floats, groups: Groups, count: int) -> Floats:
    """Return the sums of probability minus class by group and bin of the probability, shape (count, BINS)."""
    bins = np.clip((predicted * BINS).astype(np.intp), 0, BINS - 1)
    return np.bincount(groups * BINS + bins, predicted - actual, count * BINS).reshape(count, BINS).astype(np.float64)


def error(means: Floats) -> Floats:
    """Return the expected calibration error, shape (...): the mean over rows of how far their bin's mean probability is off.

    References:
        Naeini, Cooper, Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning, 2015.
    """
    result: Floats = np.abs(means).sum(axis=-1)
    return result


def slope_sums(actual: Floats, predicted: Floats, groups: Groups, count: int) -> Floats:
    """Return sums by group from which ``slope`` follows, shape (count, 6).

    The slope is b in ``logit(P(class 1)) = a + b * logit(probability)``, fitted by maximum likelihood: 1 where probabilities are
    right, below 1 where they are too extreme. At the fit of all rows, the terms are the gradient and the Hessian of the
    likelihood, and b itself.

    References:
        Cox, Two further applications of a model for binary regression, 1958.
    """
    chance = np.clip(predicted, _CLIP, 1 - _CLIP)
    logit = np.log(chance) - np.log1p(-chance)
    fitted = _fit(logit, actual)
    gradient, hessian = _derivatives(logit, actual, fitted)
    terms = (*gradient, *hessian, np.full(actual.size, fitted[1]))
    return np.stack([np.bincount(groups, term, count) for term in terms], axis=-1)


def slope(means: Floats) -> Floats:
    """Return b, shape (...), one step of Newton's method from the fit of all rows."""
    intercept, steepness, one, cross, square, fitted = (means[..., term] for term in range(means.shape[-1]))
    result: Floats = fitted + (one * steepness - cross * intercept) / (one * square - cross**2)
    return result


def _fit(logit: Floats, actual: Floats) -> tuple[float, float]:
    """Return a and b, NaN where there is no maximum: one class only, or probabilities that separate the classes."""
    at = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        gradient, (one, cross, square) = _derivatives(logit, actual, (float(at[0]), float(at[1])))
        size = float(one.sum() * square.sum() - cross.sum() ** 2)
        if size <= _CLIP * actual.size**2:
            break
        first, second = float(gradient[0].sum()), float(gradient[1].sum())
        step = np.array([square.sum() * first - cross.sum() * second, one.sum() * second - cross.sum() * first]) / size
        at = at + step * min(1.0, 1 / float(np.abs(step).max() + _CLIP))  # no longer than 1, so that it does not run away
        if np.abs(step).max() < _CLOSE:
            return float(at[0]), float(at[1])
    return float("nan"), float("nan")


def _derivatives(logit: Floats, actual: Floats, at: tuple[float, float]) -> tuple[tuple[Floats, Floats], tuple[Floats, ...]]:
    fitted = 1 / (1 + np.exp(-(at[0] + at[1] * logit)))
    rest, weight = actual - fitted, fitted * (1 - fitted)
    return (rest, rest * logit), (weight, weight * logit, weight * logit**2)
