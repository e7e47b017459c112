"""The reference: what a champion was trained on, as edges and counts, in total and night by night."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated

import numpy as np
import pyarrow as pa
from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from perennial.monitoring.counting.binning import categorical_edges, numeric_edges
from perennial.monitoring.counting.columns import floats, require_columns
from perennial.monitoring.counting.edges import ColumnEdges, Edges, NumericEdges
from perennial.monitoring.counting.kinds import Measure, measured, measures, read_for
from perennial.monitoring.counting.packed import packed, unpacked
from perennial.monitoring.counting.profile import Profile, counted, empty_profile, merge
from perennial.monitoring.counting.stored_nights import StoredNights, by_column
from perennial.monitoring.psi import Counts, Floats
from perennial.monitoring.stored import Frozen, Stored

_BYTES_A_COUNT = 8
_NONE: Mapping[str, str] = MappingProxyType({})


class Moments(Frozen):
    """Mean and standard deviation of the finite values, in the column's own unit; None where there are none."""

    mean: float | None
    deviation: float | None


class _Nights(Frozen):
    """How the nights are stored: shape (nights, bins) of counts for each of the edges."""

    numbers: tuple[int, ...]
    rows: tuple[Annotated[int, Field(ge=0)], ...]
    packed: str


def _as_stored(nights: object, check: ValidatorFunctionWrapHandler) -> Mapping[int, Profile]:
    """Leave *nights* as they were just unpacked, and check all others."""
    return nights if isinstance(nights, StoredNights) else check(nights)


class Reference(Stored):
    """What a champion was trained on: edges, counts in total and for each night, moments of the numeric columns.

    Attributes:
        edges: The bins.
        total: The counts of all rows.
        nights: The counts of each night, by the night's number.
        moments: By the name of the numeric edges.
        nights_a_day: The number of a night is that of its day since 1970, times this, plus its place in the day.
    """

    edges: Edges
    total: Profile
    nights: Annotated[Mapping[int, Profile], WrapValidator(_as_stored)]
    moments: dict[str, Moments]
    nights_a_day: Annotated[int, Field(ge=1, exclude_if=lambda number: number == 1)] = 1

    @property
    def unpacked_bytes(self) -> int:
        """About how much memory the counts take, of all nights and of the total."""
        return self.total.unpacked_bytes + _BYTES_A_COUNT * len(self.nights) * sum(one.bins for one in self.edges.columns)

    def to_json(self) -> bytes:
        """Return the record as JSON; the counts of all nights together, by column, and no total, which is their sum."""
        nights = self.by_column
        stored = _Nights(numbers=tuple(nights), rows=tuple(nights.rows.values()), packed=packed(list(nights.counts.values())))
        record = self.model_copy(update={"nights": stored}).model_dump_json(exclude={"total"}, serialize_as_any=True)
        return record.encode()

    @model_validator(mode="before")
    @classmethod
    def _unpacked(cls, record: object) -> object:
        """Count all nights, and their total, out of what :meth:`to_json` wrote."""
        if not isinstance(record, dict) or "total" in record or "edges" not in record:
            return record
        edges, stored = Edges.model_validate(record["edges"]), _Nights.model_validate(record.get("nights"))
        columns = unpacked(stored.packed, [(len(stored.numbers), one.bins) for one in edges.columns])
        nights = StoredNights(
            edges, dict(zip(stored.numbers, stored.rows, strict=True)), dict(zip(edges.names, columns, strict=True))
        )
        total = counted(edges, sum(stored.rows), {name: column.sum(axis=0) for name, column in nights.counts.items()})
        return {**record, "edges": edges, "total": total, "nights": nights}

    @cached_property
    def by_column(self) -> StoredNights:
        """The nights, column by column."""
        return by_column(self.edges, self.nights)

    def only(self, wanted: Callable[[ColumnEdges], bool]) -> Reference:
        """Return the reference of the columns whose edges are *wanted*; itself where all are."""
        edges = self.edges.only(wanted)
        if edges is self.edges:
            return self
        return Reference(
            edges=edges,
            total=self.total.over(edges),
            nights={night: profile.over(edges) for night, profile in self.nights.items()},
            moments={name: moments for name, moments in self.moments.items() if name in edges.names},
            nights_a_day=self.nights_a_day,
        )


