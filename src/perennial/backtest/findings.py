"""What came of a backtest: a row for each policy, what they look like side by side, and which one is recommended."""

from __future__ import annotations

from datetime import datetime

from perennial.backtest.lane import TriedNight, TriedRetraining
from perennial.backtest.nightly import BLOCK
from perennial.backtest.policies import Policy
from perennial.core.interval import Interval
from perennial.core.receipts import Estimate, Receipt
from perennial.steps.calibrate import Calibration


class TriedPolicy(Receipt):
    """What a policy would have done.

    *loss* is the mean a row on the nights that all policies predicted, *worst* that of the worst 30 nights on end; *gain* is by how
    much the loss lies below that of never retraining. *figures* are those that the definition evaluates, on all rows of these
    nights. *refused* counts challengers that did not become champion, *alarms* nights with one, *faults* nights whose data was at
    fault. *seconds* is the time of the fits. *cost* is that of losses and retrainings.
    """

    policy: Policy
    loss: Estimate
    gain: Estimate | None = None
    figures: dict[str, Estimate]
    worst: float
    retrainings: int
    refused: int
    alarms: int
    faults: int
    seconds: float
    cost: float | None = None
    best: bool = False
    pareto: bool = False


class Control(Receipt):
    """What an honest comparison is held against: a figure that needs no policy, or no reason."""

    name: str
    loss: Estimate
    retrainings: int
    sentence: str


class Aged(Receipt):
    """The loss of models of one age, in days from *youngest* to *oldest*, beside that of the freshest one on the same nights."""

    youngest: float
    oldest: float | None
    nights: int
    loss: Estimate
    beside_freshest: Estimate


class Monitored(Receipt):
    """What the settings of the monitoring would have done on the nights under a *policy*, and what to do about them."""

    policy: str
    calibration: Calibration
    advice: str


class Recommendation(Receipt):
    """Which policy to put into the definition, the sentence that says why, and the lines."""

    policy: str
    sentence: str
    lines: str


class Timeline(Receipt):
    """What happened under a policy."""

    policy: str
    nights: tuple[TriedNight, ...]
    retrainings: tuple[TriedRetraining, ...]


class Findings(Receipt):
    """What came of a backtest.

    *nights* are those that all policies predicted and that have labels, *left_out* those that some did not. *block* is how many
    nights were drawn together for the intervals. *fits* is how many models were really fitted, *asked* how many were asked for.
    """

    model: str
    segment: str
    loss: str
    within: Interval
    as_of: datetime
    nights: int
    left_out: int
    block: int = BLOCK
    policies: tuple[TriedPolicy, ...]
    controls: tuple[Control, ...]
    staleness: tuple[Aged, ...]
    monitoring: Monitored | None = None
    recommendation: Recommendation | None
    timelines: tuple[Timeline, ...]
    fits: int
    asked: int
