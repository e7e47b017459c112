"""The loss that is watched after labels come: the one behind the metric that decides."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from perennial.core.receipts import Evaluation
from perennial.definition.models import Definition, Metric, Task
from perennial.monitoring.loss.decay import Evaluated
from perennial.monitoring.loss.variation import Variation
from perennial.monitoring.psi import Floats


@dataclass(frozen=True, slots=True)
class Loss:
    """A mean loss per row.

    Attributes:
        name: What the ledger computes: absolute, squared or log.
        metric: The evaluated figure that it is compared with.
        words: How a sentence calls it.
    """

    name: str
    metric: Metric
    words: str


ABSOLUTE = Loss("absolute", Metric.MAE, "mean absolute error")
SQUARED = Loss("squared", Metric.RMSE, "mean squared error")
LOG = Loss("log", Metric.LOG_LOSS, "log-loss")
BRIER = Loss("squared", Metric.BRIER, "Brier score")

_CLIP = 1e-15


def loss_of(definition: Definition) -> Loss:
    """Return the loss to watch: squared for rmse, Brier for brier, else absolute (regression) or log (binary)."""
    if definition.estimator.task is Task.BINARY:
        return BRIER if definition.evaluation.metric is Metric.BRIER else LOG
    return SQUARED if definition.evaluation.metric is Metric.RMSE else ABSOLUTE


def row_losses(name: str, actual: Floats, predicted: Floats) -> Floats:
    """Return the loss of each row, shape (rows,), as ``ports.Ledger.losses`` computes it.

    Args:
        name: absolute, squared or log.
        actual: Shape (rows,), the labels.
        predicted: Shape (rows,).
    """
    if name == LOG.name:
        chance = np.clip(predicted, _CLIP, 1 - _CLIP)
        return -(actual * np.log(chance) + (1 - actual) * np.log(1 - chance))
    with np.errstate(over="ignore"):
        return np.abs(actual - predicted) if name == ABSOLUTE.name else (actual - predicted) ** 2


def evaluated(definition: Definition, evaluation: Evaluation, variation: Variation | None = None) -> Evaluated:
    """Return the challenger's mean loss on its holdout, in the unit of the loss, with the upper end of its interval.

    NaN where the evaluation has no such figure, because the definition's metric was another one then; the next retraining
    evaluates it.
    """
    loss = loss_of(definition)
    figure = evaluation.metrics["challenger"].get(loss.metric.value)
    if figure is None:
        return Evaluated(loss=math.nan)
    power = 2 if loss.metric is Metric.RMSE else 1
    most = None if figure.high is None else figure.high**power
    return Evaluated(loss=figure.value**power, most=most, variation=variation)
