"""Predictions and movements of nights, each made once for all policies that have the same champion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

import pyarrow as pa

from perennial.backtest.memo import Memo
from perennial.core.interval import Interval, iso
from perennial.core.receipts import (
    ColumnDrift,
    Evaluation,
    Measurement,
    ModelVersion,
    Predicted,
    PredictionBatch,
    Promotion,
    Receipt,
    Role,
    Signal,
    Snapshot,
    Validation,
    Verdict,
)
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.champion import champion_of, version_of
from perennial.steps.measuring.movements import Movements, Night, movements
from perennial.steps.measuring.outcomes import record_outcomes
from perennial.steps.monitor import measure
from perennial.steps.predict import batch_of, predict

_PUBLISHED = ("entity", "event_at", "prediction", "low", "high")


class _Made(Receipt):
    """What a champion predicted of a night: rows by role, and counts, each by digest."""

    rows: dict[Role, str]
    profile: str | None
    outlook: str | None


class _Moved(Receipt):
    """The same as ``Movements``, as a receipt."""

    columns: tuple[ColumnDrift, ...]
    signals: tuple[Signal, ...]
    profile: str | None
    outlook: str | None


@dataclass(slots=True)
class SharedNights:
    """The steps of a night after its validation.

    Attributes:
        memo: What was made.
        start: Where the walk begins: labels from before its first nights are not all there.
        newest: The night of which the labels were taken in last. They are the same for all policies.
    """

    memo: Memo
    start: datetime
    newest: Interval | None = None

    def predict(
        self, definition: Definition, interval: Interval, stores: Stores, *, snapshot: Snapshot, validation: Validation
    ) -> Predicted:
        """Predict as the step does; see ``steps.predict``."""
        run = partial(predict, definition, interval, stores, snapshot=snapshot, validation=validation)
        promotion = champion_of(stores, definition.name, snapshot.segment, interval)
        version = version_of(stores, promotion)
        if promotion is None or version is None or validation.verdict is not Verdict.PASS:
            return run()
        key = self.memo.key("predict", _same(version), _outlook(stores, promotion), snapshot.digest, validation.quarantine)
        found = self.memo.shelf.find(key)
        made = _Made.model_validate_json(found) if found else None
        if made is None or not all(map(self.memo.shelf.artifacts.holds, _named(made))):
            predicted = run()
            self.memo.shelf.keep(key, _kept(stores, predicted).model_dump_json().encode())
            return predicted
        tables = {role: _read(stores, digest) for role, digest in made.rows.items()}
        batches = tuple(
            stores.ledger.publish(batch_of(snapshot, validation, role, version, promotion.epoch, rows.num_rows), rows.to_batches())
            for role, rows in tables.items()
        )
        return Predicted(
            model=definition.name,
            segment=snapshot.segment,
            interval=interval,
            batches=batches,
            profile=made.profile,
            outlook=made.outlook,
            sentence="predicted before",
        )

    def monitor(
        self,
        definition: Definition,
        interval: Interval,
        stores: Stores,
        *,
        snapshot: Snapshot,
        validation: Validation,
        predicted: Predicted,
    ) -> Measurement:
        """Monitor as the step does; see ``steps.monitor``."""
        if interval != self.newest:
            record_outcomes(definition, snapshot.segment, interval, stores, as_of=snapshot.as_of)
            self.newest = interval
        return measure(
            definition,
            interval,
            stores,
            snapshot=snapshot,
            validation=validation,
            predicted=predicted,
            moves=self._moves,
        )

    def _moves(self, night: Night, budget: float) -> Movements:
        memo, predicted, segment = self.memo, night.predicted, night.snapshot.segment
        promotion = champion_of(night.stores, night.definition.name, segment, night.interval)
        key = memo.key(
            "moves",
            iso(self.start),
            _same(night.version),
            _outlook(night.stores, promotion) if promotion else None,
            [night.snapshot.digest, night.validation.verdict.value, night.validation.quarantine],
            [predicted.profile, predicted.outlook, night.is_scored, night.was_counted, budget],
        )
        found = memo.once(
            _Moved,
            key,
            lambda _: _as_receipt(movements(night, budget)),
            night.stores,
            lambda moved: [moved.profile, moved.outlook],
        )
        return Movements(list(found.columns), list(found.signals), found.profile, found.outlook)


def _same(version: ModelVersion) -> list[str | None]:
    """Return what a version does, whatever it is called."""
    return [version.artifact, version.baseline, version.profile, version.sample]


def _outlook(stores: Stores, promotion: Promotion) -> str | None:
    return stores.ledger.get(Evaluation, promotion.evaluation).outlook if promotion.evaluation else None


def _named(made: _Made) -> list[str]:
    return [digest for digest in (*made.rows.values(), made.profile, made.outlook) if digest is not None]


def _kept(stores: Stores, predicted: Predicted) -> _Made:
    rows = {batch.role: stores.artifacts.put(_written(stores, batch)) for batch in predicted.batches}
    return _Made(rows=rows, profile=predicted.profile, outlook=predicted.outlook)


def _written(stores: Stores, batch: PredictionBatch) -> bytes:
    found = stores.ledger.predictions(batch.model, batch.segment, role=batch.role, within=batch.interval)
    rows, sink = found.select(list(_PUBLISHED)).combine_chunks(), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as out:
        out.write_table(rows)
    return bytes(sink.getvalue())


def _read(stores: Stores, digest: str) -> pa.Table:
    return pa.ipc.open_stream(stores.artifacts.get(digest)).read_all()


def _as_receipt(moved: Movements) -> _Moved:
    return _Moved(columns=tuple(moved.columns), signals=tuple(moved.signals), profile=moved.profile, outlook=moved.outlook)
