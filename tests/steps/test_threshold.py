"""A plain threshold of the definition decides about inputs, predictions and labels in place of the budget."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from perennial.core.receipts import Measurement, SignalState
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.loop import score
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Any]
WIDE = {"evaluation": {"holdout": "8d"}, "schedule": {"window": {"kind": "sliding", "length": "28d"}}}


@pytest.mark.parametrize(("psi", "state"), [(1e-6, SignalState.ALARM), (99.0, SignalState.QUIET)])
def test_a_plain_threshold_is_what_is_compared_with(
    define: Define, stores: Stores, retrained: Retrain, psi: float, state: SignalState
) -> None:
    """Of every column, of predictions and of labels; the test of all columns together keeps its budget."""
    definition = define(**WIDE, monitoring={"threshold": {"psi": psi}})
    assert retrained(definition, stores, day(30)).promoted
    decision = score(definition, night(31), stores, as_of=day(32))
    measured = stores.ledger.get(Measurement, decision.measurement)
    found = {signal.kind: signal for signal in decision.signals}
    assert [found[kind].state for kind in ("drift", "prediction_drift", "label_drift")] == [state] * 3
    assert [column.threshold for column in measured.drift] == [psi] * 5
    assert found["multivariate"].state is SignalState.QUIET


def test_the_one_test_that_is_left_has_the_whole_budget(define: Define, stores: Stores, retrained: Retrain) -> None:
    """Beside a plain threshold it shares with nobody, so that less of an area is needed."""
    definition = define(**WIDE)
    assert retrained(definition, stores, day(30)).promoted
    allowed = []
    for monitoring in ({}, {"threshold": {"psi": 0.25}}):
        decision = score(define(**WIDE, monitoring=monitoring), night(31), stores, as_of=day(32))
        (told,) = (signal for signal in decision.signals if signal.kind == "multivariate")
        allowed.append(told.threshold or 0.0)
    assert allowed[1] < allowed[0]
