"""extract: the rows of an interval, as of a cut-off, into an immutable snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from perennial.core.digest import canonical_json
from perennial.core.interval import Interval, iso
from perennial.core.receipts import ALL, Purpose, Snapshot
from perennial.definition.models import Definition, Relation
from perennial.ports import Selection, Stores
from perennial.steps.columns import label_columns, row_columns

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST_FORMAT = 1


def extract(definition: Definition, interval: Interval, stores: Stores, *, purpose: Purpose, as_of: datetime) -> Snapshot:
    """Copy what the definition reads into Parquet parts, and name them by one digest.

    A training snapshot also has a part with the labels of the interval. The same interval, cut-off and source give the same
    digest.

    Args:
        definition: The model.
        interval: Which events.
        stores: Where from and where to.
        purpose: A night to score, or a window to train on.
        as_of: What became available later is not read.

    Returns:
        The snapshot's receipt. It may have no rows; *validate* judges that.

    Raises:
        DataError: SCHEMA_MISSING and the like, from the source.
    """
    with TemporaryDirectory(dir=stores.scratch) as folder:
        parts = {"rows": _store(read_rows(definition, interval, stores, as_of=as_of), stores, Path(folder) / "rows.parquet")}
        if purpose is Purpose.TRAIN:
            labels = read_labels(definition, interval, stores, as_of=as_of)
            parts["labels"] = _store(labels, stores, Path(folder) / "labels.parquet")
    manifest = {
        "format": MANIFEST_FORMAT,
        "model": definition.name,
        "segment": ALL,
        "purpose": purpose.value,
        "interval": str(interval),
        "as_of": iso(as_of),
        "parts": parts,
    }
    snapshot = Snapshot(
        model=definition.name,
        interval=interval,
        digest=stores.artifacts.put(canonical_json(manifest)),
        purpose=purpose,
        as_of=as_of,
        rows=int(parts["rows"]["rows"]),
        label_rows=int(parts["labels"]["rows"]) if "labels" in parts else 0,
        bytes=sum(int(part["bytes"]) for part in parts.values()),
    )
    return stores.ledger.record(snapshot)


def read_rows(definition: Definition, interval: Interval, stores: Stores, *, as_of: datetime) -> Iterator[pa.RecordBatch]:
    """Yield the source's rows of the events in *interval* that were available as of the cut-off."""
    return _read(definition.source, row_columns(definition), interval, stores, as_of)


def read_labels(definition: Definition, interval: Interval, stores: Stores, *, as_of: datetime) -> Iterator[pa.RecordBatch]:
    """Yield the labels of the events in *interval* that were available as of the cut-off, every revision of them.

    Where no column says when a label came, it counts as known when it is matured: before, it may be wrong.
    """
    relation = definition.labels
    known = as_of if relation.available_at else as_of - definition.label.delay
    return _read(relation, label_columns(definition), interval, stores, known)


def _read(
    relation: Relation, columns: tuple[str, ...], interval: Interval, stores: Stores, as_of: datetime
) -> Iterator[pa.RecordBatch]:
    selection = Selection(
        relation=relation.relation,
        columns=columns,
        entity=relation.entity,
        event_at=relation.event_at,
        available_at=relation.available_at,
        interval=interval,
        as_of=as_of,
    )
    return stores.source(relation.connection).read(selection)


def _store(batches: Iterator[pa.RecordBatch], stores: Stores, path: Path) -> dict[str, int | str]:
    first = next(batches)
    rows = first.num_rows
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return {"digest": stores.artifacts.put(path), "rows": rows, "bytes": path.stat().st_size}
