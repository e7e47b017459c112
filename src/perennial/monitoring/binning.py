"""Where the edges come from: quantiles, atoms and frequent values of the reference.

The unit of evidence is the night. What only one night of the reference held says as much about what new nights will bring as about
that night, so it is counted the way a new night's values would be: outside the range, or unseen (Good and Turing's argument).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from perennial.monitoring.columns import texts
from perennial.monitoring.edges import CategoricalEdges, NumericEdges
from perennial.monitoring.psi import Counts, Floats

FEW_NIGHTS = 7
"""With fewer reference nights than this, nothing is learned from how they differ."""

_ATOM_SHARE = 0.05
_LEAST_BINS, _MOST_BINS = 10, 32
_LEAST_ROWS = 5
_MOST_VALUES = 1000
_MOST_OTHERS = 10_000


def numeric_edges(name: str, values: Floats, nights: Counts) -> NumericEdges:
    """Return quantile bins for *values*, shape (rows,), NaN where missing; *nights* is the position of each row's night.

    There are about as many bins as the cube root of the rows, 10 to 32 (Terrell and Scott 1985). A value with at least 5 % of the
    rows is an atom.
    """
    present = np.isfinite(values)
    finite, nights = values[present], nights[present]
    if not finite.size:
        return NumericEdges(name=name, cuts=(), atoms=())
    low, high = _range(finite, nights)
    singles, counts = np.unique(finite, return_counts=True)
    atoms = singles[counts >= _ATOM_SHARE * values.size]
    rest = finite[(finite >= low) & (finite <= high) & ~np.isin(finite, atoms)]
    if rest.size and rest.min() == rest.max():
        atoms = np.union1d(atoms, rest[:1])
    return NumericEdges(name=name, cuts=_cuts(rest, low, high), atoms=tuple(atoms.tolist()))


def _range(finite: Floats, nights: Counts) -> tuple[float, float]:
    """Return the range that all nights but the most extreme one agree on; of all rows where there are few nights."""
    lows = np.full(nights.max() + 1, np.inf)
    np.minimum.at(lows, nights, finite)
    highs = np.full(nights.max() + 1, -np.inf)
    np.maximum.at(highs, nights, finite)
    inside = 0 if np.isfinite(lows).sum() < FEW_NIGHTS else 1
    return float(np.sort(lows)[inside]), float(np.sort(highs)[-1 - inside])


def _cuts(rest: Floats, low: float, high: float) -> tuple[float, ...]:
    bins = int(np.clip(round(rest.size ** (1 / 3)), _LEAST_BINS, _MOST_BINS))
    inner = np.quantile(rest, np.arange(1, bins) / bins, method="inverted_cdf") if rest.size else np.empty(0)
    return tuple(np.unique(np.array([low, *inner, high])).tolist())


def categorical_edges(name: str, column: pa.Array | pa.ChunkedArray, nights: Counts) -> tuple[CategoricalEdges, Counts]:
    """Return the edges of *column* and the bin of each of its rows, shape (rows,).

    A value has a bin of its own when the reference holds it in at least 5 rows and 2 nights, at most 1000 values; up to 10 000
    more are known as ``other``, and what is beyond that counts as unseen, here and later. A row whose value no other night of the
    reference holds (where there is one night: no other row) counts as unseen too.
    """
    codes, values = _encoded(name, column)
    rows = np.bincount(codes[codes >= 0], minlength=len(values))
    spread = _spread(codes, nights, rows)
    frequent = (rows >= _LEAST_ROWS) & (spread > 1)
    order = np.lexsort((values, -rows, ~frequent))
    own = order[: min(int(frequent.sum()), _MOST_VALUES)]
    others = order[own.size : own.size + _MOST_OTHERS]
    edges = CategoricalEdges(name=name, values=tuple(values[own].tolist()), others=tuple(values[others].tolist()))
    bins = np.full(len(values) + 1, edges.ordinary)
    bins[own] = np.arange(own.size)
    bins[others] = np.where(spread[others] > 1, len(own), edges.ordinary)
    bins[-1] = edges.ordinary + 1
    return edges, bins[codes].astype(np.int64)


def _encoded(name: str, column: pa.Array | pa.ChunkedArray) -> tuple[Counts, np.ndarray[tuple[int], np.dtype[np.object_]]]:
    """Return each row's value as a number (-1 where missing), and the values."""
    encoded = texts(name, column).dictionary_encode()
    codes: Counts = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, np.array(encoded.dictionary.to_pylist(), dtype=object)


def _spread(codes: Counts, nights: Counts, rows: Counts) -> Counts:
    """Return in how many nights each value stands; in how many rows, where there is one night."""
    width = int(nights.max(initial=0)) + 1
    if width == 1:
        return rows
    present = codes >= 0
    pairs = np.unique(codes[present] * width + nights[present])
    return np.bincount(pairs // width, minlength=len(rows))
