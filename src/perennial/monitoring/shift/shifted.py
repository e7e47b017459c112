"""What counts of numbers would be if every number were larger by the same amount."""

from __future__ import annotations

import numpy as np

from perennial.monitoring.counting.numeric import NumericEdges
from perennial.monitoring.psi import Counts


def shifted(edges: NumericEdges, counts: Counts, by: float) -> Counts:
    """Return *counts* as they would be if all numbers within the range were larger by *by*, spread evenly within their bins.

    What is missing, infinite or outside the range stays where it is. Rows stay whole.

    Args:
        edges: The bins.
        counts: Shape (nights, bins).
        by: In the column's unit, at least 0.

    Returns:
        Shape (nights, bins); each night has as many rows as before.
    """
    ends, bins = edges.runs
    inside = np.flatnonzero(bins < edges.ordinary)
    if not inside.size:
        return counts
    region = slice(inside[0], inside[-1] + 1)
    of, nodes = bins[region], ends[inside[0] : inside[-1] + 2]
    held = np.where(of < edges.ordinary, counts[:, of], 0)
    mass = np.cumsum(np.concatenate([np.zeros((len(counts), 1)), held], axis=1), axis=1)
    left = np.clip(np.searchsorted(nodes, nodes - by, side="right") - 1, 0, nodes.size - 2)
    with np.errstate(over="ignore"):  # the bin of an atom is as narrow as can be
        part = np.clip((nodes - by - nodes[left]) / (nodes[left + 1] - nodes[left]), 0.0, 1.0)
    reached = np.round(mass[:, left] * (1 - part) + mass[:, left + 1] * part).astype(np.int64)
    moved = counts.copy()
    moved[:, : edges.ordinary] = 0
    np.add.at(moved.T, of, np.diff(reached, axis=1).T)
    moved[:, edges.ordinary + 1] += held.sum(axis=1) - reached[:, -1]
    return moved
