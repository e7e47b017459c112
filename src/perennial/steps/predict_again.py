"""predict_again: nights that were predicted by another champion, by the one that the ledger now names for them."""

from __future__ import annotations

from datetime import datetime

from perennial.core.codes import Code
from perennial.core.errors import TerminalError
from perennial.core.interval import Interval
from perennial.core.receipts import Receipt, Snapshot, Validation
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.checking.validated_nights import validated_nights
from perennial.steps.predict import predict


class NightAgain(Receipt):
    """What became of one night: its batches, or none where nothing was predicted; *failed* where that could not be done."""

    interval: Interval
    batches: tuple[str, ...]
    failed: bool
    sentence: str


def predict_again(definition: Definition, segment: str, stores: Stores, *, since: datetime) -> list[NightAgain]:
    """Predict every night that ends after *since* from the snapshot and the validation that it has, oldest first.

    Each night's batches supersede those of before, whole; what was current then stays in the ledger. A night that is current
    already is left as it is, so an interrupted call is given again. A night that was a data fault stays one. What was measured and
    decided then stays, too.

    Returns:
        A line for each night. One that cannot be predicted, because its snapshot is lost for example, does not keep the others.

    Raises:
        ConflictError: LEASE_LOST, somebody else has taken over.
        TransientError: What a retry may help.
    """
    nights = validated_nights(stores, definition.name, segment, since)
    return [_night(definition, stores, night) for night in nights]


def _night(definition: Definition, stores: Stores, night: Validation) -> NightAgain:
    snapshot = stores.ledger.get(Snapshot, night.snapshot)
    try:
        done = predict(definition, night.interval, stores, snapshot=snapshot, validation=night)
    except TerminalError as error:
        if error.code is Code.LEASE_LOST:
            raise
        return NightAgain(interval=night.interval, batches=(), failed=True, sentence=str(error))
    batches = tuple(batch.id for batch in done.batches)
    return NightAgain(interval=night.interval, batches=batches, failed=False, sentence=done.sentence)
