"""Rules about judging a model: figures that fit the task, a figure that can decide, expectations that exist."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.core.codes import Code
from perennial.definition.document import Finding
from perennial.definition.models import Definition, Metric, Task
from perennial.definition.partial import complete

DECIDING = {
    Task.REGRESSION: (Metric.MAE, Metric.RMSE, Metric.PINBALL),
    Task.BINARY: (Metric.LOG_LOSS, Metric.BRIER, Metric.ACCURACY),
}
"""Figures that are a mean loss over rows. No ranking (ROC AUC) can decide: its model may be wrong by any factor. Nor can a bias."""

REPORTED = {
    Task.REGRESSION: (Metric.MAE, Metric.RMSE, Metric.R2, Metric.BIAS, Metric.MAPE, Metric.PINBALL),
    Task.BINARY: (
        Metric.LOG_LOSS,
        Metric.BRIER,
        Metric.ROC_AUC,
        Metric.AVERAGE_PRECISION,
        Metric.ACCURACY,
        Metric.BIAS,
        Metric.CALIBRATION_ERROR,
        Metric.CALIBRATION_SLOPE,
    ),
}
"""Figures that can be computed for a task."""


def metric(definition: Definition) -> Iterator[Finding]:
    """The figure that decides can decide for this task."""
    task, given = definition.estimator.task, definition.evaluation.metric
    if given not in DECIDING[task]:
        message = f"must be {_either(DECIDING[task])} to decide about a {task} model, got {given}"
        yield Finding(("evaluation", "metric"), Code.DEFINITION_RANGE, message)


def report(definition: Definition) -> Iterator[Finding]:
    """The other figures exist for this task."""
    task = definition.estimator.task
    for index, given in enumerate(definition.evaluation.report):
        if given and given not in REPORTED[task]:
            message = f"must be {_either(REPORTED[task])} for a {task} model, got {given}"
            yield Finding(("evaluation", "report", index), Code.DEFINITION_RANGE, message)


def floor(definition: Definition) -> Iterator[Finding]:
    """The largest error of a probability is less than 1, or the floor demands nothing."""
    given = definition.evaluation.gates.floor
    if definition.estimator.task is Task.BINARY and given and given.within >= 1:
        message = f"must be less than 1 for a binary model, got {given.within}"
        yield Finding(("evaluation", "gates", "floor", "within"), Code.DEFINITION_RANGE, message)


def quantile(definition: Definition) -> Iterator[Finding]:
    """The loss of a quantile has its quantile."""
    evaluation = definition.evaluation
    if Metric.PINBALL in (evaluation.metric, *evaluation.report) and evaluation.quantile is None:
        yield Finding(("evaluation", "quantile"), Code.DEFINITION_RANGE, "must be given for the metric pinball, such as 0.9")


def calibration(definition: Definition) -> Iterator[Finding]:
    """Only probabilities are calibrated."""
    if definition.evaluation.gates.calibration and definition.estimator.task is not Task.BINARY:
        message = f"must stand in the definition of a binary model only, this one is a {definition.estimator.task} model"
        yield Finding(("evaluation", "gates", "calibration"), Code.DEFINITION_RANGE, message)


def slices(definition: Definition) -> Iterator[Finding]:
    """The gate of the slices has slices."""
    if definition.evaluation.gates.slices and not definition.evaluation.slices:
        yield Finding(("evaluation", "gates", "slices"), Code.DEFINITION_RANGE, "needs columns in evaluation.slices, got none")


def noise(definition: Definition) -> Iterator[Finding]:
    """There are as many features as must be better than random numbers."""
    given, features = definition.evaluation.gates.noise, definition.features
    count = len(features.columns) + len(features.time)
    if given and given.among > count:
        message = f"must be at most the number of features, {count}, got {given.among}"
        yield Finding(("evaluation", "gates", "noise", "among"), Code.DEFINITION_RANGE, message)


def search(definition: Definition) -> Iterator[Finding]:
    """No parameter is both fixed and searched for."""
    searched = definition.estimator.search
    for name in searched.parameters if searched else ():
        if name in definition.estimator.parameters:
            message = "must not stand in estimator.parameters too"
            yield Finding(("estimator", "search", "parameters", name), Code.DEFINITION_RANGE, message)


def expectations(definition: Definition) -> Iterator[Finding]:
    """Every expectation is supported, and its arguments fit."""
    from perennial.quality.catalog import faults  # noqa: PLC0415 - only a definition with expectations needs the catalogue

    for index, expectation in enumerate(definition.expectations):
        for sentence in faults(expectation.type, expectation.arguments) if complete(expectation) else ():
            yield Finding(("expectations", index), Code.DEFINITION_EXPECTATION, sentence)


def _either(metrics: tuple[Metric, ...]) -> str:
    *others, last = metrics
    return f"{', '.join(others)} or {last}"
