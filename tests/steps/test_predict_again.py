"""A rollback that has nights predicted again: superseding batches, each whole, and the same ledger whatever comes in between."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest

from perennial.core.codes import Code
from perennial.core.errors import RejectedError, UnavailableError
from perennial.core.receipts import (
    Decision,
    ModelVersion,
    Promotion,
    PromotionKind,
    Publication,
    Snapshot,
)
from perennial.definition.models import Definition
from perennial.demo.report import ORPHANS
from perennial.ports import Stores
from perennial.steps.audit import audit
from perennial.steps.loop import score
from perennial.steps.predict_again import predict_again
from perennial.steps.rollback import rollback
from perennial.stores.query import query
from perennial.testing import MemoryArtifacts, MemoryLedger
from perennial.testing.interruptions import Interruption, interrupted
from perennial.testing.ledger_records import Records
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
COUNTS = """
    SELECT (b.interval_start AT TIME ZONE 'UTC')::date - DATE '2024-03-01', b.state, b.version, count(*), count(DISTINCT p.event_at)
    FROM perennial.prediction_batch b JOIN perennial.prediction p ON p.batch = b.number
    WHERE b.role = :role GROUP BY b.number ORDER BY 1, 2
"""

PROMOTED_BY = """
    SELECT DISTINCT promotion_epoch, promoted_by FROM perennial.prediction_lineage
    WHERE state = 'current' AND interval_start >= '2024-04-03 00:00Z'
"""


@pytest.fixture
def reigned(definition: Definition, postgres_stores: Stores, retrained: Retrain, tables: dict[str, pa.Table]) -> Stores:
    """A champion of day 30 with the nights 31 and 32, and one of day 33 with the nights 33 to 36, of which 34 is a data fault."""
    retrained(definition, postgres_stores, day(30))
    for number in range(31, 37):
        if number == 33:
            assert retrained(definition, postgres_stores, day(33)).promoted
        good = tables["conditions"]
        if number == 34:
            tables["conditions"] = frozen(good)
        score(definition, night(number), postgres_stores, as_of=day(number + 1))
        tables["conditions"] = good
    return postgres_stores


def frozen(rows: pa.Table) -> pa.Table:
    """Return rows that no validation lets through."""
    return rows.set_column(rows.column_names.index("temperature"), "temperature", pa.array(np.full(rows.num_rows, -200.0)))


def versions(stores: Stores, definition: Definition) -> tuple[str, str]:
    """Return the two champions."""
    first, second = (row.id for row in stores.ledger.history(ModelVersion, definition.name))
    return first, second


def go_back(definition: Definition, stores: Stores, since: datetime, **more: Any) -> Promotion:
    """Roll back at the end of night 36, from *since* on."""
    return rollback(definition, "all", stores, effective_from=day(37), reason="too low", actor="ana", since=since, **more)


def batches(url: str, role: str = "champion") -> list[tuple[int, str, str]]:
    """Return (day, state, version) of all batches of a role, each of which has all 24 rows of its night."""
    found = cast("list[tuple[int, str, str, int, int]]", query(url, COUNTS, {"role": role}))
    assert {(rows, events) for *_, rows, events in found} == {(24, 24)}
    return [(number, state, version) for number, state, version, _, _ in found]


def test_nights_are_predicted_again_by_the_old_champion(definition: Definition, reigned: Stores, ledger_url: str) -> None:
    """Those since the moment, the data fault aside; what was current then is superseded, and nothing is lost."""
    first, second = versions(reigned, definition)

    row = go_back(definition, reigned, day(33))
    nights = predict_again(definition, "all", reigned, since=day(33))

    assert (row.kind, row.version, row.epoch, row.effective_from) == (PromotionKind.ROLLBACK, first, 3, day(33))
    assert [(found.interval, found.failed, len(found.batches)) for found in nights] == [
        (night(33), False, 2),
        (night(34), False, 0),
        (night(35), False, 2),
        (night(36), False, 2),
    ]
    assert nights[1].sentence == "the night is a data fault, so nothing was predicted"
    expected = [(31, "current", first), (32, "current", first)]
    for number in (33, 35, 36):
        expected += [(number, "current", first), (number, "superseded", second)]
    assert batches(ledger_url) == batches(ledger_url, "baseline") == expected
    assert query(ledger_url, ORPHANS) == [(0,)]
    assert query(ledger_url, PROMOTED_BY) == [(3, "ana")]
    assert audit(reigned) == []


def test_nights_before_the_moment_keep_their_champion(definition: Definition, reigned: Stores, ledger_url: str) -> None:
    """A night is one of those if it ends after the moment."""
    first, second = versions(reigned, definition)

    go_back(definition, reigned, day(36))
    nights = predict_again(definition, "all", reigned, since=day(36))

    assert [found.interval for found in nights] == [night(36)]
    current = [(number, version) for number, state, version in batches(ledger_url) if state == "current"]
    assert current == [(31, first), (32, first), (33, second), (35, second), (36, first)]


def test_predicting_again_twice_is_predicting_again_once(definition: Definition, reigned: Stores, ledger_url: str) -> None:
    """The same call with the version's name goes on where it was interrupted: the row stands, and no batch is added."""
    first, _ = versions(reigned, definition)
    row = go_back(definition, reigned, day(33))
    once = predict_again(definition, "all", reigned, since=day(33))
    before = batches(ledger_url)

    again = go_back(definition, reigned, day(33), to=first)

    assert again == row
    assert predict_again(definition, "all", reigned, since=day(33)) == once
    assert batches(ledger_url) == before
    assert len(reigned.ledger.history(Promotion, definition.name)) == 3


