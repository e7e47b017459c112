"""promote: a person lets a version that passed become champion."""

from __future__ import annotations

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.receipts import Evaluation, ModelVersion, Promotion, Publication, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.approve import approve
from perennial.steps.publish import publish


def promote(definition: Definition, stores: Stores, *, version: str, reason: str, actor: str) -> Publication:
    """Record the person's approval of the version's newest evaluation, and publish it.

    Raises:
        RejectedError: PROMOTE_REFUSED, the version was never evaluated, or did not pass (there is no way around a gate), or was
            champion before.
        ConflictError: PROMOTE_CONFLICT, the champion is not the one that it was compared with.
    """
    made = stores.ledger.get(ModelVersion, version)
    evaluations = [row for row in stores.ledger.history(Evaluation, made.model, made.segment) if row.challenger == version]
    if not evaluations:
        raise RejectedError(Code.PROMOTE_REFUSED, "was never evaluated", where=version)
    evaluation = evaluations[-1]
    if evaluation.verdict is not Verdict.PASS:
        raise RejectedError(Code.PROMOTE_REFUSED, f"did not pass ({evaluation.verdict}): {evaluation.sentence}", where=version)
    promotions = stores.ledger.history(Promotion, made.model, made.segment)
    used = next((row for row in promotions if row.evaluation == evaluation.id), None)
    if used is not None and promotions[-1].version != version:
        found = f"was champion from epoch {used.epoch} on and was replaced by {promotions[-1].version}; roll back to it"
        raise RejectedError(Code.PROMOTE_REFUSED, found, where=version)
    approval = approve(evaluation, stores, verdict=Verdict.PASS, actor=actor, comment=reason)
    return publish(definition, made.interval, stores, evaluation=evaluation, approval=approval, actor=actor)
