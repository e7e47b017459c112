"""retire: from a moment on the model has no champion, in one row."""

from __future__ import annotations

from datetime import datetime

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.receipts import Promotion, PromotionKind, RequestState, RetrainRequest
from perennial.definition.models import Definition
from perennial.ports import Stores


def retire(definition: Definition, segment: str, stores: Stores, *, effective_from: datetime, reason: str, actor: str) -> Promotion:
    """Leave the model without a champion from *effective_from* on, or from where its champion takes over if that is later.

    Nights that end after that are not predicted, and nothing is retrained by itself: a request that waits is closed. What was
    predicted stays. A person brings the model back with a retraining by hand, a promotion, or a rollback.

    Raises:
        RejectedError: NO_CHAMPION, there is none to retire.
        ConflictError: PROMOTE_CONFLICT, somebody promoted in the meantime.
    """
    newest = _reigning(definition, segment, stores)
    row = stores.ledger.promote(
        Promotion(
            model=definition.name,
            segment=segment,
            epoch=newest.epoch + 1,
            version=None,
            kind=PromotionKind.RETIRE,
            effective_from=max(effective_from, newest.effective_from),
            reason=reason,
            actor=actor,
        )
    )
    for request in stores.ledger.history(RetrainRequest, definition.name, segment):
        if request.state is RequestState.OPEN:
            stores.ledger.settle_request(request.id, f"The model was retired by {actor}: {reason}")
    return row


def _reigning(definition: Definition, segment: str, stores: Stores) -> Promotion:
    """Return the newest row.

    Raises:
        RejectedError: NO_CHAMPION.
    """
    promotions = stores.ledger.history(Promotion, definition.name, segment)
    if not promotions:
        raise RejectedError(Code.NO_CHAMPION, "there is no champion to retire", where=definition.name)
    newest = promotions[-1]
    if newest.version is None:
        found = f"was retired by {newest.actor} already, at epoch {newest.epoch}"
        raise RejectedError(Code.NO_CHAMPION, found, where=definition.name)
    return newest
