"""What a model looks at: by how much its loss grows when the values of one column are shuffled among the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from perennial.core.receipts import Importance
from perennial.learning.arrays import Floats
from perennial.learning.metrics import loss
from perennial.learning.predict import raw_predictions
from perennial.learning.shuffled import Places, shuffled_predictions

ROWS = 20_000
"""The most rows that are looked at."""

SHUFFLES = 5
"""How often each column is shuffled."""

_CELLS, _LEAST = 200_000, 1000
"""Rows times columns that are looked at: with more than 10 columns fewer rows, but not fewer than 1 000."""


def rows_looked_at(rows: int, columns: int, *, seed: int) -> Places:
    """Return which of *rows* rows are enough to tell what a model looks at, in their order.

    They are cut into as many stretches as are wanted, and one is drawn out of each. So they are spread evenly over the time, and
    where rows repeat in a rhythm (the same hundred stations every hour), they do not fall into step with it.

    Args:
        rows: How many there are.
        columns: How many features there are.
        seed: Seed of the draw.

    Returns:
        Shape (wanted,), positions from 0.
    """
    wanted = min(ROWS, max(_CELLS // max(columns, 1), _LEAST))
    if rows <= wanted:
        return np.arange(rows)
    ends = np.arange(wanted + 1) * rows // wanted
    return np.random.default_rng(seed).integers(ends[:-1], ends[1:])


def permutation_importance(
    model: BaseEstimator, frame: pd.DataFrame, actual: Floats, *, task: str, metric: str, seed: int
) -> dict[str, Importance]:
    """Return by how much the loss of *model* grows when a column is shuffled, by column.

    A column that tells the same as another one seems to matter little, as the model still has the other.

    Args:
        model: A fitted estimator.
        frame: The features of rows that it was not fitted on.
        actual: Shape (rows,), their labels.
        task: ``regression`` or ``binary``.
        metric: The figure whose loss it is, see ``metrics``.
        seed: Seed of the shuffles, which are the same for all columns.

    Returns:
        By column, in the loss's unit; only where it is defined.

    Raises:
        DefinitionError: DEFINITION_ESTIMATOR, the model cannot predict the frame.

    References:
        Breiman, Random forests, 2001, section 10; Fisher, Rudin, Dominici, All models are wrong, but many are useful, 2019.
    """
    draw = np.random.default_rng(seed)
    orders = np.stack([draw.permutation(len(frame)) for _ in range(SHUFFLES)])
    least = loss(metric, actual, raw_predictions(model, frame, task=task))
    found = {
        name: np.array([loss(metric, actual, once) for once in predicted]) - least
        for name, predicted in shuffled_predictions(model, frame, orders, task=task)
    }
    return {name: _importance(growth) for name, growth in found.items() if np.isfinite(growth).all()}


def _importance(growth: Floats) -> Importance:
    return Importance(mean=float(growth.mean()), low=float(growth.min()), high=float(growth.max()))
