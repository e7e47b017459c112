"""One pass over rows for everybody who wants to see them, and further passes for those who ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from perennial.quality.column import Column
from perennial.quality.rows import Rows


@dataclass(slots=True)
class Batch:
    """Consecutive rows.

    Attributes:
        start: The position of the first, from 0.
        rows: Their columns.
    """

    start: int
    rows: pa.RecordBatch
    _columns: dict[str, Column] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return int(self.rows.num_rows)

    def __getitem__(self, name: str) -> Column:
        """Return a column; all who ask get the same one, so that nothing is computed twice."""
        if name not in self._columns:
            self._columns[name] = Column(self.rows.column(name))
        return self._columns[name]


class Tally(Protocol):
    """Sees rows batch by batch, in order, and keeps something small."""

    @property
    def columns(self) -> Sequence[str]:
        """The columns that it looks at in the coming pass."""
        ...

    def see(self, batch: Batch) -> None:
        """Take *batch* into account."""
        ...

    def again(self) -> bool:
        """Return whether another pass over the same rows is needed; called when a pass has ended."""
        ...


def scan(rows: Rows, tallies: Sequence[Tally]) -> None:
    """Show *rows* to *tallies*: to all of them in one pass, then to those that ask for another."""
    waiting = list(tallies)
    while waiting:
        names = list(dict.fromkeys(name for tally in waiting for name in tally.columns))
        start = 0
        for arrow in rows.batches(names):
            batch = Batch(start, arrow)
            for tally in waiting:
                tally.see(batch)
            start += len(batch)
        waiting = [tally for tally in waiting if tally.again()]
