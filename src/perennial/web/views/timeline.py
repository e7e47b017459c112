"""The nights of a model in a row: what was decided, how large the loss was, how many labels have come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from perennial.core.health import Night
from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, Moment, Promotion, Receipt, RetrainRequest
from perennial.definition.models import Definition, Metric
from perennial.steps.measuring.loss import Loss, loss_of


class Reign(Receipt):
    """A promotion with the loss that its version was evaluated with, and how far that may rise before it counts."""

    promotion: Promotion
    until: Moment
    evaluated: float | None = None
    tolerated: float | None = None


class Timeline(Receipt):
    """The nights of *within* in order, the promotions in force there, and the retrain requests that were filed there.

    *loss* says which loss it is, where the definition is known.
    """

    within: Interval
    loss: str | None
    nights: tuple[Night, ...]
    reigns: tuple[Reign, ...]
    requests: tuple[RetrainRequest, ...]

    @property
    def earlier(self) -> datetime | None:
        """Where the nights before these end; None where nothing says that there are some."""
        first = self.nights[0].interval if self.nights else None
        reigned = any(reign.promotion.effective_from < self.within.start for reign in self.reigns)
        return self.within.start if reigned or (first and first.start - first.length < self.within.start) else None


def timeline(
    within: Interval,
    definition: Definition | None,
    *,
    nights: Iterable[Night],
    promotions: Sequence[Promotion],
    evaluations: Sequence[Evaluation],
    requests: Sequence[RetrainRequest],
) -> Timeline:
    """Put together what was read of one model and segment."""
    loss = loss_of(definition) if definition else None
    tolerance = definition.monitoring.tolerance.loss_increase if definition else 0.0
    return Timeline(
        within=within,
        loss=loss.words if loss else None,
        nights=tuple(nights),
        reigns=tuple(_reigns(within, promotions, evaluations, loss, tolerance)),
        requests=tuple(row for row in requests if row.at in within),
    )


def _reigns(
    within: Interval, promotions: Sequence[Promotion], evaluations: Sequence[Evaluation], loss: Loss | None, tolerance: float
) -> Iterable[Reign]:
    """Yield each promotion that is in force somewhere *within*, until a later one takes over."""
    known = {row.id: row for row in evaluations}
    first = {row.version: row.evaluation for row in reversed(promotions) if row.evaluation}
    for row in promotions:
        later = [max(other.effective_from, row.effective_from) for other in promotions if other.epoch > row.epoch]
        until = min([*later, within.end])
        if row.effective_from < until and until > within.start and row.effective_from < within.end:
            judged = known.get(row.evaluation or first.get(row.version) or "")
            evaluated = _evaluated(judged, loss)
            tolerated = None if evaluated is None else evaluated * (1 + tolerance)
            yield Reign(promotion=row, until=until, evaluated=evaluated, tolerated=tolerated)


def _evaluated(evaluation: Evaluation | None, loss: Loss | None) -> float | None:
    """Return the loss of a row that the challenger was evaluated with, in the unit of the nights' losses."""
    if evaluation is None or loss is None:
        return None
    found = evaluation.metrics.get("challenger", {}).get(loss.metric.value)
    if found is None:
        return None
    return found.value**2 if loss.metric is Metric.RMSE else found.value
