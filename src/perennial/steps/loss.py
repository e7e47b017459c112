"""The loss that is watched after labels come: the one behind the metric that decides."""

from __future__ import annotations

import math
from dataclasses import dataclass

from perennial.core.receipts import Evaluation
from perennial.definition.models import Definition, Metric, Task


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


def loss_of(definition: Definition) -> Loss:
    """Return the loss to watch: squared for rmse, Brier for brier, else absolute (regression) or log (binary)."""
    if definition.estimator.task is Task.BINARY:
        return BRIER if definition.evaluation.metric is Metric.BRIER else LOG
    return SQUARED if definition.evaluation.metric is Metric.RMSE else ABSOLUTE


def evaluated_loss(definition: Definition, evaluation: Evaluation) -> float:
    """Return the challenger's mean loss on its holdout, in the unit of the loss.

    NaN where the evaluation has no such figure, because the definition's metric was another one then; the next retraining
    evaluates it.
    """
    loss = loss_of(definition)
    figure = evaluation.metrics["challenger"].get(loss.metric.value)
    if figure is None:
        return math.nan
    return figure.value**2 if loss.metric is Metric.RMSE else figure.value
