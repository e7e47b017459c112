"""Reading a snapshot back: its rows with their labels, and without what validation refused."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perennial.core.receipts import Purpose, Snapshot, Validation
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.arrays import scalar

POSITION = "_position"


def snapshot_rows(definition: Definition, stores: Stores, snapshot: Snapshot) -> pa.Table:
    """Return a snapshot's rows in order of (event_at, entity).

    A training snapshot's rows carry the label column: only rows whose label is matured and has arrived, each with the latest
    revision known as of the cut-off. A label that arrived empty is null.
    """
    parts = json.loads(stores.artifacts.get(snapshot.digest))["parts"]
    rows = _part(stores, parts["rows"]["digest"])
    if snapshot.purpose is Purpose.SCORE:
        return rows
    matured = snapshot.as_of - definition.label.delay
    rows = rows.filter(pc.less_equal(rows.column(definition.source.event_at), scalar(matured)))
    return _with_labels(definition, rows, latest(_part(stores, parts["labels"]["digest"]), definition))


def clean_rows(definition: Definition, stores: Stores, snapshot: Snapshot, validation: Validation) -> pa.Table:
    """Return a snapshot's rows without the quarantined ones."""
    rows = snapshot_rows(definition, stores, snapshot)
    if validation.quarantine is None:
        return rows
    keep = np.ones(rows.num_rows, dtype=bool)
    keep[_part(stores, validation.quarantine).column(POSITION).to_numpy()] = False
    return rows.filter(pa.array(keep))


def latest(labels: pa.Table, definition: Definition) -> pa.Table:
    """Return the last row per entity and event of *labels*, which are sorted by (event_at, entity, available_at)."""
    if labels.num_rows == 0:
        return labels
    last = np.zeros(labels.num_rows, dtype=bool)
    last[-1] = True
    for name in (*definition.labels.entity, definition.labels.event_at):
        column = labels.column(name).combine_chunks()
        differs = pc.fill_null(pc.not_equal(column[:-1], column[1:]), fill_value=True)
        last[:-1] |= differs.to_numpy(zero_copy_only=False)
    return labels.filter(pa.array(last))


def _with_labels(definition: Definition, rows: pa.Table, labels: pa.Table) -> pa.Table:
    keys = [*definition.source.entity, definition.source.event_at]
    theirs = [*definition.labels.entity, definition.labels.event_at]
    labels = labels.select([*theirs, definition.label.column])
    numbered = rows.append_column(POSITION, pa.array(np.arange(rows.num_rows)))
    joined = numbered.join(labels, keys=keys, right_keys=theirs, join_type="inner").sort_by(POSITION)
    return joined.select([*rows.column_names, definition.label.column]).combine_chunks()


def _part(stores: Stores, digest: str) -> pa.Table:
    return pq.read_table(io.BytesIO(stores.artifacts.get(digest)))
