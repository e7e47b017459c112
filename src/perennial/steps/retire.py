"""retire: from a moment on the model has no champion, in one row."""

from __future__ import annotations

from datetime import datetime

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.receipts import Promotion, PromotionKind, RequestState, RetrainRequest
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.assign import BY_HAND, retired_by


def retire(definition: Definition, segment: str, stores: Stores, *, effective_from: datetime, reason: str, actor: str) -> Promotion:
    """Leave the model without a champion from *effective_from* on, or from where its champion takes over if that is later.

    Nights that end after that are not predicted, and nothing is retrained by itself: a request that waits is closed. What was
    predicted stays. A person brings the model back with a retraining by hand, a promotion, or a rollback.

    Said again by the same person for the same reason it returns the row that stands, and closes what an interruption left open.

    Raises:
        RejectedError: NO_CHAMPION, there is none to retire.
        ConflictError: PROMOTE_CONFLICT, somebody promoted in the meantime.
    """
    newest = _newest(definition, segment, stores)
    row = newest if newest.version is None else stores.ledger.promote(_retirement(newest, effective_from, reason, actor))
    for request in stores.ledger.history(RetrainRequest, definition.name, segment):
        asked_since = newest.version is None and request.origin.startswith(BY_HAND)  # by a person who wants the model back
        if request.state is RequestState.OPEN and not asked_since:
            stores.ledger.settle_request(request.id, retired_by(row))
    if (row.actor, row.reason) != (actor, reason):
        found = f"was retired by {row.actor} already, at epoch {row.epoch}"
        raise RejectedError(Code.NO_CHAMPION, found, where=definition.name)
    return row


def _newest(definition: Definition, segment: str, stores: Stores) -> Promotion:
    """Return the newest row.

    Raises:
        RejectedError: NO_CHAMPION.
    """
    promotions = stores.ledger.history(Promotion, definition.name, segment)
    if not promotions:
        raise RejectedError(Code.NO_CHAMPION, "there is no champion to retire", where=definition.name)
    return promotions[-1]


def _retirement(newest: Promotion, effective_from: datetime, reason: str, actor: str) -> Promotion:
    return Promotion(
        model=newest.model,
        segment=newest.segment,
        epoch=newest.epoch + 1,
        version=None,
        kind=PromotionKind.RETIRE,
        effective_from=max(effective_from, newest.effective_from),
        reason=reason,
        actor=actor,
    )
