"""One policy on its way through the history: its ledger, and what is told of its nights and retrainings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from perennial.backtest.chronicle import Chronicle
from perennial.backtest.policies import Policy
from perennial.backtest.replay import Event
from perennial.core.codes import Code
from perennial.core.file_errors import file_errors
from perennial.core.interval import Interval
from perennial.core.receipts import (
    ALL,
    Action,
    Evaluation,
    Measurement,
    ModelVersion,
    NightLoss,
    Purpose,
    Receipt,
    Role,
    SignalState,
    Verdict,
)
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.measuring.loss import loss_of

_LOST = {Code.ARTIFACT_MISSING, Code.ARTIFACT_CHECKSUM}
"""No night is told to have failed because somebody removes the cache while it is used."""


class TriedNight(Receipt):
    """What a policy did about a night: its decision, the alarms by kind, what was at fault, and who predicted it.

    *known* is the cut-off of what the champion was trained on. *losses* are those of its predictions and of the baseline's, over
    *labelled* rows; None where the night was not predicted, or no label came.
    """

    interval: Interval
    action: Action | None
    rule: str | None = None
    alarms: tuple[str, ...] = ()
    fault: str | None = None
    version: str | None = None
    known: datetime | None = None
    labelled: int = 0
    loss: float | None = None
    baseline: float | None = None


class TriedRetraining(Receipt):
    """One retraining: when, what asked for it, what it cost, and whether its challenger became champion."""

    at: datetime
    cause: str
    version: str | None = None
    promoted: bool = False
    verdict: Verdict | None = None
    seconds: float = 0.0
    sentence: str = ""


@dataclass(slots=True)
class Lane:
    """A policy under way.

    Attributes:
        policy: The policy.
        definition: The definition under the policy.
        stores: With a ledger of its own.
        ledger: The same ledger, before it is leased.
        events: What happens, as it is done.
        pairs: A file for predictions and labels, which together may be larger than the memory.
        segment: Of which segment.
    """

    policy: Policy
    definition: Definition
    stores: Stores
    ledger: Chronicle
    events: Iterator[Event]
    pairs: Path
    segment: str = ALL
    nights: dict[Interval, TriedNight] = field(default_factory=dict)
    retrainings: list[TriedRetraining] = field(default_factory=list)
    _cause: str = ""

    def advance(self, night: Interval) -> None:
        """Do all up to and with the scoring of *night*.

        Raises:
            ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM: what was on the shelf a moment ago is damaged or gone.
        """
        for event in self.events:
            if event.error is not None and event.error.code in _LOST:
                raise event.error
            if event.purpose is Purpose.SCORE:
                self._night(event)
                if event.interval == night:
                    return
            else:
                self._retraining(event)

    def finish(self) -> None:
        """Do what is left after the last night."""
        for event in self.events:
            self._retraining(event)

    def settle(self, at: datetime) -> None:
        """Take the losses of the nights that have settled by a moment, and keep their predictions and labels in the file."""
        losses, pairs = self.ledger.forget(self.definition.name, self.segment, loss=loss_of(self.definition).name, at=at)
        for loss in losses:
            self._lost(loss)
        with file_errors("scratch"), self.pairs.open("ab") as file:
            for night in sorted(pairs):
                at_s = np.full(len(pairs[night]), night.start.timestamp())
                file.write(np.column_stack([at_s, pairs[night]]).tobytes())

    def kept_pairs(self) -> npt.NDArray[np.float64]:
        """Return when each row's night began, in seconds since 1970, its prediction and its label: shape (rows, 3)."""
        with file_errors("scratch"):
            return np.fromfile(self.pairs, np.float64).reshape(-1, 3)

    def _lost(self, loss: NightLoss) -> None:
        told = {"loss": loss.loss, "labelled": loss.labelled} if loss.role is Role.CHAMPION else {"baseline": loss.loss}
        if loss.role is not Role.SHADOW:
            self.nights[loss.interval] = self.nights[loss.interval].model_copy(update=told)

    def _night(self, event: Event) -> None:
        decision = event.decision
        if decision is None:
            self.nights[event.interval] = TriedNight(interval=event.interval, action=None, fault=str(event.error))
            return
        measured = self.ledger.get(Measurement, decision.measurement)
        version = self.ledger.get(ModelVersion, measured.version) if measured.version else None
        self._cause = decision.rule
        self.nights[event.interval] = TriedNight(
            interval=event.interval,
            action=decision.action,
            rule=decision.rule,
            alarms=tuple(signal.kind for signal in decision.signals if signal.state is SignalState.ALARM),
            fault=decision.sentence if decision.action is Action.QUARANTINE else None,
            version=version.id if version else None,
            known=version.as_of if version else None,
        )

    def _retraining(self, event: Event) -> None:
        """Take down a retraining. What the schedule left out, as another request stood against it, is none."""
        if event.skipped is not None:
            return
        if event.publication is None:
            self.retrainings.append(TriedRetraining(at=event.at, cause=self._cause, sentence=str(event.error)))
            return
        evaluation = self.ledger.get(Evaluation, event.publication.evaluation)
        version = self.ledger.get(ModelVersion, evaluation.challenger)
        self.retrainings.append(
            TriedRetraining(
                at=event.at,
                cause=version.reason if version.reason == "scheduled" else self._cause,
                version=version.id,
                promoted=event.publication.promoted,
                verdict=evaluation.verdict,
                seconds=version.fit_seconds or 0.0,
                sentence=event.publication.sentence,
            )
        )
