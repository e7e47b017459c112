"""The kinds of columns that are watched, and the measures by which each is counted: numbers, or a limited number of values.

A text is counted by its length and by the characters it is made of, a moment by its hour, its weekday and its age when the row's
event happened. The text and the moment themselves are never kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from perennial.monitoring.counting.columns import flattened, require_countable
from perennial.monitoring.counting.zone import zone
from perennial.monitoring.psi import Counts

CLASSES = ("empty", "blank", "digits", "letters", "letters and digits", "ascii", "beyond ascii")
"""What a text is made of. The first that fits: no character; spaces; 0 to 9; A to Z; both; further ASCII; anything."""
HOURS = tuple(map(str, range(24)))
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
THURSDAY = 3
"""The weekday of 1970-01-01, by its place."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is counted of a column. *name* is None where that is the values themselves."""

    name: str | None
    numeric: bool


_LETTERS, _DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "0123456789"
CHARACTERS = ("", " ", _DIGITS, _LETTERS, _DIGITS + _LETTERS, "".join(map(chr, range(1, 128))) + "\0")
"""Of which characters a text of each class but the last may be made."""
_PATTERNS = ("", " +", "[0-9]+", "[A-Za-z]+", "[A-Za-z0-9]+", "[\\x00-\\x7F]+")
_RECENCY = "recency"
_MEASURES: Mapping[str, tuple[Measure, ...]] = MappingProxyType(
    {
        "numeric": (Measure(None, numeric=True),),
        "categorical": (Measure(None, numeric=False),),
        "boolean": (Measure(None, numeric=False),),
        "text": (Measure("length", numeric=True), Measure("classes", numeric=False)),
        "timestamp": (Measure("hour", numeric=False), Measure("weekday", numeric=False), Measure(_RECENCY, numeric=True)),
    }
)


def measures(kind: str) -> tuple[Measure, ...]:
    """Return what is counted of a column of *kind*.

    Args:
        kind: numeric, categorical, boolean, text or timestamp.
    """
    return _MEASURES[kind]


def read_for(column: str, measure: str | None, event_at: str) -> tuple[str, ...]:
    """Return the columns of the rows that *measure* of *column* needs."""
    return (column, event_at) if measure == _RECENCY else (column,)


def measured(rows: pa.RecordBatch | pa.Table, column: str, measure: str | None, *, event_at: str, timezone: str) -> pa.Array:
    """Return what is counted of each row, shape (rows,), null where it is missing.

    Args:
        rows: They hold *column*, and *event_at* where the age of a moment is asked for.
        column: The column's name.
        measure: ``length`` (characters), ``classes``, ``hour``, ``weekday``, ``recency`` (days before the row's event), or None.
        event_at: The column of when the event happened.
        timezone: In which the hour and the weekday are told.

    Raises:
        DataError: SCHEMA_TYPE, the column holds no text, or no moments with a timezone.
    """
    values = rows.column(column)
    match measure:
        case None:
            return values
        case "length":
            return pc.utf8_length(_texts(column, values))
        case "classes":
            return _classes(_texts(column, values))
        case _:
            return _of_moments(_moments(column, values), measure, rows, event_at, timezone)


def _of_moments(moments: pa.Array, measure: str, rows: pa.RecordBatch | pa.Table, event_at: str, timezone: str) -> pa.Array:
    if measure == _RECENCY:
        happened = _moments(event_at, rows.column(event_at)).cast(pa.int64())
        return pc.divide(pc.subtract(happened, moments.cast(pa.int64())).cast(pa.float64()), float(DAY_US))
    local = zone(timezone).local(moments.cast(pa.int64()).fill_null(0).to_numpy())
    missing = moments.is_null().to_numpy(zero_copy_only=False)
    if measure == "hour":
        return _of(HOURS, local // HOUR_US % len(HOURS), missing)
    return _of(WEEKDAYS, (local // DAY_US + THURSDAY) % len(WEEKDAYS), missing)


def _classes(texts: pa.Array) -> pa.Array:
    codes = np.full(len(texts), len(CLASSES) - 1)
    for code in reversed(range(len(_PATTERNS))):
        fits = pc.match_substring_regex(texts, f"^(?:{_PATTERNS[code]})\\z")
        codes[pc.fill_null(fits, fill_value=False).to_numpy(zero_copy_only=False)] = code
    return _of(CLASSES, codes, texts.is_null().to_numpy(zero_copy_only=False))


def _of(words: tuple[str, ...], codes: Counts, missing: npt.NDArray[np.bool_]) -> pa.Array:
    """Return the word behind each code, as a dictionary, null where *missing*; shape (rows,)."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8), mask=missing), pa.array(words))


def _texts(name: str, column: pa.Array | pa.ChunkedArray) -> pa.Array:
    flat = flattened(column)
    require_countable(name, flat.type, "length", numeric=True)
    return flat.cast(pa.large_string())


def _moments(name: str, column: pa.Array | pa.ChunkedArray) -> pa.Array:
    flat = flattened(column)
    require_countable(name, flat.type, _RECENCY, numeric=True)
    return flat.cast(pa.timestamp("us", tz="UTC"))
