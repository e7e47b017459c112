"""The reference: what a champion was trained on, as edges and counts, in total and night by night."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import numpy as np
import pyarrow as pa

from perennial.monitoring.binning import categorical_edges, numeric_edges
from perennial.monitoring.columns import numbers, require_columns
from perennial.monitoring.edges import ColumnEdges, Edges
from perennial.monitoring.profile import Profile, counted, empty_profile, merge
from perennial.monitoring.psi import Counts, Floats
from perennial.monitoring.stored import Frozen, Stored


class Moments(Frozen):
    """Mean and standard deviation of a column's finite values, in its own unit; None where there are none."""

    mean: float | None
    deviation: float | None


class Reference(Stored):
    """What a champion was trained on: edges, counts in total and for each night, moments of the numeric columns.

    Attributes:
        edges: The bins.
        total: The counts of all rows.
        nights: The counts of each night, by the night's number.
        moments: By numeric column.
    """

    edges: Edges
    total: Profile
    nights: dict[int, Profile]
    moments: dict[str, Moments]


def reference_profile(rows: pa.Table, *, numeric: Iterable[str] = (), categorical: Iterable[str] = (), nights: Counts) -> Reference:
    """Find the edges of *rows* and count them, in total and by night.

    Args:
        rows: The champion's training rows.
        numeric: The columns of numbers.
        categorical: The columns of a limited number of values.
        nights: Shape (rows,), the number of the night that each row belongs to.

    Returns:
        The reference against which later nights are measured.

    Raises:
        DataError: SCHEMA_MISSING, SCHEMA_TYPE.
    """
    numeric, categorical = tuple(numeric), tuple(categorical)
    require_columns((*numeric, *categorical), rows.schema)
    labels, positions = np.unique(nights, return_inverse=True)
    values = {name: numbers(name, rows[name]) for name in numeric}
    placed = [_placed_numeric(name, values[name], positions) for name in numeric]
    placed += [categorical_edges(name, rows[name], positions) for name in categorical]
    edges = Edges(columns=tuple(column for column, _ in placed))
    by_night = {column.name: _by_night(column, bins, positions, len(labels)) for column, bins in placed}
    sizes = np.bincount(positions, minlength=len(labels))
    profiles = [counted(edges, int(sizes[i]), {name: counts[i] for name, counts in by_night.items()}) for i in range(len(labels))]
    return Reference(
        edges=edges,
        total=reduce(merge, profiles, empty_profile(edges)),
        nights=dict(zip(labels.tolist(), profiles, strict=True)),
        moments={name: _moments(column) for name, column in values.items()},
    )


def _placed_numeric(name: str, values: Floats, nights: Counts) -> tuple[ColumnEdges, Counts]:
    edges = numeric_edges(name, values, nights)
    return edges, edges.place_numbers(values)


def _by_night(column: ColumnEdges, bins: Counts, nights: Counts, size: int) -> Counts:
    """Return shape (nights, bins): the rows of each night in each bin."""
    return np.bincount(nights * column.bins + bins, minlength=size * column.bins).reshape(size, column.bins)


def _moments(values: Floats) -> Moments:
    finite = values[np.isfinite(values)]
    with np.errstate(over="ignore", invalid="ignore"):
        pair = (float(finite.mean()), float(finite.std())) if finite.size else (np.nan, np.nan)
    mean, deviation = (figure if np.isfinite(figure) else None for figure in pair)
    return Moments(mean=mean, deviation=deviation)
