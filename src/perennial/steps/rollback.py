"""rollback: an earlier champion takes over again, in one row, once it has shown that it can."""

from __future__ import annotations

from datetime import datetime

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.interval import iso
from perennial.core.receipts import ModelVersion, Promotion, PromotionKind
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.champion import effective_from as knows_until
from perennial.steps.preview import Preview, preview


def rollback(
    definition: Definition,
    segment: str,
    stores: Stores,
    *,
    effective_from: datetime,
    reason: str,
    actor: str,
    to: str | None = None,
    since: datetime | None = None,
    seen: Preview | None = None,
) -> Promotion:
    """Make a version that was champion before champion again: *to*, or the one that the present champion once replaced.

    So the command, given twice, goes back twice. It is in force from *effective_from* on, or from where the newest promotion is, or
    from where the version knows nothing any more, if one of these is later: nights that were predicted keep their champion, and no
    version predicts what it was trained on. With *since*, the version is the champion of the nights since
    then, too, and :func:`perennial.steps.predict_again.predict_again` predicts them; where that was interrupted, the same call with
    the version's name in *to* returns the row that stands.

    Args:
        definition: The model.
        segment: The segment.
        stores: Where from and where to.
        effective_from: The end of the last complete night.
        reason: Why, for the ledger.
        actor: Who.
        to: The version to go back to.
        since: From when on nights are to be predicted again; not before the version may know nothing of them.
        seen: What a look at the version showed; without it, it is looked at here.

    Raises:
        ArtifactError, DataError, DefinitionError: The version cannot be loaded, or cannot predict tonight's rows; see ``preview``.
        RejectedError: NO_CHAMPION, there is nothing to go back from; MODEL_UNKNOWN, *to* was never champion; PROMOTE_REFUSED,
            *since* is too early or too late.
        ConflictError: PROMOTE_CONFLICT, somebody promoted in the meantime.
    """
    looked = seen or preview(definition, segment, stores, to=to, again=since is not None)
    promotions = stores.ledger.history(Promotion, definition.name, segment)
    newest = promotions[looked.epoch - 1]
    made = stores.ledger.get(ModelVersion, looked.version)
    known = knows_until(made.interval, made.as_of)
    if since is not None:
        _require_unknown(definition, made.id, known, since, effective_from)
        if _stands(promotions[-1], looked.version, since):
            return promotions[-1]
    return stores.ledger.promote(
        Promotion(
            model=definition.name,
            segment=segment,
            epoch=looked.epoch + 1,
            version=looked.version,
            kind=PromotionKind.ROLLBACK,
            effective_from=since or max(effective_from, newest.effective_from, known),
            reason=reason,
            actor=actor,
        )
    )


def _require_unknown(definition: Definition, version: str, first: datetime, since: datetime, last: datetime) -> None:
    """Refuse to let a version predict nights of which it knows, that is those before *first*, or that have not ended.

    Raises:
        RejectedError: PROMOTE_REFUSED.
    """
    if not first <= since <= last:
        found = f"{version} may predict those from {iso(first)} on, and the last one ended at {iso(last)}, got {iso(since)}"
        raise RejectedError(Code.PROMOTE_REFUSED, found, where=f"{definition.name}: nights to predict again")


def _stands(newest: Promotion, version: str, since: datetime) -> bool:
    return (newest.kind, newest.version, newest.effective_from) == (PromotionKind.ROLLBACK, version, since)
