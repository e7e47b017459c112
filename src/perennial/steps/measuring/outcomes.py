"""Bringing the labels that have arrived into the ledger, without those that the definition does not believe."""

from __future__ import annotations

from contextlib import closing, contextmanager
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.interval import Interval
from perennial.definition.models import Definition
from perennial.quality import catalog
from perennial.quality.check import check
from perennial.steps.arrays import MOMENT, numbers
from perennial.steps.columns import entity_text
from perennial.steps.extract import read_labels
from perennial.steps.kept import kept
from perennial.steps.scoring.spooled_rows import spooled_rows
from perennial.steps.snapshots.labels import latest_batches
from perennial.steps.snapshots.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from perennial.ports import Stores
    from perennial.quality.refused import Refused

SCHEMA = pa.schema(
    [
        ("entity", pa.string()),
        ("event_at", MOMENT),
        ("value", pa.float64()),
        ("available_at", MOMENT),
    ]
)


def record_outcomes(definition: Definition, segment: str, interval: Interval, stores: Stores, *, as_of: datetime) -> int:
    """Append the labels known as of the cut-off whose events are recent enough to have new ones, and return how many were new.

    Of each event the latest revision as of the cut-off is taken. If it is empty or infinite, or fails an expectation about the
    label column alone, it is not believed, and there is no label: it does not count as decay, as it does not train a model. But an
    older revision that an earlier night recorded stays in the ledger, and counts until one comes that is believed.

    Where no column says when a label came, it is recorded as available when it is matured. What is corrected in place after that
    is not recorded, as nobody can say when it was known.
    """
    recent = Interval(interval.start - definition.label.settled, interval.end)
    with believed_labels(definition, segment, recent, stores, as_of=as_of) as labels:
        batches = (_outcomes(definition, batch) for batch in labels.batches())
        return stores.ledger.record_outcomes(definition.name, segment, batches)


@contextmanager
def believed_labels(definition: Definition, segment: str, interval: Interval, stores: Stores, *, as_of: datetime) -> Iterator[Rows]:
    """Lend the labels of the events of *segment* in *interval* as the source has them.

    They are the latest revision of each, if it is believed. Not believed is what is empty or infinite as of the cut-off, or fails
    an expectation about the label column alone.
    """
    with closing(read_labels(definition, interval, stores, as_of=as_of, segment=segment)) as labels:
        first = next(labels)
        present = (_present(definition, batch) for batch in latest_batches(chain([first], labels), definition))
        with spooled_rows(first.schema, present, stores.scratch) as rows:
            refused = _refused(definition, rows)
            yield Rows(rows.schema, rows.num_rows - len(refused), lambda columns: kept(rows.batches(columns), refused.mask))


def _present(definition: Definition, labels: pa.RecordBatch) -> pa.RecordBatch:
    finite = pc.is_finite(numbers(labels, definition.label.column))  # a null is neither finite nor not
    return labels.filter(finite)


def _refused(definition: Definition, labels: Rows) -> Refused:
    column = definition.label.column
    wanted = [
        (item.type, item.arguments)
        for item in definition.expectations
        if catalog.SUPPORTED[item.type].by_row and catalog.columns(item.type, item.arguments) == (column,)
    ]
    return check(labels, wanted).refused


def _outcomes(definition: Definition, labels: pa.RecordBatch) -> pa.RecordBatch:
    relation = definition.labels
    at = labels.column(relation.event_at)
    available = (
        labels.column(relation.available_at)
        if relation.available_at
        else pc.add(at, pa.scalar(definition.label.delay, pa.duration("us")))
    )
    value = numbers(labels, definition.label.column)
    return pa.RecordBatch.from_arrays([entity_text(labels, relation.entity), at, value, available], schema=SCHEMA)
