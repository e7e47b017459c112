"""One column of many nights against one reference: the test of a single night, many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from perennial.monitoring.counting.edges import CategoricalEdges, ColumnEdges
from perennial.monitoring.psi import Counts, Floats, psi_by_row
from perennial.monitoring.shift.column_drift import EVEN, ends_joined, tested
from perennial.monitoring.shift.night_null import Null, bins_in_use, night_null, tolerated_psi
from perennial.monitoring.shift.season import Season
from perennial.monitoring.shift.unseen import unseen_values


@dataclass(frozen=True, slots=True)
class Slots:
    """What nights are held against, by the season of each.

    Attributes:
        seasons: Which nights of the reference count.
        season: Shape (nights,), the season of each night, by position.
    """

    seasons: tuple[Season, ...]
    season: Counts


@dataclass(frozen=True, slots=True)
class Figures:
    """What a column shows on many nights.

    Attributes:
        psi: Shape (nights,), in nats.
        p_values: Shape (tests, nights), the chances without drift.
    """

    psi: Floats
    p_values: Floats


def slots(seasons: Sequence[Season]) -> Slots:
    """Return the *seasons*, one for each night, with those that are the same taken together."""
    known: dict[tuple[bytes, bytes, bool], int] = {}
    kept: list[Season] = []
    position = []
    for one in seasons:
        key = (one.alike.tobytes(), one.peers.tobytes(), bool(one.words))
        if key not in known:
            known[key] = len(kept)
            kept.append(one)
        position.append(known[key])
    return Slots(tuple(kept), np.array(position, dtype=np.int64))


def figures(edges: ColumnEdges, total: Counts, nights: Counts, now: Counts, at: Slots, shift: float) -> Figures:
    """Hold many nights of one column against the reference, each as :func:`perennial.monitoring.shift.drift.moved_columns` would.

    Args:
        edges: The column's bins.
        total: Shape (bins,), all rows of the reference.
        nights: Shape (reference nights, bins).
        now: Shape (nights, bins), at least one night, with at least one row each.
        at: What each night is held against.
        shift: The tolerated shift, in reference standard deviations.
    """
    order, nulls, psi = [], [], []
    for one, rows, held, ends in _held(edges, total, nights, now, at):
        past, ours, peers = (tested(edges, counts, joined=ends) for counts in (rows, now, nights[one.peers]))
        for starts, some in _by_bins(past, ours, held, edges.test_ordinary):
            before, tonight, theirs = (np.add.reduceat(counts, starts, axis=-1) for counts in (past, ours[some], peers))
            order.append(some)
            nulls.append(night_null(before, tonight, theirs, shift, one.group))
            psi.append(psi_by_row(before, tonight))
    back = np.argsort(np.concatenate(order))
    found = np.concatenate(psi)[back]
    p = Null.of(nulls).at(back).p_value(found)
    if isinstance(edges, CategoricalEdges):
        p = np.stack([p, _unseen(edges, nights, now, shift)])
    return Figures(found, np.atleast_2d(p))


def _held(
    edges: ColumnEdges, total: Counts, nights: Counts, now: Counts, at: Slots
) -> Iterator[tuple[Season, Counts, Counts, bool]]:
    """Yield nights that are held against the same rows: their season, these rows, which they are, and whether ends are joined."""
    for number, one in enumerate(at.seasons):
        before = nights[one.alike].sum(axis=0) if one.words else total
        joined = ends_joined(edges, before, now)
        for ends in (False, True):
            held = np.flatnonzero((at.season == number) & (joined == ends))
            if held.size:
                yield one, before, held, ends


def _by_bins(before: Counts, ours: Counts, held: Counts, ordinary: int) -> Iterator[tuple[Counts, Counts]]:
    """Yield the bins in use, and the nights that use these."""
    groups: dict[bytes, list[int]] = {}
    for night in held.tolist():
        groups.setdefault(bins_in_use(before, ours[night], ordinary).tobytes(), []).append(night)
    for starts, some in groups.items():
        yield np.frombuffer(starts, dtype=np.int64), np.array(some, dtype=np.int64)


def _unseen(edges: CategoricalEdges, nights: Counts, now: Counts, shift: float) -> Floats:
    rows, new = now.sum(axis=1), now[:, edges.ordinary]
    known = unseen_values(nights[:, edges.ordinary], nights.sum(axis=1), 1, float(tolerated_psi(EVEN, shift)))
    chance = known.shape / (known.shape + rows * known.expected)
    found: Floats = np.maximum(stats.poisson.sf(new - 1, rows * known.tolerated), stats.nbinom.sf(new - 1, known.shape, chance))
    return found
