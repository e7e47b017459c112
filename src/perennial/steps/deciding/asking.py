"""The request of a decision: filed where cooldown, budget and queue allow it, and what stands in the way where they do not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from perennial.core.digest import digest_json
from perennial.core.receipts import Evaluation, ModelVersion, RequestState, RetrainRequest, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perennial.core.interval import Interval
    from perennial.definition.models import Definition, Retraining
    from perennial.ports import Ledger

DECIDED = "decision"
"""How the origin of a request begins that a decision filed."""

BUDGET_WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Asked:
    """The request, or None; why; and, where there is none, what would have let it through."""

    request: RetrainRequest | None
    why: str
    otherwise: tuple[str, ...] = ()


def ask(definition: Definition, segment: str, night: Interval, ledger: Ledger, *, reason: str) -> Asked:
    """File the request of the decision about *night*. However many ask at once, the ledger takes one."""
    origin = f"{DECIDED} {night}"
    wanted = RetrainRequest(
        id=digest_json([definition.name, segment, origin])[:32],
        model=definition.name,
        segment=segment,
        at=night.end,
        reason=reason,
        origin=origin,
    )
    rules = definition.retraining
    filed, why = ledger.request_retraining(wanted, cooldown=rules.cooldown, max_per_30d=rules.max_per_30d)
    if filed is not None:
        return Asked(filed, why)
    others = [row for row in ledger.history(RetrainRequest, definition.name, segment) if row.id != wanted.id]
    return Asked(None, why, tuple(filter(None, [_free(night.end, others, rules)])))


def refused_answers(ledger: Ledger, refused: Sequence[Evaluation]) -> list[RetrainRequest]:
    """Return the requests of decisions that the *refused* challengers answered, in the same order.

    A challenger of the schedule, or of a person, that is refused says nothing about whether an alarm needs an answer.

    Args:
        ledger: Where they are recorded.
        refused: Evaluations of one model and segment that did not pass.
    """
    if not refused:
        return []
    model, segment = refused[0].model, refused[0].segment
    answered = {row.id: row.request for row in ledger.history(ModelVersion, model, segment)}
    requests = {row.id: row for row in ledger.history(RetrainRequest, model, segment)}
    found = (requests.get(answered.get(row.challenger) or "") for row in refused if row.verdict is not Verdict.PASS)
    return [row for row in found if row is not None and row.origin.startswith(DECIDED)]


def _free(at: datetime, others: Sequence[RetrainRequest], rules: Retraining) -> str | None:
    """Return when the request would have been filed, as the ledger's refusal looks at it: cooldown, queue, budget."""
    near = [other for other in others if abs(other.at - at) < rules.cooldown]
    if near:
        nearest = min(near, key=lambda other: (other.at > at, abs(other.at - at), other.id))
        return f"from {_moment(nearest.at + rules.cooldown)} on the cooldown would let a request through"
    waiting = next((other for other in others if other.state is not RequestState.DONE), None)
    if waiting is not None:
        return f"once request {waiting.id} is done another one would be let through"
    earlier = sorted(other.at for other in others if other.at <= at)
    if rules.max_per_30d is None or len(earlier) < rules.max_per_30d:
        return None
    return f"from {_moment(earlier[-rules.max_per_30d] + BUDGET_WINDOW)} on the budget would let a request through"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z"
