"""The labels that were known at a moment, out of the database, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from perennial.core.interval import Interval
from perennial.stores.ledger.copy_encoding import EPOCH_US
from perennial.stores.ledger.copying import driver_of
from perennial.stores.ledger.frames import MOMENT
from perennial.stores.ledger.reading import ROWS_AT_ONCE

KNOWN = pa.schema([("entity", pa.string()), ("event_at", MOMENT), ("value", pa.float64())])
_ROWS = """
    SELECT DISTINCT ON (event_at, entity) timestamptz_send(event_at) || float8send(value), entity
    FROM perennial.outcome
    WHERE model = %s AND segment = %s AND event_at >= %s AND event_at < %s AND available_at <= %s
    ORDER BY event_at, entity, available_at DESC
"""
_FIGURES = np.dtype([("event_at", ">i8"), ("value", ">f8")])


def read_outcomes(connection: Connection, model: str, segment: str, within: Interval, as_of: datetime) -> Iterator[pa.RecordBatch]:
    """Yield the labels of events inside *within*, of each the latest available as of *as_of*, as ``KNOWN``, by event and entity."""
    with driver_of(connection).cursor(name="known_outcomes", binary=True) as cursor:
        cursor.execute(_ROWS, [model, segment, within.start, within.end, as_of])
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            content = np.frombuffer(b"".join([figures for figures, _ in rows]), _FIGURES)
            event_at = pa.array(content["event_at"].astype(np.int64) + EPOCH_US).view(MOMENT)
            yield pa.record_batch(
                [pa.array([entity for _, entity in rows], pa.string()), event_at, pa.array(content["value"].astype(np.float64))],
                schema=KNOWN,
            )
