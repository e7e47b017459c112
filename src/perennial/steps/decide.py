"""decide: what to do about a night, with its reasons, in one row."""

from __future__ import annotations

from datetime import UTC, datetime

from perennial.core.digest import digest_json
from perennial.core.interval import Interval
from perennial.core.receipts import Action, Decision, Measurement, Validation
from perennial.definition.models import Definition
from perennial.monitoring.decision import policy
from perennial.monitoring.decision.otherwise import otherwise
from perennial.ports import Stores
from perennial.steps.deciding.asking import ask
from perennial.steps.deciding.facts import facts_of
from perennial.steps.deciding.misread import misread
from perennial.steps.measuring.measure_again import measure_again

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


def decide(
    definition: Definition, interval: Interval, stores: Stores, *, measurement: Measurement, validation: Validation
) -> Decision:
    """Decide about the night, and file a retrain request where that is the decision.

    Where that is another decision than the one that stood (a backfill, a clear with other data), or later nights saw other
    predictions of this one, nights that come later and were decided already are measured and decided again with what is known now
    as of their own cut-offs, so that every order of nights ends in the same ledger. The night's own decision is recorded last:
    whatever is interrupted is done again.
    """
    facts = facts_of(definition, interval, stores, measurement, validation)
    decision = _decision(definition, interval, stores, measurement, facts)
    changed = decision.id != _standing(stores, definition.name, measurement.segment, interval)
    if changed or misread(definition, stores, measurement):
        for night, later in _later(stores, definition.name, measurement.segment, interval).items():
            _decide_again(definition, night, stores, later)
    return stores.ledger.record(decision)


def judge(
    definition: Definition, interval: Interval, stores: Stores, measurement: Measurement, validation: Validation
) -> policy.Outcome:
    """Return what the policy says about the night. Writes nothing."""
    return policy.decide(facts_of(definition, interval, stores, measurement, validation), definition.retraining)


def _decide_again(definition: Definition, night: Interval, stores: Stores, decided: Decision) -> None:
    validation = stores.ledger.get(Validation, stores.ledger.get(Measurement, decided.measurement).validation)
    measurement = measure_again(definition, night, stores, validation)
    facts = facts_of(definition, night, stores, measurement, validation)
    stores.ledger.record(_decision(definition, night, stores, measurement, facts))


def _decision(
    definition: Definition, interval: Interval, stores: Stores, measurement: Measurement, facts: policy.Facts
) -> Decision:
    outcome = policy.decide(facts, definition.retraining)
    action, sentence, request, changes = outcome.action, outcome.sentence, None, otherwise(facts, definition.retraining)
    if action is Action.RETRAIN:
        asked = ask(definition, measurement.segment, interval, stores.ledger, reason=sentence)
        if asked.request is None:
            action, sentence = Action.HOLD, f"{sentence}; {asked.why}"
        request, changes = asked.request.id if asked.request else None, (*asked.otherwise, *changes)
    content = [measurement.id, action.value, outcome.rule, sentence, *changes]
    return Decision(
        id=digest_json(content)[:32],
        model=definition.name,
        segment=measurement.segment,
        interval=interval,
        as_of=measurement.as_of,
        action=action,
        rule=outcome.rule,
        sentence=sentence,
        signals=measurement.signals,
        measurement=measurement.id,
        request=request,
        otherwise=changes,
    )


def _standing(stores: Stores, model: str, segment: str, interval: Interval) -> str | None:
    """Return the id of the decision that stands for the night, or None where it was not decided yet."""
    said = [row.id for row in stores.ledger.history(Decision, model, segment, within=interval) if row.interval == interval]
    return said[-1] if said else None


def _later(stores: Stores, model: str, segment: str, interval: Interval) -> dict[Interval, Decision]:
    """Return the decisions that stand for the nights after *interval*, oldest first."""
    after = Interval(interval.end, END_OF_TIME)
    return {decision.interval: decision for decision in stores.ledger.history(Decision, model, segment, within=after)}
