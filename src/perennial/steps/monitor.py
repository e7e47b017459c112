"""monitor: what moved in the night's inputs, and what the loss did on the labels that have come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.core.digest import digest_json
from perennial.core.interval import Interval
from perennial.core.receipts import (
    Evaluation,
    Measurement,
    NightLoss,
    Predicted,
    Promotion,
    Signal,
    Snapshot,
    Validation,
)
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.champion import champion_of, version_of
from perennial.steps.judging.outlook import outlook_in
from perennial.steps.measuring.budget import budget
from perennial.steps.measuring.loss import loss_of
from perennial.steps.measuring.loss_signals import Watched, loss_signals
from perennial.steps.measuring.movements import Movements, Night, movements
from perennial.steps.measuring.outcomes import record_outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def monitor(
    definition: Definition, interval: Interval, stores: Stores, *, snapshot: Snapshot, validation: Validation, predicted: Predicted
) -> Measurement:
    """Measure the night as of its cut-off: drift of its inputs, decay of the champion on every matured label.

    A night that is a data fault, or was not predicted, has no drift; its labels are taken in all the same.
    """
    record_outcomes(definition, snapshot.segment, interval, stores, as_of=snapshot.as_of)
    return measure(definition, interval, stores, snapshot=snapshot, validation=validation, predicted=predicted)


def measure(
    definition: Definition,
    interval: Interval,
    stores: Stores,
    *,
    snapshot: Snapshot,
    validation: Validation,
    predicted: Predicted,
    moves: Callable[[Night, float], Movements] = movements,
) -> Measurement:
    """Measure from what the ledger holds; a pure function of it and of the night's snapshot. *moves* says what moved."""
    promotion = champion_of(stores, definition.name, snapshot.segment, interval)
    version = version_of(stores, promotion)
    losses: Sequence[NightLoss] = ()
    signals: list[Signal] = []
    moved = Movements([], [], None, None)
    sliced: Sequence[NightLoss] = ()
    if promotion is not None and version is not None:
        losses = _losses(definition, interval, stores, promotion, snapshot)
        evaluation = _evaluation(stores, promotion)
        outlook = outlook_in(stores, evaluation)
        night = Night(definition, interval, stores, version, outlook, snapshot, validation, predicted)
        moved = moves(night, budget(definition, interval.length, None).movements)
        watched = Watched(definition, interval, stores, version.id, evaluation, snapshot, version.profile, moved.profile, outlook)
        lost, sliced = loss_signals(watched, losses)
        signals += [*lost, *moved.signals]
    recent = [night for night in losses if night.interval.end > interval.start - definition.label.settled]
    recent += [loss for loss in sliced if loss not in recent]
    content = {
        "validation": validation.id,
        "version": version.id if version else None,
        "signals": [signal.model_dump(mode="json") for signal in signals],
        "drift": [column.model_dump(mode="json") for column in moved.columns],
        "losses": [night.model_dump(mode="json") for night in recent],
    }
    return stores.ledger.record(
        Measurement(
            id=digest_json(content)[:32],
            model=definition.name,
            segment=snapshot.segment,
            interval=interval,
            as_of=snapshot.as_of,
            version=version.id if version else None,
            validation=validation.id,
            profile=moved.profile,
            outlook=moved.outlook,
            drift=tuple(moved.columns),
            losses=tuple(recent),
            signals=tuple(signals),
        )
    )


def _losses(
    definition: Definition, interval: Interval, stores: Stores, promotion: Promotion, snapshot: Snapshot
) -> list[NightLoss]:
    reign = Interval(promotion.effective_from - interval.length, interval.end)
    return stores.ledger.losses(
        definition.name,
        snapshot.segment,
        loss=loss_of(definition).name,
        within=reign,
        as_of=snapshot.as_of,
        matured_before=snapshot.as_of - definition.label.delay,
    )


def _evaluation(stores: Stores, promotion: Promotion) -> Evaluation | None:
    """Return the evaluation that the champion passed; after a rollback, the one that it passed the first time."""
    known = [promotion, *reversed(stores.ledger.history(Promotion, promotion.model, promotion.segment))]
    evaluation = next((row.evaluation for row in known if row.version == promotion.version and row.evaluation), None)
    return stores.ledger.get(Evaluation, evaluation) if evaluation else None
