"""Promise 8: a failed, inconclusive or worse challenger never changes the champion. Rollback is one command."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from perennial.core.errors import ConflictError, RejectedError
from perennial.core.receipts import (
    Approval,
    Evaluation,
    ModelVersion,
    Promotion,
    PromotionKind,
    Publication,
    Role,
    Verdict,
)
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.approve import approve
from perennial.steps.loop import score
from perennial.steps.promote import promote
from perennial.steps.publish import publish, refused_as_stale
from perennial.steps.rollback import rollback
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
CONSTANT = {"path": "sklearn.dummy:DummyRegressor", "parameters": {"strategy": "constant", "constant": 0.0}}


def evaluated(stores: Stores, definition: Definition) -> Evaluation:
    """Return the newest evaluation."""
    [newest] = stores.ledger.history(Evaluation, definition.name, newest=1)
    return newest


def epochs(stores: Stores, definition: Definition) -> list[tuple[int, str, str | None]]:
    """Return the ledger of promotions: epoch, kind, version."""
    return [(row.epoch, row.kind.value, row.version) for row in stores.ledger.history(Promotion, definition.name)]


def test_promise_8_a_failed_challenger_changes_nothing(
    define: Define, definition: Definition, championed: Stores, retrained: Retrain
) -> None:
    """A model that always predicts 0 is refused, and the next night is predicted by the old champion."""
    [before] = championed.ledger.history(Promotion, definition.name)
    bad = define(estimator=CONSTANT)
    refused = retrained(bad, championed, day(33))
    assert evaluated(championed, definition).verdict is Verdict.FAIL
    assert (refused.promoted, refused.champion, refused.epoch) == (False, before.version, 1)
    assert championed.ledger.history(Promotion, definition.name) == [before]
    score(definition, night(33), championed, as_of=day(34))
    predicted = championed.ledger.predictions(definition.name, within=night(33))
    assert set(predicted.column("version").to_pylist()) == {before.version}


def test_promise_8_an_inconclusive_challenger_changes_nothing(
    define: Define, definition: Definition, championed: Stores, retrained: Retrain
) -> None:
    """The same model three days later is neither proven better nor worse, and superior is the rule."""
    strict = define(evaluation={"gates": {"champion": {"rule": "superior"}}})
    refused = retrained(strict, championed, day(33))
    assert evaluated(championed, definition).verdict is Verdict.INCONCLUSIVE
    assert (refused.promoted, refused.epoch) == (False, 1)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [({"estimator": CONSTANT}, "fail"), ({"evaluation": {"gates": {"champion": {"rule": "superior"}}}}, "inconclusive")],
)
def test_promise_8_nobody_gets_around_a_gate(
    define: Define, championed: Stores, retrained: Retrain, changes: dict[str, Any], verdict: str
) -> None:
    """A person cannot promote what did not pass, and no approval is recorded."""
    definition = define(**changes)
    retrained(definition, championed, day(33))
    evaluation = evaluated(championed, definition)
    with pytest.raises(RejectedError) as caught:
        promote(definition, championed, version=evaluation.challenger, reason="please", actor="ana")
    assert str(caught.value) == f"{evaluation.challenger}: did not pass ({verdict}): {evaluation.sentence} [PROMOTE_REFUSED]"
    assert len(epochs(championed, definition)) == 1
    assert championed.ledger.history(Approval, definition.name) == []


def test_promise_8_what_was_never_evaluated_is_not_promoted(definition: Definition, championed: Stores) -> None:
    """Nor is what does not exist."""
    [version] = championed.ledger.history(ModelVersion, definition.name)
    other = version.model_copy(update={"id": "other", "training_run": "other"})
    championed.ledger.record(other)
    with pytest.raises(RejectedError, match=r"^other: was never evaluated \[PROMOTE_REFUSED\]$"):
        promote(definition, championed, version="other", reason="please", actor="ana")
    with pytest.raises(RejectedError, match=r"^ledger: there is no ModelVersion 'nothing' \[MODEL_UNKNOWN\]$"):
        promote(definition, championed, version="nothing", reason="please", actor="ana")


def test_a_persons_approval_is_waited_for_and_stands_beside_the_promotion(
    define: Define, stores: Stores, retrained: Retrain
) -> None:
    """Publish waits; promote publishes, and the promotion names the approval."""
    definition = define(publish={"approval": "human"})
    waiting = retrained(definition, stores, day(30))
    version = evaluated(stores, definition).challenger
    assert waiting.sentence == f"{version} passed and waits for a person's approval"
    assert (waiting.promoted, waiting.champion, waiting.epoch) == (False, None, None)
    done = promote(definition, stores, version=version, reason="looks right", actor="ana")
    assert (done.promoted, done.champion, done.epoch) == (True, version, 1)
    [promotion] = stores.ledger.history(Promotion, definition.name)
    approval = stores.ledger.get(Approval, promotion.approval or "")
    assert (approval.actor, approval.comment, approval.verdict) == ("ana", "looks right", Verdict.PASS)


def test_a_rejected_approval_refuses(define: Define, stores: Stores, retrained: Retrain) -> None:
    """The person's name and words are the reason."""
    definition = define(publish={"approval": "human"})
    retrained(definition, stores, day(30))
    evaluation = evaluated(stores, definition)
    rejected = approve(evaluation, stores, verdict=Verdict.FAIL, actor="ana", comment="not before Easter")
    window = training_window(definition, day(30))
    refused = publish(definition, window, stores, evaluation=evaluation, approval=rejected, actor="ana")
    assert (refused.promoted, refused.sentence) == (
        False,
        f"{evaluation.challenger} was refused by ana: not before Easter",
    )
    assert epochs(stores, definition) == []


