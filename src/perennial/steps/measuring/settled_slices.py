"""The champion's losses by slice, on the one night of which all labels have had the time to come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from perennial.core.receipts import NightLoss, Purpose, Role, Snapshot, Validation
from perennial.definition.calendar import last_interval
from perennial.monitoring.loss.losses import LARGEST
from perennial.steps.arrays import MOMENT
from perennial.steps.columns import entity_text
from perennial.steps.measuring.loss import loss_of, row_losses
from perennial.steps.measuring.loss_outlook import slice_texts
from perennial.steps.snapshots.rows import open_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perennial.core.interval import Interval
    from perennial.definition.models import Definition
    from perennial.ports import Stores

_KEYS = ["event_at", "entity"]
_LABELS = pa.schema([("entity", pa.string()), ("event_at", MOMENT), ("value", pa.float64())])


def settled_slices(
    definition: Definition, stores: Stores, snapshot: Snapshot, version: str, wanted: Sequence[str]
) -> tuple[NightLoss, ...]:
    """Return the losses of the *wanted* slices, ``column=value``, on the last night that has settled as of *snapshot*'s cut-off.

    Prediction rows do not hold what slices are made of, so the night's own snapshot is read and joined with its predictions and
    labels. That is done once for each night, on the night on which it settles, after which its labels do not change.

    Returns:
        By slice; nothing where no slice is wanted, or that night was not predicted by *version*.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM.
        DataError: SCHEMA_MISSING.
    """
    settled = snapshot.as_of - definition.label.settled
    night = last_interval(definition.schedule.score, definition.schedule.timezone, settled) if wanted else None
    if night is None:
        return ()
    rows = _rows(definition, stores, snapshot, night)
    predictions = _predictions(stores, snapshot, night, version) if rows else None
    if rows is None or predictions is None or predictions.num_rows == 0:
        return ()
    labels = pa.Table.from_batches(
        stores.ledger.outcomes(snapshot.model, snapshot.segment, within=night, as_of=snapshot.as_of), schema=_LABELS
    )
    joined = predictions.join(rows, _KEYS, join_type="inner").join(labels, _KEYS)
    return tuple(_sliced(definition, joined, night, version, wanted))


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


def _sliced(definition: Definition, rows: pa.Table, night: Interval, version: str, wanted: Sequence[str]) -> Iterator[NightLoss]:
    value = rows.column("value").to_numpy()
    losses = row_losses(loss_of(definition).name, value, rows.column("prediction").to_numpy())
    known = ~np.isnan(value)
    for name in wanted:
        column, _, text = name.partition("=")
        if f"slice_{column}" not in rows.column_names:
            continue
        part = np.asarray(rows.column(f"slice_{column}").to_numpy() == text)
        found = losses[part & known]
        yield NightLoss(
            interval=night,
            role=Role.CHAMPION,
            version=version,
            predicted=int(part.sum()),
            labelled=found.size,
            loss=_told(found) if found.size else None,
            square=_told(np.minimum(found, LARGEST) ** 2) if found.size else None,
            slice=name,
        )


def _told(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Return the mean to ten digits, and whatever the order of the rows the same one."""
    return float(f"{np.sort(values).mean():.10g}")
