"""What can go wrong with one day of data, one function each: the day's rows in, the rows that are delivered instead out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

KELVIN_ZERO = -273.15
"""Absolute zero, degrees Celsius: what a probe without power reads."""

UNIT_FACTOR = 500
"""By how much a day's counts are too large."""

SENTINEL = -200.0
"""What a station writes where it measured nothing."""

SENTINEL_EVERY = 4
"""Hours from one sentinel to the next."""

LATE_HOURS = 144
"""Hours after the event before which no label of a late day arrives: 6 days."""


def missing(rows: pa.Table) -> pa.Table:
    """Deliver nothing."""
    return rows.slice(0, 0)


def twice(rows: pa.Table) -> pa.Table:
    """Deliver every row a second time."""
    return pa.concat_tables([rows, rows])


def kelvin_zero(rows: pa.Table) -> pa.Table:
    """Deliver -273.15 degrees Celsius in every hour."""
    return _replace(rows, "temperature", pa.array(np.full(rows.num_rows, KELVIN_ZERO)))


def fahrenheit(rows: pa.Table) -> pa.Table:
    """Deliver the temperature in degrees Fahrenheit, in a column of degrees Celsius."""
    celsius = rows.column("temperature").to_numpy()
    return _replace(rows, "temperature", pa.array(np.round(celsius * 9 / 5 + 32, 1)))


def sentinels(rows: pa.Table) -> pa.Table:
    """Deliver -200 instead of temperature and humidity in every fourth hour, from the first on."""
    for name in ("temperature", "humidity"):
        values: NDArray[np.float64] = rows.column(name).to_numpy().copy()
        values[::SENTINEL_EVERY] = SENTINEL
        rows = _replace(rows, name, pa.array(values))
    return rows


def times_500(rows: pa.Table) -> pa.Table:
    """Deliver counts that are 500 times too large."""
    return _replace(rows, "rides", pc.multiply(rows.column("rides"), UNIT_FACTOR))


def null_targets(rows: pa.Table) -> pa.Table:
    """Deliver labels without a value."""
    return _replace(rows, "rides", pa.nulls(rows.num_rows, pa.int64()))


def late_labels(rows: pa.Table) -> pa.Table:
    """Deliver every label 6 days after its event, unless it is later anyway."""
    waited = pc.add(rows.column("event_at"), pa.scalar(LATE_HOURS * 3600 * 1_000_000, pa.duration("us")))
    arrived = rows.column("available_at")
    return _replace(rows, "available_at", pc.if_else(pc.less(arrived, waited), waited, arrived))


def _replace(rows: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), rows.schema.field(name), values)