def test_a_stale_evaluation_is_a_conflict(define: Define, stores: Stores, retrained: Retrain) -> None:
    """Two challengers of one moment wait; when one is promoted, the other was not compared with it."""
    first, second = define(publish={"approval": "human"}), define(publish={"approval": "human"}, estimator={"seed": 1})
    retrained(first, stores, day(30))
    waiting = evaluated(stores, first)
    retrained(second, stores, day(30))
    other = evaluated(stores, second)
    assert other.challenger != waiting.challenger
    promote(second, stores, version=other.challenger, reason="ok", actor="ana")
    with pytest.raises(ConflictError) as caught:
        promote(first, stores, version=waiting.challenger, reason="ok", actor="ana")
    found = f"the champion is {other.challenger}, the evaluation compared with None"
    assert str(caught.value) == f"bikes_small {waiting.challenger}: {found} [PROMOTE_CONFLICT]"

    late = approve(waiting, stores, verdict=Verdict.PASS, actor="ben", comment="me too")
    refused = refused_as_stale(waiting, stores, approval=late)
    assert (refused.promoted, refused.champion, refused.epoch) == (False, other.challenger, 1)
    found = f"the champion is {other.challenger} by now, and it was compared with None"
    assert refused.sentence == f"{waiting.challenger} was approved by ben too late: {found}"
    assert len(epochs(stores, first)) == 1


def test_publishing_twice_is_publishing_once(definition: Definition, postgres_stores: Stores, retrained: Retrain) -> None:
    """The second time returns the promotion of the first."""
    first = retrained(definition, postgres_stores, day(30))
    evaluation = evaluated(postgres_stores, definition)
    window = training_window(definition, day(30))
    assert publish(definition, window, postgres_stores, evaluation=evaluation, actor="somebody else") == first
    assert epochs(postgres_stores, definition) == [(1, "promote", first.champion)]


def test_a_retraining_of_the_past_does_not_take_over(definition: Definition, championed: Stores, retrained: Retrain) -> None:
    """It knows less than the champion."""
    [champion] = championed.ledger.history(Promotion, definition.name)
    late = retrained(definition, championed, day(28))
    challenger = evaluated_at(championed, definition, day(28)).challenger
    assert (late.promoted, late.champion) == (False, champion.version)
    assert late.sentence == f"{challenger} knows less than the champion of 2024-03-31, so it was not promoted"


def evaluated_at(stores: Stores, definition: Definition, end: datetime) -> Evaluation:
    """Return the evaluation of the training window that ends at *end*."""
    return next(row for row in stores.ledger.history(Evaluation, definition.name) if row.interval.end == end)


def test_promise_8_rollback_is_one_command(definition: Definition, championed: Stores, retrained: Retrain) -> None:
    """From then on nights are predicted by the old champion; earlier ones stay as they are, also when they run again."""
    first, second = championed.ledger.history(Promotion, definition.name)[0].version, retrained(definition, championed, day(33))
    assert second.promoted
    score(definition, night(33), championed, as_of=day(34))
    row = rollback(definition, "all", championed, effective_from=day(34), reason="too low", actor="ana")
    assert (row.kind, row.version, row.epoch, row.reason, row.actor) == (PromotionKind.ROLLBACK, first, 3, "too low", "ana")
    score(definition, night(34), championed, as_of=day(35))
    score(definition, night(33), championed, as_of=day(34))
    ledger = championed.ledger
    found = [set(ledger.predictions(definition.name, within=night(at)).column("version").to_pylist()) for at in (33, 34)]
    assert found == [{second.champion}, {first}]


