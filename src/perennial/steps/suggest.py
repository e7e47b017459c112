"""suggest: expectations that the history of a model's source would meet, for a person to edit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from itertools import chain

import numpy as np
import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import ALL
from perennial.definition.calendar import nights
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.quality.portrait import Portrait
from perennial.quality.proposals import MARGIN, Proposal, proposals
from perennial.quality.repeats import Repeats
from perennial.quality.scan import Batch, Tally
from perennial.steps.arrays import microseconds
from perennial.steps.extract import read_labels, read_rows


def suggest(definition: Definition, within: Interval, stores: Stores, *, as_of: datetime, segment: str = ALL) -> list[Proposal]:
    """Return expectations about the key, the nights, the features and the label, with what was seen of each.

    The source is read once, and the labels once, in bounded memory. Nothing is recorded.

    Args:
        definition: The model.
        within: The history to look at.
        stores: Where its source is.
        as_of: What became available later is not read.
        segment: Whose rows.

    Raises:
        RejectedError: SEGMENT_UNKNOWN.
        DataError: DATA_EMPTY, there are no rows.
    """
    source = definition.source
    # The number of rows is not known beforehand. It only matters where the rows do not come in order.
    twice = Repeats((*source.entity, source.event_at), 0, in_order=True)
    per_night = _PerNight(source.event_at, list(nights(definition.schedule, within)))
    wanted = dict.fromkeys((*source.entity, *definition.features.columns))
    wanted.pop(definition.label.column, None)
    portraits = [Portrait(name) for name in wanted]
    unsettled = _show(read_rows(definition, within, stores, as_of=as_of, segment=segment), [twice, per_night, *portraits])
    if not portraits[0].rows:
        raise DataError(Code.DATA_EMPTY, "there are no rows to look at", where=f"{definition.name} {within}")
    label = Portrait(definition.label.column)
    _show(read_labels(definition, within, stores, as_of=as_of, segment=segment), [label])
    found = chain.from_iterable(proposals(portrait) for portrait in (*portraits, label))
    return [_key(twice, known=twice not in unsettled), *per_night.proposals(), *found]


class _PerNight:
    """Counts the rows of each night."""

    def __init__(self, event_at: str, known: list[Interval]) -> None:
        self.columns = (event_at,)
        self._starts = np.array([microseconds(night.start) for night in known], np.int64)
        self._end = microseconds(known[-1].end) if known else 0
        self._counts = np.zeros(len(known), np.int64)

    def see(self, batch: Batch) -> None:
        at = batch[self.columns[0]].micros
        inside = at[(at >= self._starts[0]) & (at < self._end)] if len(self._starts) else at[:0]
        self._counts += np.bincount(np.searchsorted(self._starts, inside, side="right") - 1, minlength=len(self._counts))

    def again(self) -> bool:
        return False

    def proposals(self) -> Iterator[Proposal]:
        counts = self._counts[self._counts > 0]
        if len(counts):
            low, high = int(counts.min()), int(counts.max())
            ends = {"min_value": max(1, math.floor(low * (1 - MARGIN))), "max_value": math.ceil(high * (1 + MARGIN))}
            empty = len(self._counts) - len(counts)
            seen = f"{len(counts)} nights had from {low} to {high} rows{f'; {empty} had none' if empty else ''}"
            yield Proposal("expect_table_row_count_to_be_between", ends, seen, on="score")


def _key(twice: Repeats, *, known: bool) -> Proposal:
    if twice.marks.count:
        return Proposal("", seen=f"{', '.join(twice.columns)}: {twice.marks.count} rows stood twice; they will be refused")
    if not known:
        return Proposal("", seen=f"{', '.join(twice.columns)}: too many rows of one moment to say whether a key stood twice")
    arguments = {"column_list": list(twice.columns)}
    return Proposal("expect_compound_columns_to_be_unique", arguments, "no key stood twice")


def _show(batches: Iterator[pa.RecordBatch], tallies: list[Tally]) -> list[Tally]:
    """Show *batches* once, and return the tallies that would have needed another pass."""
    start = 0
    for arrow in batches:
        batch = Batch(start, arrow)
        for tally in tallies:
            tally.see(batch)
        start += len(batch)
    return [tally for tally in tallies if tally.again()]
