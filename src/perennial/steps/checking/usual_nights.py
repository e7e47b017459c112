"""What the nights of a training window looked like, as each was known at its end: what later nights are held against."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.interval import Interval
from perennial.core.receipts import ModelVersion, Purpose, Snapshot, Validation
from perennial.definition.calendar import nights
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.quality.column import kind_of
from perennial.quality.night_figures import Night, NightFigures, Watched, watched
from perennial.quality.scan import Batch
from perennial.quality.sentinels import is_measured
from perennial.quality.usual import FEWEST_NIGHTS, Usual, usual
from perennial.steps.arrays import microseconds, scalar
from perennial.steps.checking.faulty_nights import faulty_nights
from perennial.steps.snapshots.parts import parts_of
from perennial.steps.snapshots.stored_rows import StoredRows

NEWEST = 400
"""At most so many nights are looked at, the newest: a year of them, and a month."""


def usual_nights(definition: Definition, stores: Stores, snapshot: Snapshot) -> str | None:
    """Look at the nights of a training snapshot, keep their figures in an artifact, and return its digest.

    Only whole nights count that had rows, and were not found faulty; of their rows those that were there at the night's end.

    Returns:
        The digest; None of a night's snapshot, where nothing is looked for, or where there are fewer than 14 such nights.

    Raises:
        ArtifactError: A part of the snapshot is lost.
        RejectedError: STORE_FULL, STORE_DENIED.
    """
    if snapshot.purpose is not Purpose.TRAIN or not wanted_faults(definition):
        return None
    faulty = set(faulty_nights(stores, snapshot))
    whole = [night for night in list(nights(definition.schedule, snapshot.interval))[-NEWEST:] if night not in faulty]
    with ExitStack() as lent:
        rows = StoredRows(stores.artifacts, lent, parts_of(stores.artifacts, snapshot.digest).rows)
        seen = watched_columns(definition, rows.schema)
        names = [*seen.values, seen.event_at, *filter(None, [definition.source.available_at])]
        found = list(_looked(definition, rows.batches(list(dict.fromkeys(names))), whole, seen))
    good = [(start, night) for start, night in found if night.rows]
    return stores.artifacts.put(usual(good, seen.values).to_parquet()) if len(good) >= FEWEST_NIGHTS else None


def usual_of(stores: Stores, version: ModelVersion | None) -> Usual | None:
    """Return what was usual in the window that *version* was trained on; None where nobody knows.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM, ARTIFACT_FORMAT.
    """
    kept = None if version is None else stores.ledger.get(Validation, version.validation).usual
    return None if kept is None else Usual.from_parquet(stores.artifacts.get(kept))


def wanted_faults(definition: Definition) -> list[str]:
    """Return which data faults are looked for."""
    return [name for name, is_wanted in definition.quality.faults if is_wanted]


def watched_columns(definition: Definition, schema: pa.Schema) -> Watched:
    """Return which columns are looked at: all but the key and the times; numbers where they are no categories."""
    source = definition.source
    sorts = {*definition.features.categorical, *definition.evaluation.slices}
    numeric = [field.name for field in schema if is_measured(kind_of(field.type)) and field.name not in sorts]
    return watched(source.event_at, (*source.entity, *filter(None, [source.available_at])), numeric, schema.names)


def _looked(
    definition: Definition, batches: Iterator[pa.RecordBatch], whole: list[Interval], seen: Watched
) -> Iterator[tuple[int, Night]]:
    """Yield the start, in microseconds since 1970, and the figures of each night that had rows; rows come in the order of time."""
    starts = np.array([microseconds(night.start) for night in whole], np.int64)
    ends = np.array([microseconds(night.end) for night in whole], np.int64)
    begun: dict[int, NightFigures] = {}
    for rows in batches:
        at = rows.column(seen.event_at).cast(pa.int64()).to_numpy()
        reached = np.searchsorted(ends, at[:1], side="right"), np.searchsorted(starts, at[-1:], side="right")
        first, last = (int(number.max(initial=0)) for number in reached)
        yield from _over(begun, starts, first)
        for number in range(first, last):
            figures = begun.setdefault(number, NightFigures(seen, int(starts[number]), int(ends[number])))
            begins, until = np.searchsorted(at, [starts[number], ends[number]])
            figures.see(Batch(0, _known(definition, rows.slice(begins, until - begins), whole[number].end)))
    yield from _over(begun, starts, len(whole))


def _over(begun: dict[int, NightFigures], starts: npt.NDArray[np.int64], until: int) -> Iterator[tuple[int, Night]]:
    """Yield the nights before number *until*, and let go of their rows."""
    for number in [number for number in begun if number < until]:
        yield int(starts[number]), begun.pop(number).night


def _known(definition: Definition, rows: pa.RecordBatch, until: datetime) -> pa.RecordBatch:
    """Return the rows that were there at a moment."""
    name = definition.source.available_at
    if name is None or not rows.num_rows:
        return rows
    kept = pc.less_equal(rows.column(name), scalar(until))
    return rows if pc.all(kept).as_py() else rows.filter(kept)
