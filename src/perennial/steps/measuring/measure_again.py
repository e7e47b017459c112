"""Measuring a night again, from what the ledger holds of it by now."""

from __future__ import annotations

from perennial.core.interval import Interval
from perennial.core.receipts import Measurement, Predicted, PredictionBatch, Snapshot, Validation
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.monitor import measure


def measure_again(definition: Definition, night: Interval, stores: Stores, validation: Validation) -> Measurement:
    """Measure *night* as of its own cut-off. Where nothing changed since, that is the measurement that stands.

    Args:
        definition: The model.
        night: The night's interval.
        stores: Where it was scored.
        validation: What the checks said of it.
    """
    batches = tuple(
        batch
        for batch in stores.ledger.history(PredictionBatch, definition.name, validation.segment, within=night)
        if batch.validation == validation.id
    )
    predicted = Predicted(
        model=definition.name, segment=validation.segment, interval=night, batches=batches, sentence="measured again"
    )
    snapshot = stores.ledger.get(Snapshot, validation.snapshot)
    return measure(definition, night, stores, snapshot=snapshot, validation=validation, predicted=predicted)
