"""Promise 13 for shadows: a night that is run again has the shadow that it had, whoever was retired or promoted since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from perennial.core.receipts import ALL, Publication, Role
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.loop import score
from perennial.steps.retire import retire
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]


def shadow_of(definition: Definition, stores: Stores, number: int) -> set[str]:
    """Score a night, and return the versions that predicted in its shadow."""
    score(definition, night(number), stores, as_of=day(number + 1))
    return set(stores.ledger.predictions(definition.name, role=Role.SHADOW, within=night(number))["version"].to_pylist())


def test_a_night_from_before_a_retirement_keeps_its_shadow(define: Define, stores: Stores, retrained: Retrain) -> None:
    """The first champion after the retirement knows data from after that night; it is the shadow of later nights only."""
    definition = define(publish={"shadow": "first_champion"})
    first = retrained(definition, stores, day(30)).champion
    assert shadow_of(definition, stores, 31) == {first}
    retire(definition, ALL, stores, effective_from=day(33), reason="a new meter", actor="ana")
    second = retrained(definition, stores, day(34)).champion
    assert second not in {None, first}
    assert [shadow_of(definition, stores, number) for number in (31, 34)] == [{first}, {second}]
