"""approve: a person's verdict on an evaluation, as a row."""

from __future__ import annotations

from perennial.core.digest import digest_json
from perennial.core.receipts import Approval, Evaluation, Verdict
from perennial.ports import Stores


def approve(evaluation: Evaluation, stores: Stores, *, verdict: Verdict, actor: str, comment: str) -> Approval:
    """Record that *actor* approved (``pass``) or rejected (``fail``) the evaluation."""
    content = [evaluation.id, verdict.value, actor, comment]
    approval = Approval(id=digest_json(content)[:32], evaluation=evaluation.id, verdict=verdict, actor=actor, comment=comment)
    return stores.ledger.record(approval)


def answered(evaluation: Evaluation, stores: Stores, *, verdict: Verdict, actor: str) -> Approval | None:
    """Return what *actor* said of the evaluation before, with this verdict, or None: the same answer counts once."""
    said = stores.ledger.history(Approval, evaluation.model, evaluation.segment)
    found = [one for one in said if (one.evaluation, one.verdict, one.actor) == (evaluation.id, verdict, actor)]
    return found[-1] if found else None
