"""extract: the rows of an interval, as of a cut-off, into an immutable snapshot."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from perennial.core.digest import canonical_json
from perennial.core.interval import Interval, iso
from perennial.core.receipts import ALL, Purpose, Snapshot
from perennial.definition.models import Definition, Relation
from perennial.ports import Among, Selection, Stores
from perennial.steps.columns import label_columns, number_columns, row_columns
from perennial.steps.of_segment import of_segment
from perennial.steps.snapshots.bounds import bounded
from perennial.steps.snapshots.parts import FORMAT, Parts
from perennial.steps.snapshots.skew import skew_of
from perennial.steps.snapshots.store_parts import store_parts

if TYPE_CHECKING:
    import pyarrow as pa

    Batches = Generator[pa.RecordBatch, None, None]

_log = logging.getLogger(__name__)


def extract(
    definition: Definition, interval: Interval, stores: Stores, *, purpose: Purpose, as_of: datetime, segment: str = ALL
) -> Snapshot:
    """Copy what the definition reads into Parquet parts, and name them by one digest.

    A training snapshot also has parts with the labels of the interval. The same interval, cut-off and source give the same
    digest; where an earlier extraction gave another one, the receipt says what differs.

    Args:
        definition: The model.
        interval: Which events.
        stores: Where from and where to.
        purpose: A night to score, or a window to train on.
        as_of: What became available later is not read.
        segment: Whose rows; all are where the definition has no segments.

    Returns:
        The snapshot's receipt. It may have no rows; *validate* judges that.

    Raises:
        DataError: SCHEMA_MISSING and the like, from the source; TIME_OUT_OF_INTERVAL, TIME_FUTURE, DATA_UNORDERED, the source
            yields what it was not asked for.
        RejectedError: SEGMENT_UNKNOWN, STORE_FULL, STORE_DENIED.
    """
    parts = Parts(
        rows=store_parts(read_rows(definition, interval, stores, as_of=as_of, segment=segment), stores),
        labels=(
            store_parts(read_labels(definition, interval, stores, as_of=as_of, segment=segment), stores)
            if purpose is Purpose.TRAIN
            else ()
        ),
    )
    manifest = {
        "format": FORMAT,
        "model": definition.name,
        "segment": segment,
        "purpose": purpose.value,
        "interval": str(interval),
        "as_of": iso(as_of),
        "parts": parts.model_dump(),
    }
    snapshot = Snapshot(
        model=definition.name,
        segment=segment,
        interval=interval,
        digest=stores.artifacts.put(canonical_json(manifest)),
        purpose=purpose,
        as_of=as_of,
        rows=sum(part.rows for part in parts.rows),
        label_rows=sum(part.rows for part in parts.labels),
        bytes=sum(part.bytes for part in (*parts.rows, *parts.labels)),
    )
    skew = skew_of(definition, stores, snapshot)
    if skew is not None:
        named = definition.name if segment == ALL else f"{definition.name} {segment}"
        _log.warning("%s %s: %s", named, interval, skew.sentence)
    return stores.ledger.record(snapshot.model_copy(update={"skew": skew}))


def read_rows(definition: Definition, interval: Interval, stores: Stores, *, as_of: datetime, segment: str) -> Batches:
    """Yield the source's rows of the events of *segment* in *interval* that were available as of the cut-off.

    Raises:
        DataError: As :func:`extract`.
        RejectedError: SEGMENT_UNKNOWN.
    """
    return bounded_rows(definition.source, row_selection(definition, interval, as_of=as_of, segment=segment), stores)


def row_selection(definition: Definition, interval: Interval, *, as_of: datetime, segment: str) -> Selection:
    """Return what :func:`read_rows` asks the source for.

    Raises:
        RejectedError: SEGMENT_UNKNOWN.
    """
    columns = row_columns(definition)
    numeric = tuple(name for name in number_columns(definition) if name in columns)
    return selection(definition.source, columns, interval, as_of, numeric=numeric, among=of_segment(definition, segment))


def read_labels(definition: Definition, interval: Interval, stores: Stores, *, as_of: datetime, segment: str) -> Batches:
    """Yield the labels of the events of *segment* in *interval* that were available as of the cut-off, every revision of them.

    Where no column says when a label came, it counts as known when it is matured: before, it may be wrong.

    Raises:
        DataError: As :func:`extract`.
        RejectedError: SEGMENT_UNKNOWN.
    """
    relation = definition.labels
    known = as_of if relation.available_at else as_of - definition.label.delay
    return bounded_rows(relation, _label_selection(definition, interval, known, segment), stores)


def read_history(definition: Definition, within: Interval, stores: Stores, *, segment: str) -> Iterator[tuple[Selection, Batches]]:
    """Yield what the definition reads of rows, and then of labels, and the rows of each, as of the end of *within*.

    Of labels without a column that says when they came, those are there too that are not matured by then.

    Raises:
        DataError: As :func:`extract`.
        RejectedError: SEGMENT_UNKNOWN.
    """
    rows = row_selection(definition, within, as_of=within.end, segment=segment)
    labels = _label_selection(definition, within, within.end, segment)
    for relation, wanted in ((definition.source, rows), (definition.labels, labels)):
        yield wanted, bounded_rows(relation, wanted, stores)


def _label_selection(definition: Definition, interval: Interval, known: datetime, segment: str) -> Selection:
    return selection(
        definition.labels,
        label_columns(definition),
        interval,
        known,
        numeric=(definition.label.column,),
        among=of_segment(definition, segment),
    )


def selection(
    relation: Relation,
    columns: tuple[str, ...],
    interval: Interval,
    as_of: datetime,
    *,
    numeric: tuple[str, ...] = (),
    among: Among | None = None,
) -> Selection:
    """Return what asks for *columns* of *relation*; see ``ports.Selection``."""
    return Selection(
        relation=relation.relation,
        columns=columns,
        entity=relation.entity,
        event_at=relation.event_at,
        available_at=relation.available_at,
        interval=interval,
        as_of=as_of,
        declared=relation.columns,
        numeric=numeric,
        among=among,
    )


def bounded_rows(relation: Relation, wanted: Selection, stores: Stores) -> Batches:
    """Yield what is *wanted* of *relation*, each batch when it was found to be that.

    Raises:
        DataError: As :func:`extract`.
    """
    return bounded(stores.source(relation.connection).read(wanted), wanted, relation.table or relation.path or "query")
