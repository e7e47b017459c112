"""The audit has nothing against a model that a person brings back after its retirement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from perennial.core.receipts import ALL, Evaluation, Publication
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.audit import audit
from perennial.steps.promote import promote
from perennial.steps.retire import retire
from perennial.testing.story import day


def test_a_version_that_was_compared_with_the_champion_that_was_retired_is_sound(
    define: Callable[..., Definition], stores: Stores, retrained: Callable[[Definition, Stores, datetime], Publication]
) -> None:
    """It waited for a person's approval; the model was retired; the person promotes it."""
    definition = define()
    human = define(publish={"approval": "human"})
    retrained(definition, stores, day(28))
    retrained(human, stores, day(33))
    [waiting] = stores.ledger.history(Evaluation, definition.name, newest=1)
    retire(definition, ALL, stores, effective_from=day(30), reason="over", actor="ana")

    done = promote(human, stores, version=waiting.challenger, reason="not over", actor="ana")

    assert (done.promoted, done.champion, done.epoch) == (True, waiting.challenger, 3)
    assert audit(stores) == []
