"""Figures of how well predictions rank the classes, from counts of both classes along the predictions.

Counts have the shape (..., 2, steps): class 0 and class 1, from the lowest to the highest prediction, flat: (..., 2 * steps).
"""

from __future__ import annotations

import numpy as np

from perennial.learning.arrays import Floats, Groups

STEPS = 1024


def fine(actual: Floats, predicted: Floats, groups: Groups, count: int) -> Floats:
    """Return counts by group with a step for every prediction, shape (count, 2 * steps)."""
    values, steps = np.unique(predicted, return_inverse=True)
    return _counted(actual, steps, values.size, groups, count)


def coarse(actual: Floats, predicted: Floats, groups: Groups, count: int) -> Floats:
    """Return counts by group with at most ``STEPS`` steps of about equally many rows, shape (count, 2 * steps)."""
    values, steps, rows = np.unique(predicted, return_inverse=True, return_counts=True)
    if values.size > STEPS:
        steps = (np.cumsum(rows) - 1)[steps] * STEPS // predicted.size
    return _counted(actual, steps, min(values.size, STEPS), groups, count)


def area(means: Floats) -> Floats:
    """Return the chance that a row of class 1 lies above one of class 0, a tie counting half; shape (...)."""
    zeros, ones = _classes(means)
    below = np.cumsum(zeros, axis=-1) - zeros / 2
    result: Floats = np.sum(ones * below, axis=-1) / (ones.sum(axis=-1) * zeros.sum(axis=-1))
    return result


def average_precision(means: Floats) -> Floats:
    """Return the mean precision over the rows of class 1, each at the threshold of its own prediction; shape (...).

    NaN where either class is missing.
    """
    zeros, ones = _classes(means)
    hits = np.cumsum(ones[..., ::-1], axis=-1)[..., ::-1]
    named = hits + np.cumsum(zeros[..., ::-1], axis=-1)[..., ::-1]
    precision = np.divide(hits, named, out=np.zeros_like(hits), where=named > 0)
    result: Floats = np.sum(ones * precision, axis=-1) / np.where(zeros.sum(axis=-1) > 0, ones.sum(axis=-1), 0)
    return result


def _counted(actual: Floats, steps: Groups, width: int, groups: Groups, count: int) -> Floats:
    positive = actual >= 0.5  # noqa: PLR2004 - classes are 0 and 1
    cells = (groups * 2 + positive) * width + steps
    return np.bincount(cells, minlength=count * 2 * width).reshape(count, 2 * width).astype(np.float64)


def _classes(means: Floats) -> tuple[Floats, Floats]:
    width = means.shape[-1] // 2
    return means[..., :width], means[..., width:]
