"""predict: the night's rows, scored by the champion, by its baseline and by the shadow, as published batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from perennial.core.digest import digest_json
from perennial.core.interval import Interval
from perennial.core.receipts import (
    Evaluation,
    ModelVersion,
    Predicted,
    PredictionBatch,
    Promotion,
    Role,
    Snapshot,
    Validation,
    Verdict,
)
from perennial.definition.models import Definition
from perennial.monitoring.counting.edges import Edges
from perennial.monitoring.counting.profile import Profile
from perennial.monitoring.loss.outlook import PREDICTION, Outlook
from perennial.ports import Stores
from perennial.steps.champion import champion_of, first_promotion, retirement_of, version_of
from perennial.steps.measuring.watched import watched_reference
from perennial.steps.release import last_validation
from perennial.steps.scoring.models import unusable
from perennial.steps.scoring.predictions import predictions
from perennial.steps.scoring.scoring import Scoring
from perennial.steps.snapshots.pieces import pieces_of
from perennial.steps.snapshots.rows import Rows, open_rows


class _Counted(NamedTuple):
    """Over which edges the rows are counted, and over which the predictions; None where they are not."""

    rows: Edges | None = None
    predictions: Edges | None = None


def predict(definition: Definition, interval: Interval, stores: Stores, *, snapshot: Snapshot, validation: Validation) -> Predicted:
    """Score the rows that validation let through, and publish one whole batch per role.

    All roles are predicted before the first batch is published, into files: a prediction that is not finite leaves the ledger as it
    was, and no transaction is open while a model predicts. The rows that the champion predicts are counted in the same pass, and so
    are its predictions.

    A night that is a data fault, or has been found to be one since *validation*, gets no batch, and neither does one without a
    champion. A shadow that cannot predict these rows any more
    is left out; a champion that cannot is an error until a retraining has replaced it.

    Raises:
        ArtifactError: A model is not what was signed, or ENVIRONMENT_MISMATCH.
        DataError: PREDICTION_NONFINITE; SCHEMA_MISSING, SCHEMA_TYPE, the champion needs columns that the definition does not read.
        DefinitionError: DEFINITION_ESTIMATOR, the champion was fitted for another task.
        ConflictError: INTERVAL_OVERLAP, LEASE_LOST.
        RejectedError: STORE_FULL, STORE_DENIED.
    """
    if validation.verdict is not Verdict.PASS:
        return _none(snapshot, "the night is a data fault, so nothing was predicted")
    if last_validation(definition, interval, snapshot.segment, stores).verdict is not Verdict.PASS:
        return _none(snapshot, "the night was found to be a data fault since, so nothing was predicted")
    promotion = champion_of(stores, definition.name, snapshot.segment, interval)
    champion = version_of(stores, promotion)
    if promotion is None or champion is None:
        retired = retirement_of(stores, definition.name, snapshot.segment, interval)
        why = "was retired" if retired else "had no champion on this night"
        return _none(snapshot, f"the model {why}, so nothing was predicted")
    counted = _Counted(watched_reference(definition, stores, champion).edges, _outlook(stores, promotion))
    with open_rows(definition, stores, snapshot, validation) as rows:
        if rows.num_rows == 0:
            return _none(snapshot, "validation left no row, so nothing was predicted")
        asked = list(_asked(definition, interval, stores, rows, promotion, champion))
        scorings = [
            _scoring(definition, manifest, counted if role is Role.CHAMPION else _Counted()) for role, _, _, manifest in asked
        ]
        with predictions(scorings, rows, lambda: pieces_of(stores, snapshot, validation), stores) as scored:
            profile, told = (_kept(stores, found) for found in (scored[0].profile, scored[0].outlook))  # first, for it may fail
            batches = tuple(
                stores.ledger.publish(batch_of(snapshot, validation, role, version, by.epoch, rows.num_rows), *found.streams())
                for (role, version, by, _), found in zip(asked, scored, strict=True)
            )
    return Predicted(
        model=definition.name,
        segment=snapshot.segment,
        interval=interval,
        batches=batches,
        profile=profile,
        outlook=told,
        sentence=f"{rows.num_rows} rows predicted by {champion.id}",
    )


def _asked(
    definition: Definition, interval: Interval, stores: Stores, rows: Rows, promotion: Promotion, champion: ModelVersion
) -> Iterator[tuple[Role, ModelVersion, Promotion, str]]:
    yield Role.CHAMPION, champion, promotion, champion.artifact
    yield Role.BASELINE, champion, promotion, champion.baseline
    if definition.publish.shadow == "first_champion":
        first = first_promotion(stores, definition.name, promotion.segment, interval)
        version = version_of(stores, first)
        if first is None or version is None or unusable(stores, version.artifact, rows, task=definition.estimator.task):
            return
        yield Role.SHADOW, version, first, version.artifact


def _scoring(definition: Definition, manifest: str, counted: _Counted) -> Scoring:
    return Scoring(
        source=definition.source,
        manifest=manifest,
        task=definition.estimator.task,
        edges=counted.rows,
        outlook=counted.predictions,
    )


def _outlook(stores: Stores, promotion: Promotion) -> Edges | None:
    """Return the edges of the predictions in the outlook that the champion was promoted with, if it has one."""
    evaluation = stores.ledger.get(Evaluation, promotion.evaluation) if promotion.evaluation else None
    if evaluation is None or evaluation.outlook is None:
        return None
    return Outlook.from_json(stores.artifacts.get(evaluation.outlook)).of(PREDICTION).edges


def _kept(stores: Stores, counts: Profile | None) -> str | None:
    return stores.artifacts.put(counts.to_json()) if counts else None


def batch_of(
    snapshot: Snapshot, validation: Validation, role: Role, version: ModelVersion, epoch: int, rows: int
) -> PredictionBatch:
    """Return the receipt of what *version* predicts of a night in a *role*."""
    content = [snapshot.model, snapshot.segment, str(snapshot.interval), role.value, version.id, epoch, validation.id]
    return PredictionBatch(
        id=digest_json(content)[:32],
        model=snapshot.model,
        segment=snapshot.segment,
        interval=snapshot.interval,
        role=role,
        version=version.id,
        epoch=epoch,
        snapshot=snapshot.digest,
        validation=validation.id,
        rows=rows,
    )


def _none(snapshot: Snapshot, sentence: str) -> Predicted:
    return Predicted(model=snapshot.model, segment=snapshot.segment, interval=snapshot.interval, batches=(), sentence=sentence)
