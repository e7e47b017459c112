"""What the pages of model health show, as the ledger tells it: small records, many at a time."""

from __future__ import annotations

import math

from pydantic import computed_field

from perennial.core.interval import Interval
from perennial.core.receipts import (
    ALL,
    Action,
    BatchState,
    Moment,
    PromotionKind,
    Receipt,
    RequestState,
    Role,
    Verdict,
)

SURE = 1.959964
"""Standard errors to each side of a mean between which it lies 95 times in 100."""


class Standing(Receipt):
    """How one model and segment stands: its champion, what was decided last, and what waits.

    *kind*, *epoch*, *version*, *since* and *by* are of the newest promotion; *version* is None where it retired the model. *night*
    and what follows it are of the last decision. *drift* is the largest PSI of that night as a share of its column's threshold.
    *request* is the retrain request that is open or claimed. *waits* is the newest evaluation, where it passed and nobody has
    answered or promoted it.
    """

    model: str
    segment: str = ALL
    kind: PromotionKind | None = None
    epoch: int | None = None
    version: str | None = None
    since: Moment | None = None
    by: str | None = None
    night: Interval | None = None
    decision: str | None = None
    action: Action | None = None
    rule: str | None = None
    sentence: str | None = None
    measurement: str | None = None
    drift: float | None = None
    drifted: str | None = None
    request: str | None = None
    request_state: RequestState | None = None
    request_reason: str | None = None
    waits: str | None = None
    challenger: str | None = None


class Night(Receipt):
    """What was decided last about a night, what its validation said, and its losses as they were measured last.

    What was not decided, or not predicted, is None. *loss* and *square* are the means of the champion's losses and of their squares
    over *labelled* of *predicted* rows; *baseline* and *shadow* are mean losses.
    """

    interval: Interval
    decision: str | None = None
    action: Action | None = None
    rule: str | None = None
    sentence: str | None = None
    request: str | None = None
    version: str | None = None
    validation: str | None = None
    verdict: Verdict | None = None
    rows: int | None = None
    quarantined: int | None = None
    predicted: int = 0
    labelled: int = 0
    loss: float | None = None
    square: float | None = None
    baseline: float | None = None
    shadow: float | None = None

    @computed_field  # type: ignore[prop-decorator] # mypy knows no property below a decorator
    @property
    def low(self) -> float | None:
        """The lower end of the loss's 95 % interval, which takes rows for independent; None with fewer than two labels."""
        reach = self._reach
        return None if reach is None or self.loss is None else max(self.loss - reach, 0.0)

    @computed_field  # type: ignore[prop-decorator] # the same
    @property
    def high(self) -> float | None:
        """The upper end of it."""
        reach = self._reach
        return None if reach is None or self.loss is None else self.loss + reach

    @property
    def _reach(self) -> float | None:
        """How far the ends of the interval are from the loss: the standard error of a mean, as often as 95 % ask for."""
        if self.loss is None or self.square is None or self.labelled < 2:  # noqa: PLR2004 - one row has no spread
            return None
        return SURE * math.sqrt(max(self.square - self.loss**2, 0.0) / (self.labelled - 1))


class Sketch(Receipt):
    """The losses of a model and segment over its newest nights, by role: when each night starts, in epoch seconds, and its loss."""

    nights: dict[Role, tuple[float, ...]]
    losses: dict[Role, tuple[float, ...]]


class Foretold(Receipt):
    """A prediction of one entity, where it comes from, and the newest label, if one has come."""

    event_at: Moment
    prediction: float
    low: float | None
    high: float | None
    label: float | None
    label_at: Moment | None
    role: Role
    state: BatchState
    version: str
    epoch: int
    batch: str
    snapshot: str
    validation: str
    interval: Interval
