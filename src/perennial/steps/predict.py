"""predict: the night's rows, scored by the champion, by its baseline and by the shadow, as published batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from perennial.core.digest import digest_json
from perennial.core.interval import Interval
from perennial.core.receipts import ModelVersion, Predicted, PredictionBatch, Promotion, Role, Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.arrays import MOMENT
from perennial.steps.champion import champion_of, first_promotion, version_of
from perennial.steps.columns import entity_text
from perennial.steps.models import predict_with, unusable
from perennial.steps.rows import clean_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = pa.schema([("entity", pa.string()), ("event_at", MOMENT), ("prediction", pa.float64())])


def predict(definition: Definition, interval: Interval, stores: Stores, *, snapshot: Snapshot, validation: Validation) -> Predicted:
    """Score the rows that validation let through, and publish one whole batch per role.

    A night that is a data fault, or a model without a champion, gets no batch. A shadow that cannot predict these rows any more
    is left out; a champion that cannot is an error until a retraining has replaced it.

    Raises:
        ArtifactError: A model is not what was signed, or ENVIRONMENT_MISMATCH.
        DataError: PREDICTION_NONFINITE; SCHEMA_MISSING, SCHEMA_TYPE, the champion needs columns that the definition does not read.
        DefinitionError: DEFINITION_ESTIMATOR, the champion was fitted for another task.
        ConflictError: INTERVAL_OVERLAP, LEASE_LOST.
    """
    if validation.verdict is not Verdict.PASS:
        return _none(definition, interval, "the night is a data fault, so nothing was predicted")
    promotion = champion_of(stores, definition.name, snapshot.segment, interval)
    champion = version_of(stores, promotion)
    if promotion is None or champion is None:
        return _none(definition, interval, "the model had no champion on this night, so nothing was predicted")
    rows = clean_rows(definition, stores, snapshot, validation)
    batches = [
        _publish(definition, stores, rows, _batch(snapshot, validation, role, version, by.epoch, rows.num_rows), manifest)
        for role, version, by, manifest in _scored(definition, stores, rows, promotion, champion)
    ]
    sentence = f"{rows.num_rows} rows predicted by {champion.id}"
    return Predicted(model=definition.name, segment=snapshot.segment, interval=interval, batches=tuple(batches), sentence=sentence)


def _scored(
    definition: Definition, stores: Stores, rows: pa.Table, promotion: Promotion, champion: ModelVersion
) -> Iterator[tuple[Role, ModelVersion, Promotion, str]]:
    yield Role.CHAMPION, champion, promotion, champion.artifact
    yield Role.BASELINE, champion, promotion, champion.baseline
    if definition.publish.shadow == "first_champion":
        first = first_promotion(stores, definition.name, promotion.segment)
        version = version_of(stores, first)
        if first is None or version is None or unusable(stores, version.artifact, rows, task=definition.estimator.task):
            return
        yield Role.SHADOW, version, first, version.artifact


def _batch(snapshot: Snapshot, validation: Validation, role: Role, version: ModelVersion, epoch: int, rows: int) -> PredictionBatch:
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


def _publish(definition: Definition, stores: Stores, rows: pa.Table, batch: PredictionBatch, manifest: str) -> PredictionBatch:
    predictions = predict_with(stores, manifest, rows, task=definition.estimator.task)
    source = definition.source
    table = pa.table([entity_text(rows, source.entity), rows.column(source.event_at), predictions], schema=SCHEMA)
    return stores.ledger.publish(batch, table.to_batches())


def _none(definition: Definition, interval: Interval, sentence: str) -> Predicted:
    return Predicted(model=definition.name, interval=interval, batches=(), sentence=sentence)
