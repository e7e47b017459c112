"""The figures that a definition evaluates, on all rows of a backtest at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from perennial.backtest.nightly import Nightly
from perennial.core.receipts import Estimate
from perennial.definition.models import Definition
from perennial.learning.bootstrap import estimate, resampled


def figures(definition: Definition, pairs: npt.NDArray[np.float64], nightly: Nightly) -> dict[str, Estimate]:
    """Return the deciding figure and those that are reported, each with the interval of a bootstrap over blocks of nights.

    Args:
        definition: The model.
        pairs: Shape (rows, 3): when the row's night began, in seconds since 1970, its prediction, its label.
        nightly: The nights that count.
    """
    evaluation = definition.evaluation
    starts = np.array([night.start.timestamp() for night in nightly.nights])
    positions = np.searchsorted(starts, pairs[:, 0])
    counts = np.isin(pairs[:, 0], starts)
    predicted, actual, blocks = pairs[counts, 1], pairs[counts, 2], nightly.blocks[positions[counts]]
    names = dict.fromkeys(evaluation.figure(metric) for metric in (evaluation.metric, *evaluation.report))
    return {name: estimate(resampled(name, actual, predicted, blocks), nightly.block_count) for name in names}
