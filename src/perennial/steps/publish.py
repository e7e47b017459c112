"""publish: a challenger that passed becomes champion, once, by compare-and-set."""

from __future__ import annotations

from datetime import timedelta

from perennial.core.codes import Code
from perennial.core.errors import ConflictError
from perennial.core.interval import Interval
from perennial.core.receipts import (
    Approval,
    Evaluation,
    ModelVersion,
    Promotion,
    PromotionKind,
    Publication,
    RetrainRequest,
    Verdict,
)
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.assign import BY_HAND
from perennial.steps.champion import effective_from


def publish(
    definition: Definition,
    interval: Interval,
    stores: Stores,
    *,
    evaluation: Evaluation,
    actor: str,
    approval: Approval | None = None,
) -> Publication:
    """Promote the challenger if its evaluation passed and, where the definition wants one, a person approved.

    The promotion takes effect at the end of the training window, or at the cut-off where that is later. An evaluation that was
    promoted before is left as it is. A model that was retired comes back only if a person wants it: one who approved, or who had it
    retrained by hand.

    Returns:
        Whether it was promoted, and why or why not.

    Raises:
        ConflictError: PROMOTE_CONFLICT, the champion is not the one that the challenger was compared with.
    """
    promotions = stores.ledger.history(Promotion, definition.name, evaluation.segment)
    done = next((row for row in promotions if row.evaluation == evaluation.id and row.kind is PromotionKind.PROMOTE), None)
    if done is not None:
        return publication(evaluation, done, f"{done.version} became champion at epoch {done.epoch}: {done.reason}")
    newest = promotions[-1] if promotions else None
    refusal = _refusal(definition, interval, evaluation, approval, newest) or _stays_retired(stores, evaluation, approval, newest)
    if refusal:
        return publication(evaluation, None, refusal, standing=newest)
    if (newest.version if newest else None) != evaluation.champion:
        found = f"the champion is {newest.version if newest else None}, the evaluation compared with {evaluation.champion}"
        raise ConflictError(Code.PROMOTE_CONFLICT, found, where=f"{definition.name} {evaluation.challenger}")
    promotion = stores.ledger.promote(
        Promotion(
            model=definition.name,
            segment=evaluation.segment,
            epoch=newest.epoch + 1 if newest else 1,
            version=evaluation.challenger,
            kind=PromotionKind.PROMOTE,
            effective_from=effective_from(interval, evaluation.as_of),
            evaluation=evaluation.id,
            approval=approval.id if approval else None,
            reason=evaluation.sentence,
            actor=actor,
        )
    )
    sentence = f"{promotion.version} became champion at epoch {promotion.epoch}: {promotion.reason}"
    return publication(evaluation, promotion, sentence)


def refused_as_stale(evaluation: Evaluation, stores: Stores, *, approval: Approval) -> Publication:
    """Return what became of a challenger that *approval* came too late for: another champion stands by now, and stays."""
    standing = stores.ledger.history(Promotion, evaluation.model, evaluation.segment)[-1]
    found = f"the champion is {standing.version} by now, and it was compared with {evaluation.champion}"
    sentence = f"{evaluation.challenger} was approved by {approval.actor} too late: {found}"
    return publication(evaluation, None, sentence, standing=standing)


def _refusal(
    definition: Definition, interval: Interval, evaluation: Evaluation, approval: Approval | None, newest: Promotion | None
) -> str | None:
    if evaluation.verdict is not Verdict.PASS:
        return f"{evaluation.challenger} was refused ({evaluation.verdict}): {evaluation.sentence}"
    if approval is not None and approval.verdict is not Verdict.PASS:
        return f"{evaluation.challenger} was refused by {approval.actor}: {approval.comment}"
    if definition.publish.approval == "human" and approval is None:
        return f"{evaluation.challenger} passed and waits for a person's approval"
    if newest is not None and newest.effective_from > effective_from(interval, evaluation.as_of):
        other = "the champion of" if newest.version else "was known when the model was retired on"
        return f"{evaluation.challenger} knows less than {other} {newest.effective_from:%Y-%m-%d}, so it was not promoted"
    return None


def _stays_retired(stores: Stores, evaluation: Evaluation, approval: Approval | None, newest: Promotion | None) -> str | None:
    """Return why a model that was retired, maybe while it was being retrained, does not come back by itself."""
    if approval is not None or newest is None or newest.kind is not PromotionKind.RETIRE:
        return None
    request = stores.ledger.get(ModelVersion, evaluation.challenger).request
    if request is None or any(asked.origin.startswith(BY_HAND) for asked in _asked(stores, evaluation, request)):
        return None
    return f"{evaluation.challenger} passed, but the model was retired by {newest.actor}: {newest.reason}"


def _asked(stores: Stores, evaluation: Evaluation, request: str) -> list[RetrainRequest]:
    """Return the request that the challenger was first trained for, and those that knew as much: they made the same version."""
    then = Interval(evaluation.as_of, evaluation.as_of + timedelta.resolution)
    same = stores.ledger.history(RetrainRequest, evaluation.model, evaluation.segment, within=then)
    return [stores.ledger.get(RetrainRequest, request), *same]


def publication(
    evaluation: Evaluation, promotion: Promotion | None, sentence: str, *, standing: Promotion | None = None
) -> Publication:
    """Return the receipt of an *evaluation* that was promoted by *promotion*, or was not; then *standing* is the newest row."""
    row = promotion or standing
    return Publication(
        model=evaluation.model,
        segment=evaluation.segment,
        evaluation=evaluation.id,
        promoted=promotion is not None,
        champion=row.version if row else None,
        epoch=row.epoch if row else None,
        sentence=sentence,
    )
