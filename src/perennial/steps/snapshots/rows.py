"""Reading a snapshot back: its rows with their labels, and without what validation refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.names import POSITION
from perennial.core.receipts import Purpose, Snapshot, Validation
from perennial.definition.models import Definition
from perennial.ports import Stores, Tools
from perennial.steps.arrays import scalar
from perennial.steps.kept import kept
from perennial.steps.snapshots.labels import labelled, latest, with_labels
from perennial.steps.snapshots.parts import ROWS_PER_GROUP, Part, Parts, parts_of
from perennial.steps.snapshots.stored_parquet import read_stored
from perennial.steps.snapshots.stored_rows import StoredRows


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a snapshot in order of (event_at, entity), to be read any number of times in bounded memory.

    Attributes:
        schema: Every column.
        num_rows: How many rows there are.
        read: Yields them, as :meth:`batches` does.
    """

    schema: pa.Schema
    num_rows: int
    read: Callable[[Sequence[str]], Iterator[pa.RecordBatch]]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield all rows, at most ``ROWS_PER_GROUP`` at a time; nothing where there are none.

        Args:
            columns: Which columns, in this order; by default all. Only these are decoded.
        """
        return self.read(self.schema.names if columns is None else columns)


@contextmanager
def open_rows(definition: Definition, stores: Stores, snapshot: Snapshot, validation: Validation | None = None) -> Iterator[Rows]:
    """Lend a snapshot's rows. What is lent may not be read after the ``with``.

    A training snapshot's rows carry the label column, as in :func:`snapshot_rows`, and are held in memory.

    Args:
        definition: The model.
        stores: Where the snapshot lies.
        snapshot: The snapshot.
        validation: Where given, its quarantined rows are left out.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM; of a part when it is first read.
    """
    with ExitStack() as lent:
        parts = parts_of(stores.artifacts, snapshot.digest)
        if snapshot.purpose is Purpose.SCORE:
            rows = stored_rows(stores, lent, parts.rows)
        else:
            rows = _held(_labelled(definition, stores, snapshot, parts))
        yield rows if validation is None else without(rows, refused_positions(stores, validation.quarantine))


def snapshot_rows(definition: Definition, stores: Stores, snapshot: Snapshot) -> pa.Table:
    """Return a snapshot's rows in order of (event_at, entity), in memory.

    A training snapshot's rows carry the label column: only rows whose label is matured and has arrived, each with the latest
    revision known as of the cut-off. A label that arrived empty is null, so that *validate* can see it.
    """
    with open_rows(definition, stores, snapshot) as rows:
        return pa.Table.from_batches(rows.batches(), rows.schema)


def clean_rows(definition: Definition, stores: Stores, snapshot: Snapshot, validation: Validation) -> pa.Table:
    """Return a snapshot's rows without the quarantined ones, in memory; of a training snapshot those whose label is not empty."""
    with open_rows(definition, stores, snapshot, validation) as rows:
        table = pa.Table.from_batches(rows.batches(), rows.schema)
    return labelled(table, definition) if snapshot.purpose is Purpose.TRAIN else table


def stored_rows(tools: Tools, lent: ExitStack, parts: Sequence[Part]) -> Rows:
    """Return the rows of consecutive *parts*, of which there is at least one; see :class:`StoredRows`."""
    stored = StoredRows(tools.artifacts, lent, parts)
    return Rows(stored.schema, stored.num_rows, stored.batches)


def _held(table: pa.Table) -> Rows:
    return Rows(table.schema, table.num_rows, lambda columns: iter(table.select(columns).to_batches(ROWS_PER_GROUP)))


def without(rows: Rows, refused: npt.NDArray[np.int64]) -> Rows:
    """Return *rows* without those at the positions *refused*, shape (refused,)."""
    if refused.size == 0:
        return rows
    out = np.zeros(rows.num_rows, dtype=bool)
    out[refused] = True
    left = rows.num_rows - int(np.count_nonzero(out))
    return Rows(rows.schema, left, lambda columns: kept(rows.batches(columns), lambda start, count: out[start : start + count]))


def refused_positions(tools: Tools, quarantine: str | None) -> npt.NDArray[np.int64]:
    """Return the positions in their snapshot of the rows in a *quarantine*, shape (refused,).

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM.
    """
    if quarantine is None:
        return np.empty(0, dtype=np.int64)
    positions = read_stored(tools.artifacts, quarantine, [POSITION]).column(POSITION)
    return np.asarray(positions.to_numpy(), dtype=np.int64)


def _labelled(definition: Definition, stores: Stores, snapshot: Snapshot, parts: Parts) -> pa.Table:
    matured = snapshot.as_of - definition.label.delay
    with ExitStack() as lent:
        rows = StoredRows(stores.artifacts, lent, parts.rows).table()
        labels = StoredRows(stores.artifacts, lent, parts.labels).table()
    known = pc.sum(pc.less_equal(rows.column(definition.source.event_at), scalar(matured))).as_py() or 0
    return with_labels(definition, rows.slice(0, known), latest(labels, definition))  # rows are in the order of time
