"""Promise 13 where a night was predicted without being decided: its task was cleared alone, or the run was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from perennial.core.interval import Interval
from perennial.core.receipts import ALL, Decision, Measurement, Publication, Purpose, Snapshot, Validation
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.loop import score
from perennial.steps.predict import predict
from perennial.steps.rollback import rollback
from perennial.testing.story import day, night

Retrain = Callable[[Definition, Stores, datetime], Publication]


def predict_alone(definition: Definition, stores: Stores, number: int) -> None:
    """Predict a night again from its snapshot and its validation, and decide nothing."""
    [snapshot] = [row for row in stores.ledger.history(Snapshot, definition.name, within=night(number)) if _scored(row)]
    [validation] = [row for row in stores.ledger.history(Validation, definition.name, within=night(number)) if _scored(row)]
    predict(definition, night(number), stores, snapshot=snapshot, validation=validation)


def _scored(row: Snapshot | Validation) -> bool:
    return row.purpose is Purpose.SCORE


def said(definition: Definition, stores: Stores) -> dict[Interval, tuple[Any, Any]]:
    """Return the decision and the measurement that stand for each night."""
    decisions = {row.interval: row for row in stores.ledger.history(Decision, definition.name)}
    return {at: (decision, stores.ledger.get(Measurement, decision.measurement)) for at, decision in decisions.items()}


def test_later_nights_that_saw_other_predictions_are_decided_again(
    definition: Definition, stores: Stores, retrained: Retrain
) -> None:
    """The second champion predicts night 31 and nothing more; the first comes back; whichever night is then run last."""
    first = retrained(definition, stores, day(28)).champion
    for number in (31, 32):
        score(definition, night(number), stores, as_of=day(number + 1))
    before = said(definition, stores)
    assert retrained(definition, stores, day(30)).epoch == 2
    predict_alone(definition, stores, 31)
    rollback(definition, ALL, stores, effective_from=day(34), since=day(28), to=first, reason="worse", actor="ana")
    for number in (32, 31):
        score(definition, night(number), stores, as_of=day(number + 1))
    assert said(definition, stores) == before
