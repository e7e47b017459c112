"""What moved in a night: its inputs, the predictions, the labels that have come, and all columns taken together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perennial.core.receipts import ColumnDrift, Role, Signal, Verdict
from perennial.monitoring.counting.profile import Profile
from perennial.monitoring.counting.reference import Reference
from perennial.monitoring.holm import holm_level
from perennial.monitoring.loss.outlook import LABEL, PREDICTION
from perennial.monitoring.shift.drift import Moved, moved_columns, thresholds
from perennial.steps.judging.outlook import labels_moved, predictions_moved
from perennial.steps.measuring.counted import counted
from perennial.steps.measuring.kept_counts import kept_counts
from perennial.steps.measuring.told_apart import told_apart, told_signal
from perennial.steps.measuring.watched import watched_reference
from perennial.steps.scored_nights import night_number

if TYPE_CHECKING:
    from perennial.core.interval import Interval
    from perennial.core.receipts import ModelVersion, Predicted, Snapshot, Validation
    from perennial.definition.models import Definition
    from perennial.monitoring.loss.outlook import Outlook
    from perennial.monitoring.shift.two_sample import TwoSample
    from perennial.ports import Stores


@dataclass(frozen=True, slots=True)
class Night:
    """What a night is measured from: the champion's *version*, the *outlook* of its evaluation, and the night's receipts."""

    definition: Definition
    interval: Interval
    stores: Stores
    version: ModelVersion
    outlook: Outlook | None
    snapshot: Snapshot
    validation: Validation
    predicted: Predicted

    @property
    def is_scored(self) -> bool:
        """Whether its rows are no data fault and were predicted; else they are not held against anything."""
        return self.validation.verdict is Verdict.PASS and bool(self.predicted.batches)

    @property
    def was_counted(self) -> bool:
        """Whether *predict* predicted, and so counted, by this version and of the rows that this validation let through."""
        wanted = (Role.CHAMPION, self.version.id, self.validation.id)
        return wanted in {(batch.role, batch.version, batch.validation) for batch in self.predicted.batches}


@dataclass(frozen=True, slots=True)
class Movements:
    """What moved on a night: each column; a signal for each kind of movement; what was counted, by digest.

    *profile* names the counts of the rows, *outlook* those of their predictions. Both are None where the night was not scored.
    """

    columns: list[ColumnDrift]
    signals: list[Signal]
    profile: str | None
    outlook: str | None


@dataclass(frozen=True, slots=True)
class _Found:
    inputs: Moved | None = None
    predictions: Moved | None = None
    labels: Moved | None = None
    told: TwoSample | None = None

    def p_values(self, plain: float | None) -> list[float]:
        """Return the chances of what is tested; where a *plain* threshold of PSI decides, columns are not."""
        parts = (self.inputs, self.predictions, self.labels) if plain is None else ()
        moved = [p for part in parts if part for p in part.p_values]
        return [*moved, self.told.p_value] if self.told else moved


def movements(night: Night, budget: float) -> Movements:
    """Measure all that can move, and judge it together: one budget for every test of the night, shared by Holm's rule.

    Args:
        night: The night.
        budget: The chance of any false alarm.

    Returns:
        What was measured, judged.

    Raises:
        ArtifactError: A reference is not what was stored.
        DataError: SCHEMA_MISSING, SCHEMA_TYPE.
    """
    found, counts, predicted_counts = _Found(labels=_labels(night)), None, None
    if night.is_scored:
        put = night.stores.artifacts.put
        inputs, counted = _inputs(night)
        predictions, predicted = _predictions(night)
        counts, predicted_counts = put(counted.to_json()), put(predicted.to_json()) if predicted else None
        found = replace(found, inputs=inputs, predictions=predictions, told=_told(night))
    plain = night.definition.monitoring.threshold.psi if night.definition.monitoring.threshold else None
    level = holm_level(found.p_values(plain), budget)
    columns, signals = _judged(found, level, plain)
    if night.is_scored and night.definition.monitoring.multivariate:
        signals.append(told_signal(found.told, level, night.validation.rows - night.validation.quarantined))
    return Movements(columns, signals, counts, predicted_counts)


def _judged(found: _Found, level: float, plain: float | None) -> tuple[list[ColumnDrift], list[Signal]]:
    columns: list[ColumnDrift] = []
    signals: list[Signal] = []
    groups = ((found.inputs, ""), (found.predictions, PREDICTION), (found.labels, LABEL))
    known = [(moved, name) for moved, name in groups if moved is not None]
    together = thresholds([moved for moved, _ in known], level, plain)
    for (moved, name), allowed in zip(known, together, strict=True):
        called, kind = f"{name} drift".strip(), f"{name}_drift".strip("_")
        each, signal = moved.judged(level, name=called, kind=kind, plain=plain, allowed=allowed)
        columns += [column.model_copy(update={"column": f"({name})"}) for column in each] if name else each
        signals.append(signal)
    return columns, signals


def _inputs(night: Night) -> tuple[Moved, Profile]:
    monitoring = night.definition.monitoring
    reference = watched_reference(night.definition, night.stores, night.version)
    counts = night.predicted.profile if night.was_counted else None
    known = kept_counts(night.stores, counts, reference) or _counted(night, reference)
    moved = moved_columns(
        reference,
        known,
        input_shift=monitoring.tolerance.input_shift,
        minimum_rows=monitoring.minimum_rows,
        number=night_number(night.definition, night.interval, reference.nights_a_day),
    )
    return moved, known


def _predictions(night: Night) -> tuple[Moved | None, Profile | None]:
    if night.outlook is None:
        return None, None
    counted = night.predicted.outlook if night.was_counted else None
    return predictions_moved(night.definition, night.interval, night.stores, night.outlook, night.snapshot, counted)


def _labels(night: Night) -> Moved | None:
    return labels_moved(night.definition, night.stores, night.outlook, night.snapshot) if night.outlook else None


def _told(night: Night) -> TwoSample | None:
    if not night.definition.monitoring.multivariate:
        return None
    return told_apart(night.definition, night.stores, night.version, night.snapshot, night.validation)


def _counted(night: Night, reference: Reference) -> Profile:
    """Count the night's rows: *predict* did not, or for another champion, or with other rows refused, or its counts are gone."""
    return counted(reference.edges, night.definition, night.stores, night.snapshot, night.validation)
