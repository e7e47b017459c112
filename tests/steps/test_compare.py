"""Comparing two versions by hand, on rows that neither was trained on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from perennial.core.errors import DataError, RejectedError
from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, ModelVersion, Publication, Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.simulation.world import CITY
from perennial.steps.compare import compare
from perennial.steps.retire import retire
from perennial.testing.story import day

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]


@pytest.fixture
def versions(definition: Definition, championed: Stores, retrained: Retrain) -> list[str]:
    """Three versions, of days 30, 33 and 40; the newest holdout ends on day 39."""
    for at in (33, 40):
        retrained(definition, championed, day(at))
    return [version.id for version in championed.ledger.history(ModelVersion, definition.name)]


def test_two_versions_are_scored_on_rows_that_neither_was_trained_on(
    definition: Definition, championed: Stores, versions: list[str]
) -> None:
    """From the end of the later one's training rows, which is before the newest holdout, to the end of that."""
    found = compare(definition, championed, first=versions[1], second=versions[0])
    assert found.interval == Interval(day(29), day(39))
    assert 200 < found.rows <= 240
    assert set(found.metrics) == {versions[0], versions[1]}
    assert found.metrics[versions[0]]["mae"] != found.metrics[versions[1]]["mae"]
    assert "mae" in found.sentence


def test_the_figures_change_sides_with_the_versions(definition: Definition, championed: Stores, versions: list[str]) -> None:
    """They belong to a version, not to its place in the question."""
    one = compare(definition, championed, first=versions[1], second=versions[0])
    other = compare(definition, championed, first=versions[0], second=versions[1])
    assert one.metrics == other.metrics
    assert (one.interval, one.rows) == (other.interval, other.rows)


def test_the_newest_holdout_gives_the_figures_of_its_evaluation(
    definition: Definition, championed: Stores, versions: list[str]
) -> None:
    """The newest version beside another one is scored on just its holdout."""
    [evaluation] = championed.ledger.history(Evaluation, definition.name, newest=1)
    found = compare(definition, championed, first=versions[2], second=versions[1])
    assert (found.interval, found.rows) == (evaluation.holdout, evaluation.rows)
    assert found.metrics[versions[2]] == evaluation.metrics["challenger"]
    assert found.metrics[versions[1]] == evaluation.metrics["champion"]


def test_versions_that_are_not_there_are_unknown(definition: Definition, championed: Stores, versions: list[str]) -> None:
    """Either of them."""
    with pytest.raises(RejectedError, match=r"^ledger: there is no ModelVersion 'nothing' \[MODEL_UNKNOWN\]$"):
        compare(definition, championed, first=versions[0], second="nothing")


def test_without_rows_that_are_new_to_both_there_is_nothing_to_compare(
    definition: Definition, championed: Stores, versions: list[str]
) -> None:
    """A version that was trained up to the newest label."""
    ledger = championed.ledger
    newest = ledger.get(ModelVersion, versions[2])
    later = {"id": "later", "training_run": "later", "trained_on": Interval(day(10), day(39))}
    ledger.record(newest.model_copy(update=later))
    with pytest.raises(DataError) as caught:
        compare(definition, championed, first="later", second=versions[0])
    assert str(caught.value) == f"later and {versions[0]}: no labelled row after 2024-04-09 [DATA_EMPTY]"


def test_before_anything_was_evaluated_there_is_nothing_to_compare(
    definition: Definition, championed: Stores, new_stores: Callable[..., Stores]
) -> None:
    """Versions without an evaluation, in a ledger of their own."""
    [version] = championed.ledger.history(ModelVersion, definition.name)
    stores = new_stores()
    stores.ledger.record(championed.ledger.get(Snapshot, version.snapshot))
    stores.ledger.record(championed.ledger.get(Validation, version.validation))
    stores.ledger.record(version)
    with pytest.raises(DataError, match=r"^bikes_small: nothing was evaluated yet \[DATA_EMPTY\]$"):
        compare(definition, stores, first=version.id, second=version.id)


