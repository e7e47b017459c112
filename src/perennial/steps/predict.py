"""predict: the night's rows, scored by the champion, by its baseline and by the shadow, as published batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack

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
from perennial.monitoring.counting.profile import Tally
from perennial.monitoring.loss.outlook import PREDICTION, Outlook
from perennial.ports import Stores
from perennial.steps.champion import champion_of, first_promotion, retirement_of, version_of
from perennial.steps.measuring.watched import watched_reference
from perennial.steps.release import last_validation
from perennial.steps.scoring.models import load_for, unusable
from perennial.steps.scoring.scored_rows import schema_of, scored_rows
from perennial.steps.scoring.spooled_rows import spooled_rows
from perennial.steps.snapshots.rows import Rows, open_rows


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
    tally, outlook = Tally(watched_reference(definition, stores, champion).edges), _outlook(stores, promotion)
    with open_rows(definition, stores, snapshot, validation) as rows, ExitStack() as files:
        if rows.num_rows == 0:
            return _none(snapshot, "validation left no row, so nothing was predicted")
        waiting = []
        for role, version, by, manifest in _asked(definition, interval, stores, rows, promotion, champion):
            counted = (tally, outlook) if role is Role.CHAMPION else (None, None)
            predicted = files.enter_context(_predicted(definition, stores, rows, manifest, *counted))
            waiting.append((batch_of(snapshot, validation, role, version, by.epoch, rows.num_rows), predicted))
        profile = stores.artifacts.put(tally.profile.to_json())  # before the predictions change, for it may fail
        told = stores.artifacts.put(outlook.profile.to_json()) if outlook else None
        batches = tuple(stores.ledger.publish(batch, predicted.batches()) for batch, predicted in waiting)
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


def _predicted(
    definition: Definition, stores: Stores, rows: Rows, manifest: str, tally: Tally | None, outlook: Tally | None
) -> AbstractContextManager[Rows]:
    loaded = load_for(stores, manifest, definition.estimator.task)
    return spooled_rows(schema_of(loaded), scored_rows(definition.source, rows, loaded, tally, outlook), stores.scratch)


def _outlook(stores: Stores, promotion: Promotion) -> Tally | None:
    """Return what counts the champion's predictions over the edges of the outlook that it was promoted with, if it has one."""
    evaluation = stores.ledger.get(Evaluation, promotion.evaluation) if promotion.evaluation else None
    if evaluation is None or evaluation.outlook is None:
        return None
    return Tally(Outlook.from_json(stores.artifacts.get(evaluation.outlook)).of(PREDICTION).edges)


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
