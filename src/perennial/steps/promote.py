"""promote: a person lets a version that passed become champion."""

from __future__ import annotations

from datetime import datetime

from perennial.core.codes import Code
from perennial.core.errors import ConflictError, RejectedError
from perennial.core.receipts import Approval, Evaluation, ModelVersion, Promotion, PromotionKind, Publication, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.approve import approve
from perennial.steps.champion import effective_from as knows_until
from perennial.steps.publish import publication, publish


def promote(
    definition: Definition, stores: Stores, *, version: str, reason: str, actor: str, effective_from: datetime | None = None
) -> Publication:
    """Record the person's approval of the version's newest evaluation, and publish it.

    A model that was retired comes back by it, also with a version that was evaluated before: it must have been compared with the
    champion that was retired. Such a version is in force from *effective_from* on, the end of the last complete night, or from the
    retirement on if that is later; every other one from where its own knowledge ends.

    Raises:
        RejectedError: PROMOTE_REFUSED, the version was never evaluated, or did not pass (there is no way around a gate), or was
            champion before.
        ConflictError: PROMOTE_CONFLICT, the champion is not the one that it was compared with.
    """
    made = stores.ledger.get(ModelVersion, version)
    evaluation = _passed(stores, made)
    promotions = stores.ledger.history(Promotion, made.model, made.segment)
    _require_unused(promotions, evaluation)
    approval = approve(evaluation, stores, verdict=Verdict.PASS, actor=actor, comment=reason)
    if evaluation.champion is not None and promotions and promotions[-1].kind is PromotionKind.RETIRE:
        return _bring_back(stores, made, evaluation, approval, promotions, effective_from)
    return publish(definition, made.interval, stores, evaluation=evaluation, approval=approval, actor=actor)


def _passed(stores: Stores, made: ModelVersion) -> Evaluation:
    """Return the newest evaluation of a version.

    Raises:
        RejectedError: PROMOTE_REFUSED, there is none, or it is no pass.
    """
    evaluations = [row for row in stores.ledger.history(Evaluation, made.model, made.segment) if row.challenger == made.id]
    if not evaluations:
        raise RejectedError(Code.PROMOTE_REFUSED, "was never evaluated", where=made.id)
    newest = evaluations[-1]
    if newest.verdict is not Verdict.PASS:
        raise RejectedError(Code.PROMOTE_REFUSED, f"did not pass ({newest.verdict}): {newest.sentence}", where=made.id)
    return newest


def _require_unused(promotions: list[Promotion], evaluation: Evaluation) -> None:
    """Refuse an evaluation whose version was champion and is not any more.

    Raises:
        RejectedError: PROMOTE_REFUSED.
    """
    used = next((row for row in promotions if row.evaluation == evaluation.id), None)
    if used is None or promotions[-1].version == evaluation.challenger:
        return
    became = f"was replaced by {promotions[-1].version}" if promotions[-1].version else "was retired"
    found = f"was champion from epoch {used.epoch} on and {became}; roll back to it"
    raise RejectedError(Code.PROMOTE_REFUSED, found, where=evaluation.challenger)


def _bring_back(
    stores: Stores,
    made: ModelVersion,
    evaluation: Evaluation,
    approval: Approval,
    promotions: list[Promotion],
    effective_from: datetime | None,
) -> Publication:
    """Promote a version that was compared with the champion that was retired since.

    Raises:
        ConflictError: PROMOTE_CONFLICT, it was compared with another one.
    """
    retired = next((row.version for row in reversed(promotions) if row.version is not None), None)
    if evaluation.champion != retired:
        found = f"the champion that was retired is {retired}, the evaluation compared with {evaluation.champion}"
        raise ConflictError(Code.PROMOTE_CONFLICT, found, where=f"{made.model} {made.id}")
    known = knows_until(made.interval, made.as_of)
    row = stores.ledger.promote(
        Promotion(
            model=made.model,
            segment=made.segment,
            epoch=promotions[-1].epoch + 1,
            version=made.id,
            kind=PromotionKind.PROMOTE,
            effective_from=max(effective_from or known, known, promotions[-1].effective_from),
            evaluation=evaluation.id,
            approval=approval.id,
            reason=evaluation.sentence,
            actor=approval.actor,
        )
    )
    return publication(evaluation, row, f"{row.version} became champion at epoch {row.epoch}: {row.reason}")
