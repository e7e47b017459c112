"""monitor: what moved in the night's inputs, and what the loss did on the labels that have come."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from perennial.core.codes import Code
from perennial.core.digest import digest_json
from perennial.core.errors import ArtifactError
from perennial.core.interval import Interval
from perennial.core.receipts import (
    ColumnDrift,
    Evaluation,
    Measurement,
    ModelVersion,
    NightLoss,
    Predicted,
    Promotion,
    Role,
    Signal,
    Snapshot,
    Validation,
    Verdict,
)
from perennial.definition.models import Definition
from perennial.monitoring.baseline import behind_baseline
from perennial.monitoring.columns import require_columns
from perennial.monitoring.decay import decay
from perennial.monitoring.drift import drift
from perennial.monitoring.profile import Profile, profile
from perennial.monitoring.reference import Reference
from perennial.ports import Stores
from perennial.steps.champion import champion_of, version_of
from perennial.steps.loss import evaluated_loss, loss_of
from perennial.steps.outcomes import record_outcomes
from perennial.steps.snapshots.rows import open_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

YEAR = timedelta(days=365.25)
TESTS = 2
"""Drift and decay share the budget of false alarms."""


def monitor(
    definition: Definition, interval: Interval, stores: Stores, *, snapshot: Snapshot, validation: Validation, predicted: Predicted
) -> Measurement:
    """Measure the night as of its cut-off: drift of its inputs, decay of the champion on every matured label.

    A night that is a data fault, or was not predicted, has no drift; its labels are taken in all the same.
    """
    record_outcomes(definition, snapshot.segment, interval, stores, as_of=snapshot.as_of)
    return measure(definition, interval, stores, snapshot=snapshot, validation=validation, predicted=predicted)


def measure(
    definition: Definition, interval: Interval, stores: Stores, *, snapshot: Snapshot, validation: Validation, predicted: Predicted
) -> Measurement:
    """Measure from what the ledger holds; a pure function of it and of the night's snapshot."""
    promotion = champion_of(stores, definition.name, snapshot.segment, interval)
    version = version_of(stores, promotion)
    columns: Sequence[ColumnDrift] = ()
    losses: Sequence[NightLoss] = ()
    signals: list[Signal] = []
    counts: str | None = None
    if promotion is not None and version is not None:
        losses = _losses(definition, interval, stores, promotion, snapshot)
        signals += _loss_signals(definition, interval, stores, promotion, losses)
        if validation.verdict is Verdict.PASS and predicted.batches:
            columns, moved, counts = _drift(definition, interval, stores, version, snapshot, validation, predicted)
            signals.append(moved)
    recent = [night for night in losses if night.interval.end > interval.start - definition.label.settled]
    content = {
        "validation": validation.id,
        "version": version.id if version else None,
        "signals": [signal.model_dump(mode="json") for signal in signals],
        "losses": [night.model_dump(mode="json") for night in recent],
    }
    return stores.ledger.record(
        Measurement(
            id=digest_json(content)[:32],
            model=definition.name,
            segment=snapshot.segment,
            interval=interval,
            as_of=snapshot.as_of,
            version=version.id if version else None,
            validation=validation.id,
            profile=counts,
            drift=tuple(columns),
            losses=tuple(recent),
            signals=tuple(signals),
        )
    )


def _losses(
    definition: Definition, interval: Interval, stores: Stores, promotion: Promotion, snapshot: Snapshot
) -> list[NightLoss]:
    reign = Interval(promotion.effective_from - interval.length, interval.end)
    return stores.ledger.losses(
        definition.name,
        snapshot.segment,
        loss=loss_of(definition).name,
        within=reign,
        as_of=snapshot.as_of,
        matured_before=snapshot.as_of - definition.label.delay,
    )


def _loss_signals(
    definition: Definition, interval: Interval, stores: Stores, promotion: Promotion, losses: Sequence[NightLoss]
) -> list[Signal]:
    nights = {
        role: [night for night in losses if night.role is role and night.version == promotion.version]
        for role in (Role.CHAMPION, Role.BASELINE)
    }
    minimum = definition.monitoring.minimum_rows
    signals = [behind_baseline(nights[Role.CHAMPION], nights[Role.BASELINE], minimum_labels=minimum)]
    evaluation = _evaluation(stores, promotion)
    if evaluation is not None:
        signals.insert(
            0,
            decay(
                nights[Role.CHAMPION],
                evaluated_loss=evaluated_loss(definition, evaluation),
                tolerance=definition.monitoring.tolerance.loss_increase,
                alpha=definition.monitoring.false_alarms_per_year / TESTS / (YEAR / interval.length),
                minimum_labels=minimum,
                loss_name=loss_of(definition).words,
            ),
        )
    return signals


def _evaluation(stores: Stores, promotion: Promotion) -> Evaluation | None:
    """Return the evaluation that the champion passed; after a rollback, the one that it passed the first time."""
    known = [promotion, *reversed(stores.ledger.history(Promotion, promotion.model, promotion.segment))]
    evaluation = next((row.evaluation for row in known if row.version == promotion.version and row.evaluation), None)
    return stores.ledger.get(Evaluation, evaluation) if evaluation else None


def _drift(
    definition: Definition,
    interval: Interval,
    stores: Stores,
    version: ModelVersion,
    snapshot: Snapshot,
    validation: Validation,
    predicted: Predicted,
) -> tuple[Sequence[ColumnDrift], Signal, str]:
    reference = Reference.from_json(stores.artifacts.get(version.profile))
    known = _known(stores, version, validation, predicted)
    if known is None or known.edges != reference.edges.digest:
        known = _counted(definition, stores, reference, snapshot, validation)
    monitoring = definition.monitoring
    columns, signal = drift(
        reference,
        known,
        false_alarms_per_year=monitoring.false_alarms_per_year / TESTS,
        nights_per_year=YEAR / interval.length,
        input_shift=monitoring.tolerance.input_shift,
        minimum_rows=monitoring.minimum_rows,
    )
    return columns, signal, stores.artifacts.put(known.to_json())


def _known(stores: Stores, version: ModelVersion, validation: Validation, predicted: Predicted) -> Profile | None:
    """Return what *predict* counted, if that was for *version*, of the rows that *validation* let through, and is still there.

    No row names it before the measurement does, so it may have been collected.
    """
    wanted = (Role.CHAMPION, version.id, validation.id)
    if predicted.profile is None or wanted not in {(batch.role, batch.version, batch.validation) for batch in predicted.batches}:
        return None
    try:
        return Profile.from_json(stores.artifacts.get(predicted.profile))
    except ArtifactError as error:
        if error.code is not Code.ARTIFACT_MISSING:
            raise
        return None


def _counted(definition: Definition, stores: Stores, reference: Reference, snapshot: Snapshot, validation: Validation) -> Profile:
    """Count the night's rows: *predict* did not, or for another champion, or with other rows refused, or its counts are gone."""
    with open_rows(definition, stores, snapshot, validation) as rows:
        require_columns(reference.edges.names, rows.schema)
        return profile(reference.edges, rows.batches(reference.edges.names))