def test_promise_13_nights_that_run_again_end_in_the_same_ledger(definition: Definition, reigned: Stores, ledger_url: str) -> None:
    """After the rollback a clear of the night's run has it predicted by the old champion, as the call would have."""
    first, second = versions(reigned, definition)
    go_back(definition, reigned, day(33))
    for number in (36, 33):
        score(definition, night(number), reigned, as_of=day(number + 1))
    predict_again(definition, "all", reigned, since=day(33))
    for number in (35, 32):
        score(definition, night(number), reigned, as_of=day(number + 1))
    current = [(number, version) for number, state, version in batches(ledger_url) if state == "current"]
    assert current == [(number, first) for number in (31, 32, 33, 35, 36)]
    assert {version for _, state, version in batches(ledger_url) if state == "superseded"} == {second}


def test_what_was_decided_then_stays(definition: Definition, reigned: Stores) -> None:
    """Only the predictions are others."""
    before = reigned.ledger.history(Decision, definition.name)
    go_back(definition, reigned, day(33))
    predict_again(definition, "all", reigned, since=day(33))
    assert reigned.ledger.history(Decision, definition.name) == before


def test_a_version_does_not_predict_nights_that_it_knows(definition: Definition, reigned: Stores) -> None:
    """Nor nights to come; the message says which ones it may predict."""
    first, second = versions(reigned, definition)
    for since, got in ((day(32), "2024-04-02T00:00:00Z"), (day(38), "2024-04-08T00:00:00Z")):
        with pytest.raises(RejectedError) as caught:
            go_back(definition, reigned, since, to=second)
        found = (
            f"{second} may predict those from 2024-04-03T00:00:00Z on, and the last one ended at 2024-04-07T00:00:00Z, got {got}"
        )
        assert str(caught.value) == f"bikes_small: nights to predict again: {found} [PROMOTE_REFUSED]"
    assert len(reigned.ledger.history(Promotion, definition.name)) == 2
    assert go_back(definition, reigned, day(30), to=first).effective_from == day(30)


def test_a_version_that_is_gone_back_to_at_an_early_moment_reigns_only_from_where_its_knowledge_ends(
    definition: Definition, reigned: Stores, ledger_url: str
) -> None:
    """Also without nights to predict again: those before are nobody else's either, so that a clear of one changes nothing."""
    first, second = versions(reigned, definition)
    go_back(definition, reigned, day(31), to=first)

    row = rollback(definition, "all", reigned, effective_from=day(32), reason="no, it was right", actor="ana", to=second)

    assert (row.version, row.effective_from) == (second, day(33))
    for number in (32, 33):
        score(definition, night(number), reigned, as_of=day(number + 1))
    current = {number: version for number, state, version in batches(ledger_url) if state == "current"}
    assert (current[32], current[33]) == (first, second)
    assert audit(reigned) == []


