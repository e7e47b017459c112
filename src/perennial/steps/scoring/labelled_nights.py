"""The newest rows that were scored and whose labels have come, read anew for a look; nothing is recorded."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.interval import Interval
from perennial.core.receipts import Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.arrays import scalar, within
from perennial.steps.checking.validated_nights import validated_nights
from perennial.steps.measuring.outcomes import believed_labels
from perennial.steps.snapshots.labels import with_labels
from perennial.steps.snapshots.rows import clean_rows

NIGHTS = 28
"""The newest nights that are looked at."""

ROWS = 1_000_000
"""With so many rows no further night is read."""


def labelled_nights(definition: Definition, segment: str, stores: Stores, since: datetime) -> tuple[Interval, pa.Table] | None:
    """Return the rows with an event from *since* on that validation let through and whose label has matured, with the label.

    They are those of the newest nights, at most ``NIGHTS`` and about ``ROWS`` rows, whose snapshots have the same columns. The
    labels are read from the source, as of the cut-off of the newest night.

    Returns:
        The time of these nights, and their rows in the order of time, in memory; None where there is none.

    Raises:
        DataError: From the source of the labels.
        UnavailableError: STORE_UNAVAILABLE.
    """
    nights = validated_nights(stores, definition.name, segment, since)
    matured = nights[-1].as_of - definition.label.delay if nights else since
    good = [night for night in nights if night.verdict is Verdict.PASS and night.interval.start < matured]
    if not good:
        return None
    start, tables = _newest(definition, stores, good[-NIGHTS:])
    interval = Interval(max(since, start), good[-1].interval.end)
    rows = within(pa.concat_tables(tables), definition, interval)
    rows = rows.filter(pc.less_equal(rows.column(definition.source.event_at), scalar(matured)))
    if rows.num_rows == 0:
        return None
    labelled = with_labels(definition, rows, _labels(definition, segment, stores, interval, nights[-1].as_of))
    return (interval, labelled) if labelled.num_rows else None


def _newest(definition: Definition, stores: Stores, nights: list[Validation]) -> tuple[datetime, list[pa.Table]]:
    """Return the rows of the newest of *nights*, in order, as far as they have the same columns, and when they begin."""
    found: list[pa.Table] = []
    start, count = nights[-1].interval.start, 0
    for night in reversed(nights):
        rows = clean_rows(definition, stores, stores.ledger.get(Snapshot, night.snapshot), night)
        if count >= ROWS or (found and rows.schema != found[0].schema):
            break
        start, found, count = night.interval.start, [rows, *found], count + rows.num_rows
    return start, found


def _labels(definition: Definition, segment: str, stores: Stores, interval: Interval, as_of: datetime) -> pa.Table:
    with believed_labels(definition, segment, interval, stores, as_of=as_of) as labels:
        return pa.Table.from_batches(labels.batches(), labels.schema)
