"""Which values of a column have a bin of their own, which are known beside them, and where each row of the reference counts.

A value that was frequent by luck gets a place that others do not get, and is rarer ever after. So a row of the reference counts
where its value would stand by the other nights alone, as a row of a new night counts where its value stands without that night.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perennial.monitoring.counting.columns import Codes
from perennial.monitoring.psi import Counts

OWN, OTHER, UNSEEN = 0, 1, 2
"""Where a value stands: it has a bin of its own, it is known, it is not."""

_LEAST_ROWS = 5
_MOST_VALUES = 1000
_MOST_OTHERS = 10_000


@dataclass(frozen=True, slots=True)
class Places:
    """Where values and rows stand.

    Attributes:
        own: The values with a bin of their own, the most frequent first.
        others: Those that are known beside them.
        of_rows: Shape (rows,), where each row counts. Of a missing value it says nothing.
    """

    own: Counts
    others: Counts
    of_rows: Counts


def places(codes: Codes, nights: Counts, names: Counts) -> Places:
    """Return where values stand.

    A value has a bin of its own when it stands in at least 5 rows and 2 nights, at most 1000 values; up to 10 000 more are known.

    Args:
        codes: Shape (rows,), the value of each row; the number of values where it is missing.
        nights: Shape (rows,), the position of each row's night. If all rows are of one, each row counts as a night of its own.
        names: Shape (values,), which comes first of values with equally many rows: a permutation.
    """
    runs, size = _runs(nights), names.size
    rows = _rows(codes, size)
    spread = rows if len(runs) == 1 else np.zeros(size, np.int64)
    for run in runs if len(runs) > 1 else ():
        spread += _rows(codes[run], size) > 0
    frequent = (rows >= _LEAST_ROWS) & (spread > 1)
    order = np.lexsort((names, -rows, ~frequent))
    own, rest = np.split(order[rows[order] > 0], [min(int(frequent.sum()), _MOST_VALUES)])
    stands = np.full(size + 1, UNSEEN)
    stands[own], stands[rest[:_MOST_OTHERS]] = OWN, OTHER
    of_rows = stands[codes]
    least = _LEAST_ROWS * (1 - 1 / max(len(runs) if len(runs) > 1 else codes.size, 1))
    for run in runs:
        against = rows - _rows(codes[run], size) if len(runs) > 1 else rows
        left = against if len(runs) > 1 else rows - 1
        without = np.append(_standing(left, against, names, least), UNSEEN)
        of_rows[run] = np.maximum(of_rows[run], without[codes[run]])
    return Places(own, rest[:_MOST_OTHERS], of_rows)


def _standing(rows: Counts, against: Counts, names: Counts, least: float) -> Counts:
    """Return where values with so many *rows* would stand among values with the rows of *against*, shape (values,)."""
    found = np.where(rows >= least, OWN, np.where(rows > 0, OTHER, UNSEEN))
    frequent, present = int((against >= least).sum()), int((against > 0).sum())
    own = min(frequent, _MOST_VALUES)
    known = min(own + _MOST_OTHERS, present)
    place, ranked = names - names.size * rows, names - names.size * against
    if own < frequent:
        found[(place >= np.partition(ranked, own)[own]) & (rows > 0)] = OTHER
    if known < present:
        found[place >= np.partition(ranked, known)[known]] = UNSEEN
    return found


def _rows(codes: Codes, size: int) -> Counts:
    """Return how many rows each value has, shape (values,)."""
    return np.bincount(codes, minlength=size + 1)[:size]


def _runs(nights: Counts) -> list[Counts]:
    """Return the positions of each night's rows."""
    order = np.argsort(nights, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(nights[order])) + 1)
