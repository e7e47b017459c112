"""The nights of a reference are those that are scored, wherever the schedule's clock stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from perennial.core.receipts import ModelVersion, Publication
from perennial.definition.models import Definition
from perennial.monitoring.counting.reference import Reference
from perennial.ports import Stores
from perennial.steps.sample import read_sample
from perennial.testing.story import day


def test_a_reference_is_cut_where_nights_are_scored(
    define: Callable[..., Definition], stores: Stores, retrained: Callable[[Definition, Stores, datetime], Publication]
) -> None:
    """Tokyo is nine hours ahead, so midnight there parts the first day of the window, and the last one; so for the kept sample."""
    definition = define(schedule={"timezone": "Asia/Tokyo"})
    retrained(definition, stores, day(30))
    (version,) = stores.ledger.history(ModelVersion, definition.name)
    nights = Reference.from_json(stores.artifacts.get(version.profile)).nights
    rows = [nights[number].rows for number in sorted(nights)]
    assert rows[0] + rows[-1] == 24
    assert set(rows[1:-1]) == {24}
    assert rows[0] in {9, 15}
    assert version.sample is not None
    assert sorted(set(read_sample(stores, version.sample)[1].tolist())) == sorted(nights)
