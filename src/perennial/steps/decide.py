"""decide: what to do about a night, with its reasons, in one row."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import takewhile

from perennial.core.digest import digest_json
from perennial.core.interval import Interval
from perennial.core.receipts import (
    Action,
    Decision,
    Evaluation,
    Measurement,
    Predicted,
    PredictionBatch,
    Promotion,
    RetrainRequest,
    Snapshot,
    Validation,
    Verdict,
)
from perennial.definition.models import Definition
from perennial.monitoring import policy
from perennial.ports import Stores
from perennial.steps.champion import champion_of, retirement_of
from perennial.steps.misread import misread
from perennial.steps.monitor import measure

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
    outcome = judge(definition, interval, stores, measurement, validation)
    decision = _decision(definition, interval, stores, measurement, outcome)
    changed = decision.id != _standing(stores, definition.name, measurement.segment, interval)
    if changed or misread(definition, stores, measurement):
        for night, later in _later(stores, definition.name, measurement.segment, interval).items():
            _decide_again(definition, night, stores, later)
    return stores.ledger.record(decision)


def judge(
    definition: Definition, interval: Interval, stores: Stores, measurement: Measurement, validation: Validation
) -> policy.Outcome:
    """Return what the policy says about the night. Writes nothing."""
    promotion = champion_of(stores, definition.name, measurement.segment, interval)
    known = promotion is not None and promotion.version is not None
    retired = retirement_of(stores, definition.name, measurement.segment, interval)
    facts = policy.Facts(
        data_fault=_fault(validation),
        champion_age=interval.end - promotion.effective_from if promotion is not None and known else None,
        rows=validation.rows - validation.quarantined,
        minimum_rows=definition.monitoring.minimum_rows,
        signals=measurement.signals,
        refused_in_a_row=_refused_in_a_row(stores, definition.name, measurement.segment, interval, promotion),
        trained_until=definition.trained_until(interval.end),
        retired=f"by {retired.actor}: {retired.reason}" if retired else None,
    )
    return policy.decide(facts, definition.retraining)


def _decide_again(definition: Definition, night: Interval, stores: Stores, decided: Decision) -> None:
    validation = stores.ledger.get(Validation, stores.ledger.get(Measurement, decided.measurement).validation)
    measurement = _measure_again(definition, night, stores, validation)
    outcome = judge(definition, night, stores, measurement, validation)
    stores.ledger.record(_decision(definition, night, stores, measurement, outcome))


def _decision(
    definition: Definition, interval: Interval, stores: Stores, measurement: Measurement, outcome: policy.Outcome
) -> Decision:
    action, sentence, request = outcome.action, outcome.sentence, None
    if action is Action.RETRAIN:
        filed, why = _request(definition, interval, stores, measurement, sentence)
        request = filed.id if filed else None
        action = action if filed else Action.HOLD
        sentence = sentence if filed else f"{sentence}; {why}"
    content = [measurement.id, action.value, outcome.rule, sentence]
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
    )


def _request(
    definition: Definition, interval: Interval, stores: Stores, measurement: Measurement, reason: str
) -> tuple[RetrainRequest | None, str]:
    origin = f"decision {interval}"
    request = RetrainRequest(
        id=digest_json([definition.name, measurement.segment, origin])[:32],
        model=definition.name,
        segment=measurement.segment,
        at=interval.end,
        reason=reason,
        origin=origin,
    )
    retraining = definition.retraining
    return stores.ledger.request_retraining(request, cooldown=retraining.cooldown, max_per_30d=retraining.max_per_30d)


def _fault(validation: Validation) -> str | None:
    if validation.verdict is Verdict.PASS:
        return None
    return "; ".join(finding.sentence for finding in validation.findings if not finding.success)


def _refused_in_a_row(stores: Stores, model: str, segment: str, interval: Interval, promotion: Promotion | None) -> int:
    evaluations = [row for row in stores.ledger.history(Evaluation, model, segment) if row.as_of <= interval.end]
    since = [row for row in evaluations if promotion is None or row.as_of > promotion.effective_from]
    return sum(1 for _ in takewhile(lambda row: row.verdict is not Verdict.PASS, reversed(since)))


def _standing(stores: Stores, model: str, segment: str, interval: Interval) -> str | None:
    """Return the id of the decision that stands for the night, or None where it was not decided yet."""
    said = [row.id for row in stores.ledger.history(Decision, model, segment, within=interval) if row.interval == interval]
    return said[-1] if said else None


def _later(stores: Stores, model: str, segment: str, interval: Interval) -> dict[Interval, Decision]:
    """Return the decisions that stand for the nights after *interval*, oldest first."""
    after = Interval(interval.end, END_OF_TIME)
    return {decision.interval: decision for decision in stores.ledger.history(Decision, model, segment, within=after)}


def _measure_again(definition: Definition, night: Interval, stores: Stores, validation: Validation) -> Measurement:
    batches = tuple(
        batch
        for batch in stores.ledger.history(PredictionBatch, definition.name, validation.segment, within=night)
        if batch.validation == validation.id
    )
    predicted = Predicted(
        model=definition.name, segment=validation.segment, interval=night, batches=batches, sentence="measured again"
    )
    snapshot = stores.ledger.get(Snapshot, validation.snapshot)
    return measure(definition, night, stores, snapshot=snapshot, validation=validation, predicted=predicted)
