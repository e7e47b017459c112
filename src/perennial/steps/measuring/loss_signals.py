"""What the champion's loss says: on the labels that have come, beside the baseline, by slice, and estimated for tonight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.receipts import NightLoss, Role, Signal
from perennial.monitoring.counting.profile import Profile
from perennial.monitoring.counting.reference import Reference
from perennial.monitoring.loss.baseline import behind_baseline
from perennial.monitoring.loss.decay import Evaluated, decay
from perennial.monitoring.loss.estimated import Estimated, estimate_signal, estimated_class, estimated_number
from perennial.monitoring.loss.outlook import PREDICTION, Outlook
from perennial.monitoring.loss.slice_decay import slice_decay
from perennial.steps.judging.outlook import learnt_losses
from perennial.steps.measuring.budget import budget
from perennial.steps.measuring.loss import evaluated, loss_of
from perennial.steps.measuring.loss_outlook import PREDICTED
from perennial.steps.measuring.settled_slices import settled_slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perennial.core.interval import Interval
    from perennial.core.receipts import Evaluation, Snapshot
    from perennial.definition.models import Definition
    from perennial.monitoring.loss.effects import Effects
    from perennial.monitoring.loss.losses import LossOutlook
    from perennial.monitoring.psi import Counts, Floats
    from perennial.ports import Stores


@dataclass(frozen=True, slots=True)
class Watched:
    """Whose loss is looked at, and when.

    Attributes:
        definition: The model.
        interval: The night.
        stores: Where all lies.
        version: The champion's id.
        evaluation: The one that the champion passed; None where it was made champion without one.
        snapshot: The night's.
        reference: The digest of the champion's reference.
        counts: The digest of the counts of the night's rows; None where it is a data fault, or was not predicted.
        outlook: What the evaluation learnt; None where it learnt nothing.
    """

    definition: Definition
    interval: Interval
    stores: Stores
    version: str
    evaluation: Evaluation | None
    snapshot: Snapshot
    reference: str | None = None
    counts: str | None = None
    outlook: Outlook | None = None

    @property
    def minimum(self) -> int:
        """With fewer labels or predictions a night does not count."""
        return self.definition.monitoring.minimum_rows

    @property
    def tolerance(self) -> float:
        """The increase of the loss that is not worth a retraining."""
        return self.definition.monitoring.tolerance.loss_increase


def loss_signals(watched: Watched, losses: Sequence[NightLoss]) -> tuple[list[Signal], tuple[NightLoss, ...]]:
    """Judge the champion's losses.

    Args:
        watched: Whose.
        losses: Of the nights of its reign, in every role.

    Returns:
        The signals; and the losses by slice that are new tonight, each night's after its own: of the night that has settled, and of
        those that had settled before and were skipped or have other labels now.

    Raises:
        ArtifactError: The counts of the night, or the snapshot of a settled night, are not what was stored.
    """
    champion, baseline = (_of(watched, losses, role) for role in (Role.CHAMPION, Role.BASELINE))
    learnt = learnt_losses(watched.definition, watched.outlook) if watched.evaluation else None
    shares = budget(watched.definition, watched.interval.length, learnt)
    beside = behind_baseline(champion, baseline, minimum_labels=watched.minimum, alpha=shares.baseline)
    if watched.evaluation is None:
        return [beside], ()
    known = evaluated(watched.definition, watched.evaluation, learnt.variation if learnt else None)
    signals = [_decay(watched, champion, known, shares.decay), beside]
    fresh: tuple[NightLoss, ...] = ()
    if learnt is not None and learnt.slices:
        before = _slices_before(watched)
        wanted = tuple(learnt.slices)
        fresh = settled_slices(watched.definition, watched.stores, watched.snapshot, champion, before=before, wanted=wanted)
        counted = {night.interval for night in champion}  # not the nights of an earlier reign, or whose predictions were withdrawn
        slices = {(one.slice, one.interval): one for one in (*before, *fresh) if one.interval in counted}
        signals.append(_slices(watched, learnt, list(slices.values()), shares.slices))
    if watched.outlook is not None and shares.estimate and watched.counts is not None:
        signals.append(_estimate(watched, watched.outlook, known, shares.estimate))
    return signals, fresh


def _of(watched: Watched, losses: Sequence[NightLoss], role: Role) -> list[NightLoss]:
    return [night for night in losses if night.role is role and night.version == watched.version]


def _decay(watched: Watched, nights: Sequence[NightLoss], known: Evaluated, alpha: float) -> Signal:
    return decay(
        nights,
        evaluated=known,
        tolerance=watched.tolerance,
        alpha=alpha,
        minimum_labels=watched.minimum,
        loss_name=loss_of(watched.definition).words,
        matured=watched.snapshot.as_of - watched.definition.label.delay,
    )


def _slices_before(watched: Watched) -> list[NightLoss]:
    snapshot, before = watched.snapshot, watched.interval.start
    return watched.stores.ledger.slice_losses(
        snapshot.model, snapshot.segment, version=watched.version, before=before, as_of=snapshot.as_of
    )


def _slices(watched: Watched, learnt: LossOutlook, nights: Sequence[NightLoss], alpha: float) -> Signal:
    return slice_decay(
        nights,
        learnt.slices,
        tolerance=watched.tolerance,
        alpha=alpha,
        minimum_labels=watched.minimum,
        loss_name=loss_of(watched.definition).words,
    )


def _estimate(watched: Watched, outlook: Outlook, known: Evaluated, alpha: float) -> Signal:
    predictions = _predictions(watched)
    return estimate_signal(
        _estimated(watched, outlook, predictions) if predictions.size else None,
        evaluated=known,
        tolerance=watched.tolerance,
        alpha=alpha,
        rows=predictions.size,
        minimum_rows=watched.minimum,
        loss_name=loss_of(watched.definition).words,
    )


def _estimated(watched: Watched, outlook: Outlook, predictions: Floats) -> Estimated | None:
    learnt, rows = outlook.losses, np.array(float(predictions.size))
    if learnt is None:
        return None
    weight = float(learnt.variation.weight(rows)) if learnt.variation else 1 / predictions.size
    if learnt.curve is not None:
        return estimated_class(learnt.curve, predictions, loss=learnt.loss, weight=weight)
    if learnt.effects is not None:
        counts = _counts(watched, outlook, learnt.effects, predictions)
        return estimated_number(learnt.effects, counts, predictions.size, weight=weight)
    return None


def _counts(watched: Watched, outlook: Outlook, wanted: Effects, predictions: Floats) -> dict[str, Counts]:
    """Return the night's rows and predictions over the bins of the test, by the columns that are *wanted*."""
    (of_prediction,) = outlook.of(PREDICTION).edges.columns
    found = {PREDICTED: of_prediction.test_counts(of_prediction.count(pa.array(predictions)))}
    if watched.counts is None or watched.reference is None:
        return found
    counts = Profile.from_json(watched.stores.artifacts.get(watched.counts)).counts
    edges = Reference.from_json(watched.stores.artifacts.get(watched.reference)).edges.columns
    known = wanted.groups.keys() & counts.keys()
    return found | {each.name: each.test_counts(np.array(counts[each.name])) for each in edges if each.name in known}


def _predictions(watched: Watched) -> Floats:
    """Return what the champion predicted tonight, shape (rows,)."""
    snapshot = watched.snapshot
    rows = watched.stores.ledger.stream_predictions(snapshot.model, snapshot.segment, within=watched.interval)
    parts = [batch.filter(pc.equal(batch["version"], watched.version))["prediction"].to_numpy() for batch in rows]
    return np.concatenate(parts) if parts else np.empty(0)
