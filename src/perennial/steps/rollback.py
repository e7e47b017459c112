"""rollback: an earlier champion takes over again, in one row."""

from __future__ import annotations

from datetime import datetime
from itertools import takewhile

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.receipts import Promotion, PromotionKind
from perennial.definition.models import Definition
from perennial.ports import Stores


def rollback(
    definition: Definition,
    segment: str,
    stores: Stores,
    *,
    effective_from: datetime,
    reason: str,
    actor: str,
    to: str | None = None,
) -> Promotion:
    """Make a version that was champion before champion again: *to*, or the one that the present champion once replaced.

    So the command, given twice, goes back twice.

    Raises:
        RejectedError: NO_CHAMPION, there is nothing to go back from; MODEL_UNKNOWN, *to* was never champion.
        ConflictError: PROMOTE_CONFLICT, somebody promoted in the meantime.
    """
    promotions = stores.ledger.history(Promotion, definition.name, segment)
    if not promotions:
        raise RejectedError(Code.NO_CHAMPION, "there is nothing to roll back", where=definition.name)
    newest = promotions[-1]
    earlier = [row.version for row in promotions if row.version is not None and row.version != newest.version]
    version = to or _replaced_by(newest, promotions)
    if version not in earlier:
        found = f"must be one of {', '.join(dict.fromkeys(earlier)) or 'no earlier champion'}, got {to or 'none'}"
        raise RejectedError(Code.MODEL_UNKNOWN, found, where=f"{definition.name}: version to roll back to")
    return stores.ledger.promote(
        Promotion(
            model=definition.name,
            segment=segment,
            epoch=newest.epoch + 1,
            version=version,
            kind=PromotionKind.ROLLBACK,
            effective_from=max(effective_from, newest.effective_from),
            reason=reason,
            actor=actor,
        )
    )


def _replaced_by(newest: Promotion, promotions: list[Promotion]) -> str | None:
    """Return the champion before the first reign of the *newest* one's version; for a retired model, its last champion."""
    before = takewhile(lambda row: row.version != newest.version, promotions)
    versions = [row.version for row in before if row.version is not None]
    return versions[-1] if versions else None
