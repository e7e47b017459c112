"""Promises 9 and 11: every prediction leads back to all that made it, and the same inputs make the same predictions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from perennial.core.receipts import Approval, BatchState, Evaluation, ModelVersion, Promotion, Publication, Role, Validation
from perennial.definition.models import Definition
from perennial.demo.report import ORPHANS
from perennial.ports import Stores
from perennial.simulation.world import CITY
from perennial.steps.loop import score
from perennial.steps.promote import promote
from perennial.stores.query import query
from perennial.testing.story import DAY, day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]


@pytest.fixture
def human(define: Define) -> Definition:
    """The small definition with a shadow, whose promotions a person approves."""
    return define(publish={"approval": "human", "shadow": "first_champion"})


@pytest.fixture
def two_reigns(human: Definition, postgres_stores: Stores, retrained: Retrain) -> Stores:
    """A ledger with two promotions by a person, and a night under each champion."""
    for at in (30, 33):
        retrained(human, postgres_stores, day(at))
        [evaluation] = postgres_stores.ledger.history(Evaluation, human.name, newest=1)
        promote(human, postgres_stores, version=evaluation.challenger, reason="fresher", actor="ana")
        score(human, night(at), postgres_stores, as_of=day(at + 1))
    return postgres_stores


@pytest.mark.usefixtures("two_reigns")
def test_promise_9_no_prediction_is_an_orphan(ledger_url: str) -> None:
    """Each of them joins to its batch, version, run, snapshot, validation and promotion."""
    assert query(ledger_url, ORPHANS) == [(0,)]
    assert query(ledger_url, "SELECT count(*) FROM perennial.prediction") == [(2 * 3 * 24,)]
    assert query(ledger_url, "SELECT count(*) FROM perennial.prediction_lineage") == [(2 * 3 * 24,)]
    assert query(ledger_url, "SELECT count(*) FROM perennial.current_prediction") == [(2 * 24,)]


def test_promise_9_trace_returns_the_whole_way_back(human: Definition, two_reigns: Stores) -> None:
    """For a champion's prediction: to the data, the checks, the training, the person, and the promotion."""
    ledger, at = two_reigns.ledger, day(33) + 8 * DAY / 24
    [baseline, champion, shadow] = sorted(ledger.trace(human.name, "all", CITY, at), key=lambda row: row.role)
    promotion = ledger.history(Promotion, human.name)[1]
    version = ledger.get(ModelVersion, promotion.version or "")
    [evaluation] = ledger.history(Evaluation, human.name, newest=1)
    validation = ledger.get(Validation, champion.validation)
    assert (champion.role, champion.state, champion.entity, champion.event_at) == (Role.CHAMPION, BatchState.CURRENT, CITY, at)
    assert (champion.interval, champion.version, champion.epoch) == (night(33), version.id, 2)
    assert (champion.training_run, champion.training_snapshot) == (version.training_run, version.snapshot)
    assert (champion.training_validation, champion.code_version) == (version.validation, version.code_version)
    assert (champion.evaluation, champion.promotion_reason) == (evaluation.id, evaluation.sentence)
    assert (champion.promoted_by, champion.approved_by) == ("ana", "ana")
    assert ledger.get(Approval, promotion.approval or "").evaluation == evaluation.id
    assert (validation.snapshot, validation.interval) == (champion.snapshot, night(33))
    assert (baseline.version, shadow.version, shadow.epoch) == (version.id, evaluation.champion, 1)
    predicted = ledger.predictions(human.name, within=night(33)).to_pylist()
    assert [row["prediction"] for row in predicted if row["event_at"] == at] == [champion.prediction]


@pytest.mark.parametrize(
    "path", ["perennial.learning.estimators:ridge_regressor", "perennial.learning.estimators:hist_gradient_boosting_regressor"]
)
def test_promise_11_the_same_inputs_make_the_same_predictions(
    define: Define, new_stores: Callable[..., Stores], retrained: Retrain, path: str
) -> None:
    """Two fresh stores: the same version, the same artifact to the byte, the same predictions to the bit."""
    parameters = {"max_iter": 10} if "boosting" in path else {}
    definition = define(estimator={"path": path, "parameters": parameters})
    found = []
    for stores in (new_stores(), new_stores()):
        retrained(definition, stores, day(30))
        score(definition, night(30), stores, as_of=day(31))
        [version] = stores.ledger.history(ModelVersion, definition.name)
        same = version.model_copy(update={"fit_seconds": None, "fit_memory": None})
        found.append((same, stores.ledger.predictions(definition.name, within=night(30)).to_pylist()))
    assert found[0] == found[1]
    assert len(found[0][1]) == 24


def test_promise_11_another_seed_or_snapshot_is_another_version(
    define: Define, stores: Stores, new_stores: Callable[..., Stores], retrained: Retrain
) -> None:
    """Ids tell apart what differs."""
    retrained(define(), stores, day(30))
    retrained(define(), stores, day(31))
    other = new_stores()
    retrained(define(estimator={"seed": 1}), other, day(30))
    versions = [*stores.ledger.history(ModelVersion, "bikes_small"), *other.ledger.history(ModelVersion, "bikes_small")]
    assert len({version.id for version in versions}) == 3
    assert len({version.artifact for version in versions}) == 3
