"""Which part of a column's range moved, and how much of it there was before and is now."""

from __future__ import annotations

import numpy as np

from perennial.monitoring.counting.edges import ColumnEdges, NumericEdges
from perennial.monitoring.psi import Counts, smoothed

_PARTS = 3
_LONGEST = 40
_NAMED = 2
_ALMOST_ALL = 0.995
_APART = {
    "numeric": ("below the usual range", "above the usual range", "minus infinity", "infinity", "missing"),
    "categorical": ("never seen before", "missing"),
}


def parts(edges: ColumnEdges, before: Counts, now: Counts, starts: Counts) -> tuple[str, ...]:
    """Return the parts that PSI owes most to, at most three, the greatest first: ``18 to 23: 4 % before, 17 % now``.

    They are named by the reference's own bins and values; what only the night holds is ``never seen before``.

    Args:
        edges: The column's bins.
        before: Shape (test bins,), the rows of the reference.
        now: Shape (test bins,), the rows of the night.
        starts: Shape (parts,), where each part of several bins begins.
    """
    joined = np.add.reduceat(before, starts), np.add.reduceat(now, starts)
    p, q = (smoothed(counts) for counts in joined)
    share = (q - p) * (np.log(q) - np.log(p))
    ends = np.append(starts[1:], before.size)
    largest = [i for i in np.argsort(-share, kind="stable")[:_PARTS] if share[i] > 0]
    shares = [counts / max(int(counts.sum()), 1) for counts in joined]
    return tuple(
        f"{_part(edges, int(starts[i]), int(ends[i]))}: {_percent(shares[0][i])} before, {_percent(shares[1][i])} now"
        for i in largest
    )


def _part(edges: ColumnEdges, start: int, end: int) -> str:
    """Return what the test's bins from *start* up to *end* are called. Bins without rows may follow the last one that has some."""
    if start >= edges.test_ordinary:
        return _APART[edges.kind][start - edges.test_ordinary]
    end = min(end, edges.test_ordinary)
    return _range(edges, start, end) if isinstance(edges, NumericEdges) else _values(edges.values, start, end)


def _range(edges: NumericEdges, start: int, end: int) -> str:
    low, high = edges.test_spans[start, 0], edges.test_spans[end - 1, 1]
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _values(values: tuple[str, ...], start: int, end: int) -> str:
    found = [*map(_short, values[start:end]), *(["other values"] if end > len(values) else [])]
    more = [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
    return " and ".join([*found[:_NAMED], *more])


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < _ALMOST_ALL else "100 %"
