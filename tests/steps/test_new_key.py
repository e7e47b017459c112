"""What becomes of an installation that got a new signing key, by the book: retire the champion, train anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from perennial.core.receipts import Promotion, PromotionKind, Publication, Role
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.collect import collect
from perennial.steps.loop import score
from perennial.testing import MemoryArtifacts
from perennial.testing.story import day, night


def test_a_retired_champion_of_the_old_key_is_replaced_and_its_artifacts_stay(
    define: Callable[..., Definition],
    new_stores: Callable[..., Stores],
    retrained: Callable[[Definition, Stores, datetime], Publication],
) -> None:
    """The night after is predicted, by the new champion, which is the shadow too; garbage collection goes on as before."""
    stores = new_stores(artifacts=MemoryArtifacts(lambda: day(0)))
    definition = define(publish={"shadow": "first_champion"})
    assert retrained(definition, stores, day(30)).promoted
    renewed = replace(stores, signing_key=bytes(range(32)), loaded={})
    gone = {"version": None, "kind": PromotionKind.RETIRE, "evaluation": None, "reason": "a new key", "actor": "tests"}
    champion = renewed.ledger.history(Promotion, definition.name)[-1]
    renewed.ledger.promote(champion.model_copy(update={**gone, "epoch": champion.epoch + 1}))

    assert retrained(definition, renewed, day(33)).promoted

    score(definition, night(34), renewed, as_of=night(34).end)
    batches = renewed.ledger.predictions(definition.name, role=Role.SHADOW, within=night(34))
    newest = renewed.ledger.champion(definition.name)
    assert newest is not None
    assert set(batches.column("version").to_pylist()) == {newest.version}
    assert collect([definition], renewed, now=day(400)).artifacts == ()
