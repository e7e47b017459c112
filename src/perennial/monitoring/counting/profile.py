"""Profiles: the rows of a night or a snapshot as integer counts over fixed edges. One pass, and merging is exact."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import numpy as np
import pyarrow as pa
from pydantic import Field, field_serializer, field_validator

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.monitoring.counting.at_least import Scratch
from perennial.monitoring.counting.columns import floats_and_gaps, require_columns
from perennial.monitoring.counting.edges import CategoricalEdges, ColumnEdges, Edges, NumericEdges
from perennial.monitoring.counting.packed import packed, unpacked
from perennial.monitoring.psi import Counts
from perennial.monitoring.stored import Frozen, Stored

MOST_BINS = 1 << 20
"""More than any edges have."""

_BATCH = 1 << 17
_BYTES_A_COUNT = 36
"""A place in a tuple, and a number in Python."""


class _Bins(Frozen):
    """How stored counts say which columns they are of: the bins of each."""

    bins: dict[str, Annotated[int, Field(ge=0, le=MOST_BINS)]]
    packed: str


class Profile(Stored):
    """Counts of rows.

    Attributes:
        edges: The digest of the edges that the rows were counted over.
        rows: How many there were.
        counts: Rows per bin, by the name of the edges; each column's counts add up to *rows*.
    """

    edges: str
    rows: int
    counts: dict[str, tuple[int, ...]]

    @property
    def unpacked_bytes(self) -> int:
        """About how much memory the counts take."""
        return _BYTES_A_COUNT * sum(map(len, self.counts.values()))

    @field_serializer("counts", when_used="json")
    def _packed(self, counts: dict[str, tuple[int, ...]]) -> dict[str, object]:
        bins = {name: len(column) for name, column in counts.items()}
        return {"bins": bins, "packed": packed([np.array(column, dtype=np.int64) for column in counts.values()])}

    @field_validator("counts", mode="before")
    @classmethod
    def _unpacked(cls, counts: object) -> object:
        if not isinstance(counts, dict) or not isinstance(counts.get("packed"), str):
            return counts
        bins = _Bins.model_validate(counts).bins
        columns = unpacked(counts["packed"], [(size,) for size in bins.values()])
        return {name: tuple(column.tolist()) for name, column in zip(bins, columns, strict=True)}

    def over(self, edges: Edges) -> Profile:
        """Return the counts over *edges*, which are some of those that the rows were counted over."""
        return Profile(edges=edges.digest, rows=self.rows, counts={name: self.counts[name] for name in edges.names})


def profile(edges: Edges, rows: pa.Table | Iterable[pa.RecordBatch]) -> Profile:
    """Count *rows* over *edges*, batch by batch.

    Raises:
        DataError: SCHEMA_MISSING, SCHEMA_TYPE.
    """
    if isinstance(rows, pa.Table):
        require_columns(edges.reads, rows.schema)
        rows = rows.to_batches(max_chunksize=_evenly(rows.num_rows))
    tally = Tally(edges)
    for batch in rows:
        tally.add(batch)
    return tally.profile


def _evenly(rows: int) -> int:
    """Return how many rows a batch should have: about as many as are counted fastest, and as many in each."""
    return max(-(-rows // max(round(rows / _BATCH), 1)), 1)


class Tally:
    """The profile of rows that come batch by batch."""

    def __init__(self, edges: Edges) -> None:
        """Begin with no rows over *edges*."""
        self.edges = edges
        self._rows, self._scratch = 0, Scratch()
        self._numbers = {one.name: one.counting() for one in edges.columns if isinstance(one, NumericEdges)}
        self._values = {one.name: np.zeros(one.bins, dtype=np.int64) for one in edges.columns if isinstance(one, CategoricalEdges)}

    def add(self, batch: pa.RecordBatch) -> None:
        """Count *batch*.

        Raises:
            DataError: SCHEMA_MISSING, SCHEMA_TYPE.
        """
        for one, cells in self.edges.cells(batch):
            if isinstance(one, NumericEdges):
                values, gaps = floats_and_gaps(one.name, cells)
                self._numbers[one.name].add(values, self._scratch)
                self._numbers[one.name].take_off(values[gaps], self._scratch)
            else:
                self._values[one.name] += one.count(cells)
        self._rows += batch.num_rows

    @property
    def profile(self) -> Profile:
        """The profile of what was counted so far."""
        return counted(self.edges, self._rows, {one.name: self._counts(one) for one in self.edges.columns})

    def _counts(self, one: ColumnEdges) -> Counts:
        if isinstance(one, NumericEdges):
            return one.binned(self._numbers[one.name], self._rows)
        return self._values[one.name]


def empty_profile(edges: Edges) -> Profile:
    """Return the profile of no rows."""
    return Profile(edges=edges.digest, rows=0, counts={column.name: (0,) * column.bins for column in edges.columns})


def merge(a: Profile, b: Profile) -> Profile:
    """Return the profile of the rows of both: exact, and the same in any order.

    Raises:
        DataError: PROFILE_EDGES, the two were counted over different edges.
    """
    require_same_edges(a.edges, b.edges)
    counts = {name: tuple(x + y for x, y in zip(a.counts[name], b.counts[name], strict=True)) for name in a.counts}
    return Profile(edges=a.edges, rows=a.rows + b.rows, counts=counts)


def require_same_edges(a: str, b: str) -> None:
    """Refuse two profiles that were counted over different edges, *a* and *b* by digest.

    Raises:
        DataError: PROFILE_EDGES.
    """
    if a != b:
        raise DataError(Code.PROFILE_EDGES, f"must be counted over edges {a[:12]}, got {b[:12]}", where="profile")


def counted(edges: Edges, rows: int, counts: dict[str, Counts]) -> Profile:
    """Return the profile of *rows* rows whose counts over *edges* are known, shape (bins,) by column."""
    found = {name: tuple(column.tolist()) for name, column in counts.items()}
    return Profile.model_construct(edges=edges.digest, rows=rows, counts=found)  # nothing to check: they are whole numbers