def test_a_champion_can_predict_again_what_came_before_its_rollback(
    definition: Definition, reigned: Stores, ledger_url: str
) -> None:
    """Somebody rolled back without it, and wants it a day later: by the version's name."""
    first, _ = versions(reigned, definition)
    rollback(definition, "all", reigned, effective_from=day(37), reason="too low", actor="ana")
    row = go_back(definition, reigned, day(35), to=first)
    predict_again(definition, "all", reigned, since=day(35))
    assert (row.version, row.epoch, row.effective_from) == (first, 4, day(35))
    current = {number: version for number, state, version in batches(ledger_url) if state == "current"}
    assert (current[35], current[36]) == (first, first)


def test_a_night_whose_snapshot_is_lost_does_not_keep_the_others(
    definition: Definition, championed: Stores, retrained: Retrain
) -> None:
    """It is told, and keeps the predictions that it has."""
    second = retrained(definition, championed, day(33)).champion
    for number in (33, 34):
        score(definition, night(number), championed, as_of=day(number + 1))
    lost = championed.ledger.history(Snapshot, definition.name, within=night(33))[-1]
    championed.artifacts.delete(lost.digest)

    row = rollback(definition, "all", championed, effective_from=day(35), reason="too low", actor="ana", since=day(33))
    nights = predict_again(definition, "all", championed, since=day(33))

    assert [(found.interval, found.failed, len(found.batches)) for found in nights] == [(night(33), True, 0), (night(34), False, 2)]
    assert nights[0].sentence.endswith(f"[{Code.ARTIFACT_MISSING}]")
    predicted = championed.ledger.predictions(definition.name, within=night(33))
    again = championed.ledger.predictions(definition.name, within=night(34))
    assert set(predicted.column("version").to_pylist()) == {second}
    assert set(again.column("version").to_pylist()) == {row.version}


def test_the_shadow_predicts_again_too(define: Define, stores: Stores, retrained: Retrain) -> None:
    """A night that is predicted again has every role that it had."""
    definition = define(publish={"shadow": "first_champion"})
    for at in (30, 32, 34):
        retrained(definition, stores, day(at))
    score(definition, night(34), stores, as_of=day(35))
    rollback(definition, "all", stores, effective_from=day(35), reason="too low", actor="ana", since=day(34))
    [found] = predict_again(definition, "all", stores, since=day(34))
    assert len(found.batches) == 3


def copied(stores: Stores) -> Stores:
    """Return stores of their own with the same rows and artifacts."""
    records, artifacts = cast("MemoryLedger", stores.ledger).records, MemoryArtifacts()
    held = {item.name: deepcopy(getattr(records, item.name)) for item in fields(Records) if item.name != "lock"}
    artifacts.contents.update(cast("MemoryArtifacts", stores.artifacts).contents)
    return replace(stores, ledger=MemoryLedger(records=Records(**held)), artifacts=artifacts)


def test_promise_4_an_interruption_anywhere_is_mended_by_the_same_call(
    definition: Definition, championed: Stores, retrained: Retrain
) -> None:
    """At every second call to a store, before or after it was done: each night is whole at any time, and ends as it should."""
    first = championed.ledger.history(Promotion, definition.name)[0].version
    second = retrained(definition, championed, day(33)).champion
    for number in (33, 34):
        score(definition, night(number), championed, as_of=day(number + 1))

    def call(stores: Stores) -> set[tuple[str | None, int]]:
        rollback(definition, "all", stores, effective_from=day(35), reason="low", actor="ana", to=first, since=day(33))
        predict_again(definition, "all", stores, since=day(33))
        return standing(definition, stores)

    counting = Interruption(at=sys.maxsize)
    assert call(interrupted(copied(championed), counting)) == {(first, 24)}
    for at in range(1, counting.calls + 1, 2):
        stores = copied(championed)
        with suppress(UnavailableError):
            call(interrupted(stores, Interruption(at=at, after=at % 4 == 1)))
        assert standing(definition, stores) <= {(first, 24), (second, 24)}
        assert call(stores) == {(first, 24)}
        assert len(stores.ledger.history(Promotion, definition.name)) == 3
    assert counting.calls > 30


def standing(definition: Definition, stores: Stores) -> set[tuple[str | None, int]]:
    """Return the version and the number of rows of what is current in each of the two nights."""
    nights = [stores.ledger.predictions(definition.name, within=night(number)) for number in (33, 34)]
    found = [(set(rows.column("version").to_pylist()), rows.num_rows) for rows in nights]
    assert [len(versions) for versions, _ in found] == [1, 1]
    return {(versions.pop(), rows) for versions, rows in found}
