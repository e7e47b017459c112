"""The predictions of one batch out of the database, in bounded memory and with little Python per row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlalchemy import Connection

from perennial.core.interval import Interval
from perennial.stores.ledger.copy_encoding import EPOCH_US
from perennial.stores.ledger.copying import driver_of
from perennial.stores.ledger.frames import MOMENT, PREDICTED

ROWS_AT_ONCE = 50_000
# All figures of a row in one value, as the server keeps them: what is read are two objects a row. No bound is ever NaN.
_ROWS = """
    SELECT timestamptz_send(event_at) || float8send(prediction)
        || float8send(coalesce(low, 'NaN')) || float8send(coalesce(high, 'NaN')), entity
    FROM perennial.prediction WHERE batch = %s AND event_at >= %s AND event_at < %s ORDER BY event_at, entity
"""
_FIGURES = np.dtype([("event_at", ">i8"), ("prediction", ">f8"), ("low", ">f8"), ("high", ">f8")])


def read_batch(connection: Connection, number: int, within: Interval) -> Iterator[pa.RecordBatch]:
    """Yield the predictions of the batch *number* with ``event_at`` inside *within*, by event and entity, as ``PREDICTED``."""
    with driver_of(connection).cursor(name=f"batch_{number}", binary=True) as cursor:
        cursor.execute(_ROWS, [number, within.start, within.end])
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            # not zip(*rows), whose 50 000 iterators have Python look for garbage again and again
            yield _decoded([figures for figures, _ in rows], [entity for _, entity in rows])


def _decoded(figures: Sequence[bytes], entities: Sequence[str]) -> pa.RecordBatch:
    content = np.frombuffer(b"".join(figures), _FIGURES)
    event_at = pa.array(content["event_at"].astype(np.int64) + EPOCH_US).view(MOMENT)
    return pa.record_batch(
        [pa.array(entities, pa.string()), event_at, *(_figure(content[name]) for name in PREDICTED.names[2:])], schema=PREDICTED
    )


def _figure(values: npt.NDArray[np.float64]) -> pa.Array:
    return pa.array(values.astype(np.float64), from_pandas=True)
