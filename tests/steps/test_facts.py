"""The facts of a night: what the night before showed, and whose refusals count."""

from __future__ import annotations

import pytest

from perennial.core.receipts import PromotionKind, Purpose, Verdict
from perennial.definition.models import Definition
from perennial.monitoring.decision.policy import Facts
from perennial.ports import Ledger, Stores
from perennial.steps.deciding.facts import facts_of
from perennial.testing.story import DAY, Story, day, night


def known(definition: Definition, stores: Stores, number: int, version: int = 0) -> Facts:
    """Record the night's measurement under a champion, and return its facts."""
    story = Story(model=definition.name)
    story.keep_night(stores.ledger, number)
    measured = stores.ledger.record(story.measurement(number, version))
    return facts_of(definition, night(number), stores, measured, story.validation(number))


def refuse(story: Story, ledger: Ledger, number: int, request: str | None = None, *, champion: str | None = None) -> None:
    """Record a challenger that was trained at the end of day *number*, and refused."""
    ledger.record(story.snapshot(number, Purpose.TRAIN))
    ledger.record(story.validation(number, Purpose.TRAIN))
    ledger.record(story.version(number, request))
    ledger.record(story.evaluation(number, champion, verdict=Verdict.FAIL))


@pytest.fixture
def reigning(definition: Definition, stores: Stores) -> Stores:
    """Stores with a champion that took over on day 1."""
    Story(model=definition.name).keep_champion(stores.ledger)
    return stores


def test_the_figures_of_the_night_before_are_known(definition: Definition, reigning: Stores) -> None:
    """Each by its signal's name; of the first night nothing is."""
    assert known(definition, reigning, 2).before == {}
    assert known(definition, reigning, 3).before == {"loss": float("inf")}


def test_the_night_before_another_champion_says_nothing(definition: Definition, reigning: Stores) -> None:
    """Its evidence was about somebody else."""
    Story(model=definition.name).keep_version(reigning.ledger, 1)
    known(definition, reigning, 2, version=0)
    assert known(definition, reigning, 3, version=1).before == {}


def test_a_night_that_is_missing_is_no_night_before(definition: Definition, reigning: Stores) -> None:
    """Evidence of the day before yesterday is older than that."""
    known(definition, reigning, 2)
    assert known(definition, reigning, 4).before == {}


@pytest.mark.parametrize(("origin", "answers"), [("decision of the night", 1), ("schedule", 0)])
def test_refused_answers_are_those_to_decisions(definition: Definition, reigning: Stores, origin: str, answers: int) -> None:
    """All refusals count for the breaker, whoever asked."""
    story, ledger = Story(model=definition.name), reigning.ledger
    asked = story.request(5).model_copy(update={"origin": origin})
    ledger.request_retraining(asked, cooldown=DAY, max_per_30d=None)
    refuse(story, ledger, 5, asked.id)
    facts = known(definition, reigning, 8)
    assert (facts.refused_in_a_row, facts.answers_refused) == (1, answers)
    assert facts.since_answer == (day(9) - day(5) if answers else None)


def test_a_challenger_that_was_evaluated_again_is_one_challenger(definition: Definition, reigning: Stores) -> None:
    """Three attempts on a machine that failed do not stop retraining; whether the last one passes is what counts."""
    story, ledger = Story(model=definition.name), reigning.ledger
    refuse(story, ledger, 4)
    refuse(story, ledger, 5)
    for attempt in ("a", "b"):
        again = story.evaluation(5, verdict=Verdict.ERROR)
        ledger.record(again.model_copy(update={"id": f"{again.id}-{attempt}"}))
    assert known(definition, reigning, 8).refused_in_a_row == 2
    passed = story.evaluation(5, verdict=Verdict.PASS)
    ledger.record(passed.model_copy(update={"id": f"{passed.id}-c"}))
    assert known(definition, reigning, 9).refused_in_a_row == 0


def test_a_refusal_at_the_nights_own_end_is_not_known_yet(definition: Definition, reigning: Stores) -> None:
    """It may be the answer to this night."""
    story = Story(model=definition.name)
    refuse(story, reigning.ledger, 8)
    assert known(definition, reigning, 8).refused_in_a_row == 0
    assert known(definition, reigning, 9).refused_in_a_row == 1


def test_a_promotion_clears_the_count_whenever_it_takes_effect(definition: Definition, reigning: Stores) -> None:
    """Who was compared with another champion was not refused by this one: a person may let an earlier version in from before."""
    story, ledger = Story(model=definition.name), reigning.ledger
    before = story.keep_version(ledger, 1)
    for number in (5, 6):
        refuse(story, ledger, number, champion=story.version(0).id)
    assert known(definition, reigning, 8).refused_in_a_row == 2
    back = {"version": before.id, "epoch": 2, "kind": PromotionKind.ROLLBACK, "evaluation": None, "effective_from": day(3)}
    ledger.promote(story.promotion(2, 1).model_copy(update=back))
    assert known(definition, reigning, 8, version=1).refused_in_a_row == 0
    refuse(story, ledger, 7, champion=before.id)
    assert known(definition, reigning, 8, version=1).refused_in_a_row == 1
