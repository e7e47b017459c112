"""file_by_hand: a person's request for a retraining, filed and left for a run to claim."""

from __future__ import annotations

from datetime import datetime

from perennial.core.codes import Code
from perennial.core.digest import digest_json
from perennial.core.errors import ConflictError
from perennial.core.interval import iso
from perennial.core.receipts import RetrainRequest
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Ledger
from perennial.steps.assign import BY_HAND, INSIST, retired_by
from perennial.steps.champion import retirement


def file_by_hand(
    definition: Definition, segment: str, ledger: Ledger, *, at: datetime, said_at: datetime, reason: str, actor: str, force: bool
) -> RetrainRequest:
    """File the request that *actor* makes, and return it.

    Args:
        definition: The model.
        segment: The segment.
        ledger: Where it is filed.
        at: The cut-off up to which the retraining may know.
        said_at: When the person said so; the same request said at another moment is another one.
        reason: Why.
        actor: Who.
        force: Go against cooldown and budget.

    Raises:
        DataError: INTERVAL_EMPTY, nothing lies before the cut-off.
        ConflictError: RETRAIN_REFUSED, cooldown, budget or another request stand against it, or the model was retired.
    """
    training_window(definition, at)  # first: without one, nothing is filed
    over = retirement(ledger, definition.name, segment, at)
    if over is not None:
        fix = f"perennial retrain {definition.name}, or a run of its DAG by hand, brings it back."
        raise ConflictError(Code.RETRAIN_REFUSED, retired_by(over), where=definition.name, fix=fix)
    origin = f"{BY_HAND} {actor} {iso(at)}"
    wanted = RetrainRequest(
        id=digest_json([definition.name, segment, origin, iso(said_at)])[:32],
        model=definition.name,
        segment=segment,
        at=at,
        reason=reason,
        origin=origin,
    )
    rules = definition.retraining
    filed, why = ledger.request_retraining(wanted, cooldown=rules.cooldown, max_per_30d=rules.max_per_30d, force=force)
    if filed is None:
        raise ConflictError(Code.RETRAIN_REFUSED, why, where=definition.name, fix="" if force else INSIST)
    return filed
