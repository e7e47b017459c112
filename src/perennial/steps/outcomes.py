"""Bringing the labels that have arrived into the ledger, without those that the definition does not believe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.interval import Interval
from perennial.definition.models import Definition
from perennial.quality import catalog
from perennial.quality.great_expectations_check import check
from perennial.steps.arrays import MOMENT, numbers
from perennial.steps.columns import entity_text
from perennial.steps.extract import read_labels
from perennial.steps.rows import latest

if TYPE_CHECKING:
    from datetime import datetime

    from perennial.ports import Stores

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
    labels = pa.Table.from_batches(read_labels(definition, recent, stores, as_of=as_of))
    believed = _believed(definition, latest(labels, definition))
    return stores.ledger.record_outcomes(definition.name, segment, _outcomes(definition, believed).to_batches())


def _believed(definition: Definition, labels: pa.Table) -> pa.Table:
    column = definition.label.column
    labels = labels.filter(pc.is_finite(numbers(labels, column)))  # a null is neither finite nor not
    wanted = [
        (item.type, item.arguments)
        for item in definition.expectations
        if catalog.SUPPORTED[item.type].by_row and catalog.columns(item.type, item.arguments) == (column,)
    ]
    if labels.num_rows == 0 or not wanted:
        return labels
    keep = np.ones(labels.num_rows, dtype=bool)
    keep[check(labels, wanted).refused.column("row").to_numpy()] = False
    return labels.filter(pa.array(keep))


def _outcomes(definition: Definition, labels: pa.Table) -> pa.Table:
    relation = definition.labels
    at = labels.column(relation.event_at)
    available = (
        labels.column(relation.available_at)
        if relation.available_at
        else pc.add(at, pa.scalar(definition.label.delay, pa.duration("us")))
    )
    value = numbers(labels, definition.label.column)
    return pa.table([entity_text(labels, relation.entity), at, value, available], schema=SCHEMA)
