"""Whether later nights were judged by predictions of a night that do not stand any more."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.core.interval import Interval
from perennial.core.receipts import Decision, Measurement, NightLoss
from perennial.definition.models import Definition
from perennial.ports import Stores


def misread(definition: Definition, stores: Stores, measurement: Measurement) -> bool:
    """Return whether a later night's standing decision saw another version's predictions of this night than its own *measurement*.

    That is so where the night was predicted by another champion in the meantime without being decided: its task was cleared alone,
    or it was interrupted. Its decision may then be the one that stood before, while later nights hold what they saw.
    """
    at = measurement.interval
    stand = _versions(measurement.losses, at)
    reach = Interval(at.end, at.end + definition.label.settled)  # as far as measurements name earlier nights
    decided = stores.ledger.history(Decision, definition.name, measurement.segment, within=reach)
    if not (stand and decided):
        return False
    standing = {decision.interval: decision.measurement for decision in decided}.values()
    measured = stores.ledger.history(Measurement, definition.name, measurement.segment, within=reach)
    seen = [loss for later in measured if later.id in standing for loss in later.losses]
    return not _versions(seen, at) <= stand


def _versions(losses: Sequence[NightLoss], at: Interval) -> set[tuple[str, str]]:
    return {(loss.role.value, loss.version) for loss in losses if loss.interval == at}