def test_rolling_back_twice_goes_back_twice(definition: Definition, championed: Stores, retrained: Retrain) -> None:
    """The second command does not bring back what the first one removed."""
    versions = [championed.ledger.history(Promotion, definition.name)[0].version]
    versions += [retrained(definition, championed, day(at)).champion for at in (33, 36)]
    for expected in (versions[1], versions[0]):
        row = rollback(definition, "all", championed, effective_from=day(37), reason="worse", actor="ana")
        assert row.version == expected
    with pytest.raises(RejectedError, match="MODEL_UNKNOWN"):
        rollback(definition, "all", championed, effective_from=day(37), reason="worse", actor="ana")
    named = rollback(definition, "all", championed, effective_from=day(37), reason="fixed", actor="ana", to=versions[2])
    assert (named.version, named.epoch) == (versions[2], 6)


def test_rolling_back_needs_somewhere_to_go(
    define: Define, definition: Definition, championed: Stores, new_stores: Callable[..., Stores]
) -> None:
    """Neither a model without a champion nor one with a single one has an earlier champion; nor does a name make one."""
    with pytest.raises(RejectedError, match=r"^bikes_small: there is nothing to roll back \[NO_CHAMPION\]$"):
        rollback(define(), "all", new_stores(), effective_from=day(31), reason="worse", actor="ana")
    for to, got in ((None, "none"), ("other", "other")):
        with pytest.raises(RejectedError) as caught:
            rollback(definition, "all", championed, effective_from=day(31), reason="worse", actor="ana", to=to)
        where = "bikes_small: version to roll back to"
        assert str(caught.value) == f"{where}: must be one of no earlier champion, got {got} [MODEL_UNKNOWN]"


def test_a_version_that_was_rolled_back_is_not_promoted_again(
    definition: Definition, championed: Stores, retrained: Retrain
) -> None:
    """Its evaluation was used up; the way back to it is another rollback, and the message says so."""
    second = retrained(definition, championed, day(33)).champion or ""
    row = rollback(definition, "all", championed, effective_from=day(34), reason="too low", actor="ana")
    with pytest.raises(RejectedError) as caught:
        promote(definition, championed, version=second, reason="please", actor="ana")
    found = f"was champion from epoch 2 on and was replaced by {row.version}; roll back to it"
    assert str(caught.value) == f"{second}: {found} [PROMOTE_REFUSED]"


def test_the_breaker_counts_refusals_in_a_row(define: Define, championed: Stores, retrained: Retrain) -> None:
    """A challenger that passes in between, though a person has not approved it yet, starts the count anew."""
    human = {"publish": {"approval": "human"}, "retraining": {"max_age": "1h", "breaker": 2}}
    bad, good = define(**human, estimator=CONSTANT), define(**human)
    retrained(bad, championed, day(32))
    retrained(good, championed, day(33))
    retrained(bad, championed, day(34))
    assert score(good, night(34), championed, as_of=day(35)).rule == "max_age"
    retrained(bad, championed, day(35))
    assert score(good, night(35), championed, as_of=day(36)).rule == "breaker"


def test_challenger_champion_and_baseline_are_scored_on_the_same_rows(
    definition: Definition, championed: Stores, retrained: Retrain
) -> None:
    """The figures of the evaluation are those of its holdout, recomputed here from the labels."""
    retrained(definition, championed, day(36))
    evaluation = evaluated(championed, definition)
    assert (evaluation.holdout.start, evaluation.holdout.end) == (day(32), day(35))
    assert set(evaluation.metrics) == {"challenger", "champion", "baseline"}
    assert evaluation.champion == championed.ledger.history(Promotion, definition.name)[0].version
    assert evaluation.rows <= 72


def test_shadow_baseline_and_champion_predict_alongside(define: Define, stores: Stores, retrained: Retrain) -> None:
    """The first champion goes on as the shadow of the second."""
    definition = define(publish={"shadow": "first_champion"})
    first, second = (retrained(definition, stores, day(at)).champion for at in (30, 33))
    score(definition, night(33), stores, as_of=day(34))
    tables = {role: stores.ledger.predictions(definition.name, role=role, within=night(33)) for role in Role}
    versions = {role: set(table.column("version").to_pylist()) for role, table in tables.items()}
    assert versions == {Role.CHAMPION: {second}, Role.SHADOW: {first}, Role.BASELINE: {second}}
    values = {tuple(table.column("prediction").to_pylist()) for table in tables.values()}
    assert len(values) == 3


def test_a_promotion_predicts_the_next_night_never_its_own(definition: Definition, championed: Stores, retrained: Retrain) -> None:
    """What knows the whole of a night does not predict it, even when the night runs again."""
    first = championed.ledger.history(Promotion, definition.name)[0].version
    second = retrained(definition, championed, day(33)).champion
    for number in (33, 32):
        score(definition, night(number), championed, as_of=day(number + 1))
    ledger = championed.ledger
    found = [set(ledger.predictions(definition.name, within=night(at)).column("version").to_pylist()) for at in (32, 33)]
    assert found == [{first}, {second}]
