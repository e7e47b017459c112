"""Where the edges come from: quantiles, atoms and frequent values of the reference.

The unit of evidence is the night. What only one night of the reference held says as much about what new nights will bring as about
that night, so it is counted the way a new night's values would be: outside the range, or unseen (Good and Turing's argument).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from perennial.monitoring.counting.categorical import CategoricalEdges
from perennial.monitoring.counting.columns import coded
from perennial.monitoring.counting.numeric import NumericEdges
from perennial.monitoring.counting.places import OTHER, OWN, places
from perennial.monitoring.counting.rounding import rounded
from perennial.monitoring.psi import Counts, Floats

FEW_NIGHTS = 7
"""With fewer reference nights than this, nothing is learned from how they differ."""

_ATOM_SHARE = 0.05
_LEAST_BINS, _MOST_BINS = 10, 32
_MOST_FINE = 1024


def numeric_edges(column: str, values: Floats, nights: Counts, measure: str | None = None) -> NumericEdges:
    """Return quantile bins for *values*, shape (rows,), NaN where missing; *nights* is the position of each row's night.

    The test has about as many bins as the cube root of the rows, 10 to 32 (Terrell and Scott 1985). Each is parted into finer ones,
    about as many in all as the square root of the rows, at most 1024: then what a bin hides of the distribution function is no
    more than what the reference itself does not know. A value with at least 5 % of the rows is an atom.
    """
    present = np.isfinite(values)
    if not present.any():
        return NumericEdges(column=column, measure=measure, cuts=(), atoms=())
    finite, nights = (values, nights) if present.all() else (values[present], nights[present])
    low, high = _range(finite, nights)
    ordered = np.sort(finite)
    atoms = _atoms(ordered, _ATOM_SHARE * values.size)
    rest = ordered[np.searchsorted(ordered, low) : np.searchsorted(ordered, high, side="right")]
    rest = rest[~np.isin(rest, atoms)] if atoms.size else rest
    if rest.size and rest[0] == rest[-1]:
        atoms = np.union1d(atoms, rest[:1])
    cuts, starts = _cuts(rest, low, high)
    return NumericEdges(column=column, measure=measure, cuts=cuts, atoms=tuple(atoms.tolist()), test_starts=starts)


def _atoms(ordered: Floats, least: float) -> Floats:
    """Return the values that stand at least *least* times in *ordered*."""
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    counts = np.diff(np.append(starts, ordered.size))
    return ordered[starts[counts >= least]]


def _range(finite: Floats, nights: Counts) -> tuple[float, float]:
    """Return the range that all nights but the most extreme one agree on; of all rows where there are few nights."""
    starts, by_night = _runs(finite, nights)
    lows, highs = np.minimum.reduceat(by_night, starts), np.maximum.reduceat(by_night, starts)
    inside = 0 if starts.size < FEW_NIGHTS else 1
    return float(np.sort(lows)[inside]), float(np.sort(highs)[-1 - inside])


def _runs(finite: Floats, nights: Counts) -> tuple[Counts, Floats]:
    """Return the values with each night's in one run, and where each run starts. Rows mostly come that way."""
    if (nights[1:] < nights[:-1]).any():
        order = np.argsort(nights, kind="stable")
        finite, nights = finite[order], nights[order]
    return np.flatnonzero(np.append(True, nights[1:] != nights[:-1])), finite


def _cuts(rest: Floats, low: float, high: float) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return the ends of the bins, and which of them begin one of the test; *rest*, ascending, is what is shared out evenly."""
    bins = int(np.clip(round(rest.size ** (1 / 3)), _LEAST_BINS, _MOST_BINS))
    fine = bins * max(min(round(rest.size**0.5), _MOST_FINE) // bins, 1)
    inner, tests = rounded(rest, _quantiles(rest, fine), _quantiles(rest, bins), low, high)
    cuts, begins = np.unique([low, *inner, high]), np.unique([low, *tests])
    return tuple(cuts.tolist()), tuple(np.searchsorted(cuts, begins).tolist())


def _quantiles(ordered: Floats, parts: int) -> Floats:
    """Return the values that part *ordered* into *parts* of about the same size; none where it is empty."""
    return ordered[-(-np.arange(1, parts) * ordered.size // parts) - 1] if ordered.size else np.empty(0)


def categorical_edges(
    column: str, cells: pa.Array | pa.ChunkedArray, nights: Counts, measure: str | None = None
) -> tuple[CategoricalEdges, Counts]:
    """Return the edges of *cells* and the bin of each of its rows, shape (rows,).

    A value has a bin of its own when the reference holds it in at least 5 rows and 2 nights, at most 1000 values; up to 10 000
    more are known as ``other``, and what is beyond that counts as unseen, here and later. A row counts where its value would stand
    by the other nights alone: what no other night holds is unseen (see :func:`perennial.monitoring.counting.places.places`).
    """
    codes, texts = coded(column, cells)
    values = np.array(texts.to_pylist(), dtype=object)
    found = places(codes, nights, np.argsort(np.argsort(values, kind="stable"), kind="stable"))
    known, further = tuple(values[found.own].tolist()), tuple(values[found.others].tolist())
    edges = CategoricalEdges(column=column, measure=measure, values=known, others=further)
    alone = np.full(len(values) + 1, edges.ordinary + 1)
    alone[found.own] = np.arange(found.own.size)
    shared = np.where(found.of_rows == OTHER, edges.ordinary - 1, edges.ordinary)
    bins = np.where((found.of_rows == OWN) | (codes == len(values)), alone[codes], shared)
    return edges, bins.astype(np.int64)
