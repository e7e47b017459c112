"""Profiles: the rows of a night or a snapshot as integer counts over fixed edges. One pass, and merging is exact."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.monitoring.columns import require_columns
from perennial.monitoring.edges import Edges
from perennial.monitoring.psi import Counts
from perennial.monitoring.stored import Stored


class Profile(Stored):
    """Counts of rows.

    Attributes:
        edges: The digest of the edges that the rows were counted over.
        rows: How many there were.
        counts: Rows per bin, by column; each column's counts add up to *rows*.
    """

    edges: str
    rows: int
    counts: dict[str, tuple[int, ...]]


def profile(edges: Edges, rows: pa.Table | Iterable[pa.RecordBatch]) -> Profile:
    """Count *rows* over *edges*, batch by batch.

    Raises:
        DataError: SCHEMA_MISSING, SCHEMA_TYPE.
    """
    if isinstance(rows, pa.Table):
        require_columns(edges.names, rows.schema)
        rows = rows.to_batches()
    return reduce(merge, (_count(edges, batch) for batch in rows), empty_profile(edges))


class Tally:
    """The profile of rows that come batch by batch."""

    def __init__(self, edges: Edges) -> None:
        """Begin with no rows over *edges*."""
        self.edges = edges
        self.profile = empty_profile(edges)

    def add(self, batch: pa.RecordBatch) -> None:
        """Count *batch*.

        Raises:
            DataError: SCHEMA_MISSING, SCHEMA_TYPE.
        """
        self.profile = merge(self.profile, _count(self.edges, batch))


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


def _count(edges: Edges, batch: pa.RecordBatch) -> Profile:
    require_columns(edges.names, batch.schema)
    return counted(edges, batch.num_rows, {column.name: column.count(batch[column.name]) for column in edges.columns})


def counted(edges: Edges, rows: int, counts: dict[str, Counts]) -> Profile:
    """Return the profile of *rows* rows whose counts over *edges* are known, shape (bins,) by column."""
    return Profile(edges=edges.digest, rows=rows, counts={name: tuple(column.tolist()) for name, column in counts.items()})