def test_the_gates_are_told_for_the_first_version(definition: Definition, championed: Stores, versions: list[str]) -> None:
    """As if it were a challenger of the other one, with the sentence of each."""
    found = compare(definition, championed, first=versions[2], second=versions[1])
    [evaluation] = championed.ledger.history(Evaluation, definition.name, newest=1)
    of_evaluation = {gate.gate: gate for gate in evaluation.gates}
    assert [gate.gate for gate in found.gates] == ["baseline", "champion"]
    assert [of_evaluation[gate.gate] for gate in found.gates] == list(found.gates)
    assert found.sentence == of_evaluation["champion"].sentence


def test_slices_are_told_by_version(define: Define, stores: Stores, retrained: Retrain) -> None:
    """The deciding figure of both, for each value of each slice."""
    definition = define(evaluation={"slices": ["city"]})
    for at in (30, 33):
        retrained(definition, stores, day(at))
    first, second = (version.id for version in stores.ledger.history(ModelVersion, definition.name))
    found = compare(definition, stores, first=first, second=second)
    assert set(found.metrics) == {first, second, f"{first}[city={CITY}]", f"{second}[city={CITY}]"}
    assert found.metrics[f"{first}[city={CITY}]"]["mae"] == found.metrics[first]["mae"]


def test_versions_that_are_champion_no_more_or_never_were_are_compared(
    define: Define, definition: Definition, championed: Stores, versions: list[str], retrained: Retrain
) -> None:
    """One of a retired model, and one that was refused."""
    retire(definition, "all", championed, effective_from=day(40), reason="no more bikes", actor="ana")
    zero = {"path": "sklearn.dummy:DummyRegressor", "parameters": {"strategy": "constant", "constant": 0.0}}
    assert not retrained(define(estimator=zero), championed, day(41)).promoted
    refused = championed.ledger.history(ModelVersion, definition.name)[-1].id
    found = compare(definition, championed, first=versions[2], second=refused)
    assert found.metrics[versions[2]]["mae"].value < found.metrics[refused]["mae"].value
    assert found.gates[1].verdict is Verdict.PASS


def test_versions_of_two_models_are_not_compared(
    define: Define, definition: Definition, championed: Stores, versions: list[str], retrained: Retrain
) -> None:
    """Their figures mean different things."""
    other = define(name="other_bikes")
    retrained(other, championed, day(33))
    [stranger] = championed.ledger.history(ModelVersion, "other_bikes")
    with pytest.raises(RejectedError) as caught:
        compare(definition, championed, first=versions[0], second=stranger.id)
    assert str(caught.value) == f"{stranger.id}: must be a version of bikes_small, is one of other_bikes [MODEL_UNKNOWN]"


def test_versions_of_two_segments_are_not_compared(definition: Definition, championed: Stores, versions: list[str]) -> None:
    """They are about different entities."""
    own = championed.ledger.get(ModelVersion, versions[0])
    championed.ledger.record(own.model_copy(update={"id": "northern", "training_run": "northern", "segment": "north"}))
    with pytest.raises(RejectedError) as caught:
        compare(definition, championed, first=versions[0], second="northern")
    assert str(caught.value) == "northern: must be of segment all, is of north [MODEL_UNKNOWN]"


def test_a_version_that_cannot_predict_these_rows_is_named(define: Define, championed: Stores, retrained: Retrain) -> None:
    """The newest evaluation's rows lack a column that the older version needs."""
    definition = define(features={"numeric": ["temperature", "humidity"]})
    retrained(definition, championed, day(33))
    older, newer = (version.id for version in championed.ledger.history(ModelVersion, definition.name))
    with pytest.raises(DataError) as caught:
        compare(definition, championed, first=newer, second=older)
    assert str(caught.value) == f"{older}: wet: is not among the rows' columns [SCHEMA_MISSING]"
