"""One pass over rows for everybody who wants to see them, and further passes for those who ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import pyarrow as pa

from perennial.quality.column import Column
from perennial.quality.plain import Plain
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


class Apart(Protocol):
    """Sees one piece of the rows, wherever that is, and tells what it saw. It is made of what can travel."""

    @property
    def columns(self) -> Sequence[str]:
        """The columns that it looks at."""
        ...

    def see(self, batch: Batch) -> None:
        """Take *batch* into account."""
        ...

    def told(self) -> Plain:
        """Return what was seen, in little room."""
        ...


@runtime_checkable
class Parted(Tally, Protocol):
    """A tally that need not see all rows itself."""

    def apart(self) -> Apart:
        """Return who sees a piece of the rows in the coming pass."""
        ...

    def take(self, told: Plain) -> None:
        """Take into account what was *told* of the next piece, in the order of the rows: with the same figures, to the bit."""
        ...


Elsewhere = Callable[[Sequence[str], Sequence[Apart]], Iterable[Sequence[Plain]]]
"""Shows the columns of each piece of the rows, wherever it lies, to copies of who is given; returns what these told, in order."""


def scan(rows: Rows, tallies: Sequence[Tally], elsewhere: Elsewhere | None = None) -> None:
    """Show *rows* to *tallies*: to all of them in one pass, then to those that ask for another.

    Args:
        rows: What is shown.
        tallies: To whom.
        elsewhere: Shows the same rows piece by piece; None where they are shown here.
    """
    waiting = list(tallies)
    while waiting:
        names = list(dict.fromkeys(name for tally in waiting for name in tally.columns))
        parted = [tally for tally in waiting if isinstance(tally, Parted)] if elsewhere else []
        if elsewhere and len(parted) == len(waiting):
            for told in elsewhere(names, [tally.apart() for tally in parted]):
                for tally, one in zip(parted, told, strict=True):
                    tally.take(one)
        else:
            show(rows.batches(names), waiting)
        waiting = [tally for tally in waiting if tally.again()]


def show(batches: Iterable[pa.RecordBatch], tallies: Sequence[Tally] | Sequence[Apart], *, start: int = 0) -> None:
    """Show *batches*, the first of whose rows has the position *start*, to *tallies*, once."""
    for arrow in batches:
        batch = Batch(start, arrow)
        for tally in tallies:
            tally.see(batch)
        start += len(batch)
