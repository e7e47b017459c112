"""The champion's losses by slice, on the nights of which all labels have had the time to come."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from perennial.core.receipts import Purpose, Role, Snapshot, Validation
from perennial.monitoring.loss.losses import LARGEST
from perennial.steps.arrays import MOMENT
from perennial.steps.columns import entity_text
from perennial.steps.measuring.loss import loss_of, row_losses
from perennial.steps.measuring.loss_outlook import slice_texts
from perennial.steps.snapshots.rows import open_rows
from perennial.steps.unless_lost import unless_lost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from perennial.core.interval import Interval
    from perennial.core.receipts import NightLoss
    from perennial.definition.models import Definition
    from perennial.ports import Stores

_log = logging.getLogger(__name__)
_KEYS = ["event_at", "entity"]
_LABELS = pa.schema([("entity", pa.string()), ("event_at", MOMENT), ("value", pa.float64())])


def settled_slices(
    definition: Definition,
    stores: Stores,
    snapshot: Snapshot,
    nights: Sequence[NightLoss],
    *,
    before: Sequence[NightLoss],
    wanted: Sequence[str],
) -> tuple[NightLoss, ...]:
    """Return the losses of the *wanted* slices, ``column=value``, on the nights that have settled and of which *before* lacks them.

    Prediction rows do not hold what slices are made of, so a night's own snapshot is read and joined with its predictions and
    labels. As a rule that is done once, on the night on which it settles; where that one was skipped, on the next. It is done again
    where labels came since: the night's own loss is then another one than beside the slices of before.

    Args:
        definition: The model.
        stores: Where all lies.
        snapshot: Of the night that is measured; its cut-off says what has settled.
        nights: The champion's losses on whole nights, as of that cut-off.
        before: What earlier nights measured, as ``ports.Ledger.slice_losses`` tells it.
        wanted: The slices.

    Returns:
        By night the loss of all of it, as in *nights*, and then by slice; nothing of a night whose rows are lost.

    Raises:
        ArtifactError: ARTIFACT_CHECKSUM.
    """
    said = {(loss.slice, loss.interval): loss for loss in before}
    until = snapshot.as_of - definition.label.settled
    due = [night for night in nights if night.interval.end <= until and _is_due(night, said, wanted)]
    return tuple(loss for night in due for loss in _measured(definition, stores, snapshot, night, wanted))


def _is_due(night: NightLoss, said: Mapping[tuple[str | None, Interval], NightLoss], wanted: Sequence[str]) -> bool:
    """Return whether the slices of *night* are not known, or not by the labels of now. What has expired takes nothing back."""
    if night.labelled == 0:
        return False
    known = said.get((None, night.interval))
    if known is None or any((name, night.interval) not in said for name in wanted):
        return True
    expired = night.predicted == known.predicted and night.labelled < known.labelled
    return night != known and not expired


def _measured(
    definition: Definition, stores: Stores, snapshot: Snapshot, night: NightLoss, wanted: Sequence[str]
) -> Iterator[NightLoss]:
    rows = unless_lost(lambda: _rows(definition, stores, snapshot, night.interval))
    if rows is None:
        _log.warning("%s %s: its rows are lost, so its slices cannot be measured", snapshot.model, night.interval)
        return
    predictions = _predictions(stores, snapshot, night.interval, night.version)
    labels = pa.Table.from_batches(
        stores.ledger.outcomes(snapshot.model, snapshot.segment, within=night.interval, as_of=snapshot.as_of), schema=_LABELS
    )
    joined = predictions.join(rows, _KEYS, join_type="inner").join(labels, _KEYS)
    yield night
    yield from _sliced(definition, joined, night, wanted)


def _rows(definition: Definition, stores: Stores, snapshot: Snapshot, night: Interval) -> pa.Table | None:
    """Return what names each row of the night, and its slices; None where the night was not validated."""
    known = [
        found
        for found in stores.ledger.history(Validation, snapshot.model, snapshot.segment, within=night)
        if found.purpose is Purpose.SCORE and found.interval == night
    ]
    if not known:
        return None
    source, columns = definition.source, definition.evaluation.slices
    with open_rows(definition, stores, stores.ledger.get(Snapshot, known[-1].snapshot), known[-1]) as rows:
        if missing := set(columns).difference(rows.schema.names):  # the definition has a slice that it did not have that night
            columns = tuple(name for name in columns if name not in missing)
        read = (*dict.fromkeys((*source.entity, source.event_at, *columns)),)
        parts = [
            pa.table(
                {"entity": entity_text(batch, source.entity), "event_at": batch.column(source.event_at)}
                | {f"slice_{name}": pa.array(slice_texts(batch.column(name)), pa.string()) for name in columns}
            )
            for batch in rows.batches(read)
        ]
    return pa.concat_tables(parts) if parts else None


def _predictions(stores: Stores, snapshot: Snapshot, night: Interval, version: str) -> pa.Table:
    found = stores.ledger.predictions(snapshot.model, snapshot.segment, role=Role.CHAMPION, within=night)
    mine = found.filter(pa.compute.equal(found.column("version"), version))
    return mine.select([*_KEYS, "prediction"])


def _sliced(definition: Definition, rows: pa.Table, night: NightLoss, wanted: Sequence[str]) -> Iterator[NightLoss]:
    """Yield the losses by slice. A slice of a column that the night's rows do not have has no rows."""
    value = rows.column("value").to_numpy()
    losses = row_losses(loss_of(definition).name, value, rows.column("prediction").to_numpy())
    known = ~np.isnan(value)
    for name in wanted:
        column, _, text = name.partition("=")
        there = f"slice_{column}" in rows.column_names
        part = np.asarray(rows.column(f"slice_{column}").to_numpy() == text) if there else np.zeros(rows.num_rows, dtype=bool)
        found = losses[part & known]
        figures = {
            "predicted": int(part.sum()),
            "labelled": found.size,
            "loss": _told(found) if found.size else None,
            "square": _told(np.minimum(found, LARGEST) ** 2) if found.size else None,
        }
        yield night.model_copy(update={**figures, "slice": name})


def _told(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Return the mean to ten digits, and whatever the order of the rows the same one."""
    return float(f"{np.sort(values).mean():.10g}")
