"""The nights of a reference, as they are stored: the counts of all nights together, column by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from perennial.monitoring.counting.edges import Edges
from perennial.monitoring.counting.profile import Profile, counted
from perennial.monitoring.psi import Counts


@dataclass(frozen=True, slots=True, eq=False)
class StoredNights(Mapping[int, Profile]):
    """Profiles by the number of their night, which are made when they are asked for.

    Attributes:
        edges: What was counted over.
        rows: How many rows each night has, by its number.
        counts: Shape (nights, bins), by the name of the edges.
    """

    edges: Edges
    rows: dict[int, int]
    counts: dict[str, Counts]

    def __getitem__(self, night: int) -> Profile:
        """Return the profile of *night*."""
        place = list(self.rows).index(night)
        return counted(self.edges, self.rows[night], {name: column[place] for name, column in self.counts.items()})

    def __iter__(self) -> Iterator[int]:
        """Yield the numbers of the nights."""
        return iter(self.rows)

    def __len__(self) -> int:
        """Return how many nights there are."""
        return len(self.rows)


def by_column(edges: Edges, nights: Mapping[int, Profile]) -> StoredNights:
    """Return *nights*, which were counted over *edges*, column by column."""
    if isinstance(nights, StoredNights) and nights.edges is edges:
        return nights
    counts = {
        one.name: np.array([night.counts[one.name] for night in nights.values()], np.int64).reshape(len(nights), one.bins)
        for one in edges.columns
    }
    return StoredNights(edges, {number: night.rows for number, night in nights.items()}, counts)