def reference_profile(
    rows: pa.Table,
    *,
    numeric: Iterable[str] = (),
    categorical: Iterable[str] = (),
    watched: Mapping[str, str] = _NONE,
    event_at: str = "event_at",
    timezone: str = "UTC",
    nights: Counts,
    nights_a_day: int = 1,
) -> Reference:
    """Find the edges of *rows* and count them, in total and by night.

    Args:
        rows: The champion's training rows.
        numeric: The columns of numbers.
        categorical: The columns of a limited number of values.
        watched: The kind of each further column: numeric, categorical, boolean, text or timestamp.
        event_at: The column of when each event happened. Only moments are held against it.
        timezone: In which the hours and weekdays of moments are told.
        nights: Shape (rows,), the number of the night that each row belongs to.
        nights_a_day: Into so many nights each day is cut. Where edges come from, a day is one night: what only one day held says no
            more than what only one night did.

    Returns:
        The reference against which later nights are measured.

    Raises:
        DataError: SCHEMA_MISSING, SCHEMA_TYPE.
    """
    kinds = {**dict.fromkeys(numeric, "numeric"), **dict.fromkeys(categorical, "categorical"), **watched}
    wanted = [(column, measure) for column, kind in kinds.items() for measure in measures(kind)]
    needed = (name for column, measure in wanted for name in read_for(column, measure.name, event_at))
    require_columns(tuple(dict.fromkeys(needed)), rows.schema)
    labels, positions = np.unique(nights, return_inverse=True)
    days = positions if nights_a_day == 1 else np.unique(nights // nights_a_day, return_inverse=True)[1]
    placed = []
    for column, measure in wanted:
        cells = measured(rows, column, measure.name, event_at=event_at, timezone=timezone)
        placed.append(_placed(column, measure, cells, (days, positions), len(labels)))
    edges = Edges(columns=tuple(found.edges for found in placed), event_at=event_at, timezone=timezone)
    sizes = np.bincount(positions, minlength=len(labels))
    profiles = [counted(edges, int(sizes[i]), {found.edges.name: found.counts[i] for found in placed}) for i in range(len(labels))]
    return Reference(
        edges=edges,
        total=reduce(merge, profiles, empty_profile(edges)),
        nights=dict(zip(labels.tolist(), profiles, strict=True)),
        moments={found.edges.name: found.moments for found in placed if found.moments},
        nights_a_day=nights_a_day,
    )


@dataclass(frozen=True, slots=True)
class _Placed:
    """Edges, the counts of each night over them, shape (nights, bins), and the moments of what is numeric."""

    edges: ColumnEdges
    counts: Counts
    moments: Moments | None


def _placed(
    column: str, measure: Measure, cells: pa.Array | pa.ChunkedArray, positions: tuple[Counts, Counts], size: int
) -> _Placed:
    """Find edges and count over them; *positions* are those of the day and of the night of each row. There are *size* nights."""
    days, nights = positions
    if not measure.numeric:
        known, bins = categorical_edges(column, cells, days, measure.name)
        return _Placed(known, _by_night(known, bins, nights, size), None)
    values = floats(column, cells)
    edges = numeric_edges(column, values, days, measure.name)
    return _Placed(edges, _night_counts(edges, values, nights, size), _moments(values))


def _by_night(column: ColumnEdges, bins: Counts, nights: Counts, size: int) -> Counts:
    """Return shape (nights, bins): the rows of each night in each bin."""
    return np.bincount(nights * column.bins + bins, minlength=size * column.bins).reshape(size, column.bins)


def _night_counts(edges: NumericEdges, values: Floats, nights: Counts, size: int) -> Counts:
    """Return shape (nights, bins), as :func:`_by_night` does; to count the rows of a night is faster than to place each."""
    if (nights[1:] < nights[:-1]).any():
        order = np.argsort(nights, kind="stable")
        values, nights = values[order], nights[order]
    starts = np.searchsorted(nights, np.arange(size + 1))
    counts = [edges.count_numbers(values[start:end]) for start, end in pairwise(starts)]
    return np.array(counts, dtype=np.int64).reshape(size, edges.bins)


def _moments(values: Floats) -> Moments:
    finite = values[np.isfinite(values)]
    with np.errstate(over="ignore", invalid="ignore"):
        pair = (float(finite.mean()), float(finite.std())) if finite.size else (np.nan, np.nan)
    mean, deviation = (figure if np.isfinite(figure) else None for figure in pair)
    return Moments(mean=mean, deviation=deviation)
