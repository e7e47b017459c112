"""The outlook of a version, made where it is evaluated; and the nights' predictions and labels that are held against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from perennial.definition.calendar import last_interval
from perennial.monitoring.counting.binning import FEW_NIGHTS
from perennial.monitoring.counting.profile import Profile, profile
from perennial.monitoring.counting.reference import Reference, reference_profile
from perennial.monitoring.loss.outlook import LABEL, PREDICTION, Outlook
from perennial.monitoring.shift.drift import Moved, moved_columns
from perennial.steps.arrays import target
from perennial.steps.measuring.kept_counts import kept_counts
from perennial.steps.measuring.loss import loss_of
from perennial.steps.measuring.loss_outlook import loss_outlook
from perennial.steps.scored_nights import night_number, nights_a_day, reference_nights

if TYPE_CHECKING:
    from perennial.core.interval import Interval
    from perennial.core.receipts import Evaluation, ModelVersion, Snapshot
    from perennial.definition.models import Definition
    from perennial.monitoring.loss.losses import LossOutlook
    from perennial.monitoring.psi import Floats
    from perennial.ports import Stores


def outlook_of(definition: Definition, stores: Stores, version: ModelVersion, holdout: pa.Table, predictions: Floats) -> str:
    """Count what *version* predicted on the *holdout*, and its labels, and what it loses there; store that, and return its digest.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM, of the reference profile.
        RejectedError: STORE_FULL, STORE_DENIED.
    """
    rows = pa.table({PREDICTION: predictions, LABEL: target(holdout, definition)})
    nights, a_day = reference_nights(definition, holdout), nights_a_day(definition)
    reference = reference_profile(rows, numeric=(PREDICTION, LABEL), nights=nights, nights_a_day=a_day)
    edges = Reference.from_json(stores.artifacts.get(version.profile)).edges
    losses = loss_outlook(definition, predictions, holdout, (*edges.columns, *reference.edges.columns))
    return stores.artifacts.put(Outlook(reference=reference, losses=losses).to_json())


def outlook_in(stores: Stores, evaluation: Evaluation | None) -> Outlook | None:
    """Return what *evaluation* learnt; None without one, or where it learnt nothing.

    Raises:
        ArtifactError: It is not what was stored.
    """
    if evaluation is None or evaluation.outlook is None:
        return None
    return Outlook.from_json(stores.artifacts.get(evaluation.outlook))


def learnt_losses(definition: Definition, outlook: Outlook | None) -> LossOutlook | None:
    """Return what *outlook* says of the loss that *definition* watches; None where it knows only of another one, or nothing."""
    losses = outlook.losses if outlook else None
    return losses if losses and losses.loss == loss_of(definition).name else None


def predictions_moved(
    definition: Definition, interval: Interval, stores: Stores, outlook: Outlook, snapshot: Snapshot, counts: str | None
) -> tuple[Moved, Profile]:
    """Hold the night's predictions by the champion against its *outlook*; return how far they are, and what was counted of them.

    They are read from the ledger, unless *counts* names what *predict* counted of them, over the same edges.
    """
    reference = outlook.of(PREDICTION)
    counted = kept_counts(stores, counts, reference)
    if counted is None:
        rows = stores.ledger.stream_predictions(definition.name, snapshot.segment, within=interval)
        counted = profile(reference.edges, (_named(PREDICTION, batch["prediction"]) for batch in rows))
    return _moved(definition, interval, reference, counted), counted


def labels_moved(definition: Definition, stores: Stores, outlook: Outlook, snapshot: Snapshot) -> Moved | None:
    """Hold the labels of one night against the *outlook*: the last night of which all labels have had the time to come.

    So each night's labels are tested once, on one later night. Labels that come early are seldom like those that come late.

    Returns:
        How far they are; None where the schedule has no such night.
    """
    settled = snapshot.as_of - definition.label.settled
    night = last_interval(definition.schedule.score, definition.schedule.timezone, settled)
    if night is None:
        return None
    reference = outlook.of(LABEL)
    rows = stores.ledger.outcomes(definition.name, snapshot.segment, within=night, as_of=snapshot.as_of)
    return _moved(definition, night, reference, profile(reference.edges, (_named(LABEL, batch["value"]) for batch in rows)))


def _moved(definition: Definition, night: Interval, reference: Reference, counted: Profile) -> Moved:
    """Without knowing how nights differ there is no answer: every weekday has predictions and labels of its own."""
    return moved_columns(
        reference,
        counted,
        input_shift=definition.monitoring.tolerance.input_shift,
        minimum_rows=definition.monitoring.minimum_rows,
        number=night_number(definition, night, reference.nights_a_day),
        needed_nights=FEW_NIGHTS,
    )


def _named(name: str, values: pa.Array) -> pa.RecordBatch:
    return pa.record_batch([values], names=[name])
