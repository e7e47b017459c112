"""Where a model's predictions of some rows lie."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from perennial.core.receipts import Receipt
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.scoring.models import load_for
from perennial.steps.scoring.scored_rows import scored_rows
from perennial.steps.snapshots.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt


class Spread(Receipt):
    """Mean, standard deviation and ends of predictions, in the label's unit or as probabilities."""

    rows: int
    mean: float
    deviation: float
    low: float
    high: float


def spread(definition: Definition, stores: Stores, rows: Rows, manifest: str) -> Spread:
    """Predict *rows*, of which there is at least one, in bounded memory, and return where the predictions lie.

    Raises:
        ArtifactError: The model is not what was signed, or a part of the rows is lost.
        DataError: SCHEMA_MISSING, SCHEMA_TYPE; PREDICTION_NONFINITE.
        DefinitionError: DEFINITION_ESTIMATOR.
    """
    loaded = load_for(stores, manifest, definition.estimator.task)
    batches = scored_rows(definition.source, rows, loaded)
    return spread_of(np.asarray(batch.column("prediction").to_numpy(), dtype=np.float64) for batch in batches)


def spread_of(parts: Iterable[npt.NDArray[np.float64]]) -> Spread:
    """Return where the numbers of all *parts* lie, of which one at a time is in memory; each has at least one.

    Means and sums of squares are merged pair by pair, so that no part cancels another's digits.

    Examples:
        >>> spread_of([np.array([1.0, 2.0]), np.array([3.0])])
        Spread(rows=3, mean=2.0, deviation=0.816496580927726, low=1.0, high=3.0)

    References:
        Chan, Golub, LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979.
    """
    rows, mean, squares, low, high = 0, 0.0, 0.0, math.inf, -math.inf
    for part in parts:
        total, away = rows + part.size, float(part.mean()) - mean
        squares += float(((part - part.mean()) ** 2).sum()) + away**2 * rows * part.size / total
        mean += away * part.size / total
        low, high, rows = min(low, float(part.min())), max(high, float(part.max())), total
    return Spread(rows=rows, mean=mean, deviation=math.sqrt(squares / rows), low=low, high=high)
