"""Edges: the bins over which rows are counted. They come from the reference and are stored with the model version.

Each column's bins stand in one order: first the *ordinary* ones, then those that stand apart (outside the range, unseen, missing).
A test looks at coarser bins, which are sums of these; both kinds of edges know how to make them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Annotated

import pyarrow as pa
from pydantic import Field

from perennial.core.digest import digest_json
from perennial.monitoring.counting.categorical import CategoricalEdges
from perennial.monitoring.counting.columns import require_columns
from perennial.monitoring.counting.kinds import measured, read_for
from perennial.monitoring.counting.numeric import NumericEdges
from perennial.monitoring.stored import Frozen

__all__ = ["CategoricalEdges", "ColumnEdges", "Edges", "NumericEdges"]

ColumnEdges = Annotated[NumericEdges | CategoricalEdges, Field(discriminator="kind")]


class Edges(Frozen):
    """The bins of all columns and measures, in order.

    Attributes:
        columns: The bins of each.
        event_at: The column that says when a row's event happened, from which the age of a moment is counted.
        timezone: The IANA timezone in which hours and weekdays are told.
    """

    columns: tuple[ColumnEdges, ...]
    event_at: str = "event_at"
    timezone: str = "UTC"

    @property
    def names(self) -> tuple[str, ...]:
        """What the edges are called, which is also what profiles call their counts."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The columns of the rows that counting needs, each once."""
        return tuple(dict.fromkeys(name for edges in self.columns for name in self.read_for(edges)))

    @cached_property
    def digest(self) -> str:
        """The SHA-256 that names these edges."""
        return digest_json(self.model_dump(mode="json"))

    def read_for(self, edges: ColumnEdges) -> tuple[str, ...]:
        """Return the columns of the rows that counting over *edges* needs."""
        return read_for(edges.column, edges.measure, self.event_at)

    def only(self, wanted: Callable[[ColumnEdges], bool]) -> Edges:
        """Return the edges that are *wanted*; themselves where all are."""
        kept = tuple(edges for edges in self.columns if wanted(edges))
        return self if len(kept) == len(self.columns) else Edges(columns=kept, event_at=self.event_at, timezone=self.timezone)

    def cells(self, rows: pa.RecordBatch) -> Iterator[tuple[ColumnEdges, pa.Array]]:
        """Yield all edges with what they part of *rows*, shape (rows,).

        Raises:
            DataError: SCHEMA_MISSING, SCHEMA_TYPE.
        """
        require_columns(self.reads, rows.schema)
        for edges in self.columns:
            yield edges, measured(rows, edges.column, edges.measure, event_at=self.event_at, timezone=self.timezone)
