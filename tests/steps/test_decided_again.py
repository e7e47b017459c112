"""When nights that were decided are decided again: where an earlier one changed, and only there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from perennial.core.codes import Code
from perennial.core.errors import UnavailableError
from perennial.core.interval import Interval
from perennial.core.receipts import Decision, NightLoss
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.loop import score
from perennial.testing import MemoryLedger
from perennial.testing.story import day, night

Retrain = Callable[[Definition, Stores, datetime], Any]
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Watched(MemoryLedger):
    """A ledger that notes which nights were measured, and is away for one of them."""

    measured: list[datetime] = field(default_factory=list)
    away_for: list[datetime] = field(default_factory=list)

    def losses(
        self, model: str, segment: str, *, loss: str, within: Interval, as_of: datetime, matured_before: datetime
    ) -> list[NightLoss]:
        """Note the night, and answer."""
        if within.end in self.away_for:
            raise UnavailableError(Code.STORE_UNAVAILABLE, "is away", where="ledger")
        self.measured.append(within.end)
        return super().losses(model, segment, loss=loss, within=within, as_of=as_of, matured_before=matured_before)


@pytest.fixture
def watched() -> Watched:
    """An empty ledger that is watched."""
    return Watched()


@pytest.fixture
def scored(definition: Definition, watched: Watched, new_stores: Callable[..., Stores], retrained: Retrain) -> Stores:
    """Stores over the watched ledger, with nights 31 to 33 scored."""
    stores = new_stores(ledger=watched)
    retrained(definition, stores, day(30))
    for number in (31, 32, 33):
        score(definition, night(number), stores, as_of=day(number + 1))
    watched.measured.clear()
    return stores


def without_hours(rows: pa.Table, interval: Interval) -> pa.Table:
    """Return *rows* without those of an interval."""
    return rows.filter([at not in interval for at in rows.column("event_at").to_pylist()])


def test_a_night_that_says_the_same_again_leaves_later_nights_alone(
    definition: Definition, scored: Stores, watched: Watched
) -> None:
    """Running all nights again measures each once."""
    for number in (31, 32, 33):
        score(definition, night(number), scored, as_of=day(number + 1))
    assert watched.measured == [day(32), day(33), day(34)]


def test_a_night_that_changes_has_later_nights_decided_again(
    definition: Definition, scored: Stores, watched: Watched, tables: dict[str, pa.Table]
) -> None:
    """Its rows are others now; so are later nights' losses, perhaps."""
    tables["conditions"] = without_hours(tables["conditions"], Interval(day(31), day(31) + HOUR))
    score(definition, night(31), scored, as_of=day(32))
    assert watched.measured == [day(32), day(33), day(34)]


def test_a_night_that_is_decided_for_the_first_time_has_later_nights_decided_again(
    definition: Definition, scored: Stores, watched: Watched
) -> None:
    """A backfill."""
    score(definition, night(30), scored, as_of=day(31))
    assert watched.measured == [day(31), day(32), day(33), day(34)]


def test_deciding_again_is_taken_up_where_it_was_interrupted(definition: Definition, scored: Stores, watched: Watched) -> None:
    """The database goes away before the last night was decided again; the cleared task decides it."""
    watched.away_for.append(day(34))
    with pytest.raises(UnavailableError):
        score(definition, night(30), scored, as_of=day(31))
    assert night(30) not in {row.interval for row in scored.ledger.history(Decision, definition.name)}
    watched.away_for.clear()
    watched.measured.clear()
    score(definition, night(30), scored, as_of=day(31))
    assert watched.measured == [day(31), day(32), day(33), day(34)]
