"""Several challengers of one cut-off, and windows whose cut-off is later than their end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, Promotion, Publication, Purpose
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.evaluate import evaluate
from perennial.steps.extract import extract
from perennial.steps.loop import score
from perennial.steps.publish import publish
from perennial.steps.train import train
from perennial.steps.validate import validate
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]


def later(definition: Definition, stores: Stores, window: Interval, as_of: datetime) -> Publication:
    """Run a retraining on *window* whose cut-off is later than its end."""
    snapshot = extract(definition, window, stores, purpose=Purpose.TRAIN, as_of=as_of)
    validation = validate(definition, window, stores, snapshot=snapshot)
    version = train(definition, window, stores, snapshot=snapshot, validation=validation, reason="a test")
    evaluation = evaluate(definition, window, stores, snapshot=snapshot, validation=validation, version=version)
    return publish(definition, window, stores, evaluation=evaluation, actor="tests")


def test_a_second_version_at_the_cut_off_of_the_champion_is_compared_with_it(
    define: Define, championed: Stores, retrained: Retrain
) -> None:
    """A changed definition, trained at once, competes with the champion of the same moment and may replace it."""
    definition = define(estimator={"seed": 1})
    first = championed.ledger.history(Promotion, definition.name)[0]
    second = retrained(definition, championed, day(30))
    evaluation = championed.ledger.history(Evaluation, definition.name)[-1]
    assert (second.promoted, second.epoch, evaluation.champion) == (True, 2, first.version)
    assert set(evaluation.metrics) == {"challenger", "champion", "baseline"}


def test_clearing_a_retraining_after_another_one_of_its_moment_changes_nothing(
    define: Define, definition: Definition, championed: Stores, retrained: Retrain
) -> None:
    """A version that was promoted keeps the evaluation that it was promoted with."""
    first = championed.ledger.history(Evaluation, definition.name)
    retrained(define(estimator={"seed": 1}), championed, day(30))
    promotions = championed.ledger.history(Promotion, definition.name)
    evaluations = championed.ledger.history(Evaluation, definition.name)
    again = retrained(definition, championed, day(30))
    assert (again.promoted, again.epoch, again.evaluation) == (True, 1, first[0].id)
    assert championed.ledger.history(Promotion, definition.name) == promotions
    assert {row.id for row in championed.ledger.history(Evaluation, definition.name)} == {row.id for row in evaluations}


def test_a_cut_off_after_the_windows_end_takes_effect_only_then(definition: Definition, championed: Stores) -> None:
    """The nights between the window's end and the cut-off are not predicted by what knows their labels."""
    [first] = championed.ledger.history(Promotion, definition.name)
    second = later(definition, championed, training_window(definition, day(33)), day(36))
    assert second.promoted
    assert championed.ledger.history(Promotion, definition.name)[-1].effective_from == day(36)
    for number, version in ((34, first.version), (36, second.champion)):
        score(definition, night(number), championed, as_of=day(number + 1))
        predicted = championed.ledger.predictions(definition.name, within=night(number))
        assert set(predicted.column("version").to_pylist()) == {version}


def test_a_challenger_is_compared_with_the_champion_of_its_cut_off(
    definition: Definition, championed: Stores, retrained: Retrain
) -> None:
    """Another champion came between the window's end and the cut-off: the challenger knows more than that one, too."""
    between = retrained(definition, championed, day(37))
    published = later(definition, championed, training_window(definition, day(35)), day(38))
    evaluation = championed.ledger.get(Evaluation, published.evaluation)
    assert between.promoted
    assert (evaluation.champion, evaluation.holdout) == (between.champion, Interval(day(33), day(34)))


def test_a_training_ignores_what_was_said_of_a_night_after_its_cut_off(definition: Definition, championed: Stores) -> None:
    """A night that failed as of its end, and was repaired with a later cut-off, is left out of a training of the time between."""
    tables = championed.source("bikes").tables  # type: ignore[attr-defined]  # the tests' source is one in memory
    good = tables["conditions"]
    at = good.column("event_at").to_pylist()
    tables["conditions"] = good.filter([moment not in night(31) or moment.hour < 6 for moment in at])
    score(definition, night(31), championed, as_of=day(32))
    tables["conditions"] = good
    score(definition, night(31), championed, as_of=day(36))
    found = []
    for cut_off in (day(34), day(38)):
        window = training_window(definition, cut_off)
        snapshot = extract(definition, window, championed, purpose=Purpose.TRAIN, as_of=cut_off)
        found.append(validate(definition, window, championed, snapshot=snapshot).quarantined)
    assert found == [24, 0]
