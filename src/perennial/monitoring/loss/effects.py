"""How the loss goes with where the rows lie, column by column, so that a night's loss follows from its counts alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from perennial.monitoring.counting.columns import coded, floats
from perennial.monitoring.counting.edges import ColumnEdges, NumericEdges
from perennial.monitoring.psi import Counts, Floats
from perennial.monitoring.stored import Frozen

_GROUPS = 5
_COLUMNS = 40
_BLOCKS = 20
_LEAST_BLOCKS = 4
_FOLDS = 5
_PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, math.inf)
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Placed:
    """Where rows lie in one column.

    Attributes:
        bins: Shape (rows,), the bin of the test in which each row lies.
        ordinary: How many bins there are that do not stand apart; these come first.
        count: How many bins there are.
    """

    bins: Counts
    ordinary: int
    count: int


def placed(edges: ColumnEdges, column: pa.Array | pa.ChunkedArray) -> Placed:
    """Return where the rows of *column* lie, in the order of :meth:`test_counts`.

    Raises:
        DataError: SCHEMA_TYPE.
    """
    if isinstance(edges, NumericEdges):
        of_bin = edges.test_counts(np.eye(edges.bins, dtype=np.int64)).argmax(axis=1)
        bins = of_bin[edges.place_numbers(floats(edges.name, column))]
        return Placed(bins, edges.test_ordinary, int(of_bin[-1]) + 1)
    codes, values = coded(edges.name, column)
    of_code = [edges.places.get(value, edges.ordinary) for value in values.to_pylist()]
    return Placed(np.array([*of_code, edges.bins - 1], dtype=np.int64)[codes], edges.ordinary, edges.bins)


class Effects(Frozen):
    """An additive model of the loss over groups of bins.

    Attributes:
        mean: The holdout's mean loss.
        noise: The variance of a row's loss around what the model says.
        groups: By column, the group of each of the test's bins; groups are numbered through all columns.
        effects: Shape (groups,), what a row of the group loses more than the mean.
        shares: Shape (groups,), the share of the holdout's rows in each group.
        moves: Shape (blocks, 1 + groups), by how much each block of the holdout's nights has moved the mean, and the effects.
    """

    mean: float
    noise: float
    groups: dict[str, tuple[int, ...]]
    effects: tuple[float, ...]
    shares: tuple[float, ...]
    moves: tuple[tuple[float, ...], ...]

    def estimate(self, counts: Mapping[str, Counts], rows: int, weight: float) -> tuple[float, float]:
        """Return the expected mean loss of rows that lie so, and its standard error.

        Args:
            counts: By column, the rows in each of the test's bins; a column that is not there is as on the holdout.
            rows: How many rows there are, at least one.
            weight: The share of the rows that count as if they were independent of each other.
        """
        moved = np.zeros(len(self.effects))
        for name, groups in self.groups.items():
            found = counts.get(name)
            if found is not None and found.size == len(groups) and found.any():
                of_column = np.unique(groups)
                shares = np.bincount(groups, found, moved.size) / found.sum()
                moved[of_column] = shares[of_column] - np.array(self.shares)[of_column]
        value = self.mean + float(moved @ np.array(self.effects))
        moves = np.array(self.moves) @ np.append(1.0, moved)
        blocks = len(self.moves)
        variance = float(moves @ moves) * blocks / (blocks - 1) + self.noise / rows / weight
        return max(value, 0.0), math.sqrt(variance)


def effects(losses: Floats, nights: Counts, columns: Mapping[str, Placed]) -> Effects | None:
    """Learn how the loss goes with the columns, by ridge regression.

    The bins of a column are put together to at most five groups of about as many rows, and those that stand apart are one more. Of
    many columns the 40 are taken whose groups differ most in their mean loss. The penalty is the one under which nights that were
    left out are foretold best, up to one that leaves the mean alone.

    Args:
        losses: Shape (rows,).
        nights: Shape (rows,), the number of the night that each row belongs to.
        columns: By name, where the rows lie.

    Returns:
        None with fewer than four nights, or with losses whose squares a double does not hold.

    References:
        Hastie, Tibshirani, Generalized additive models, 1990. Liang, Zeger, Longitudinal data analysis using generalized linear
        models, 1986 (the standard error, from blocks of rows that hang together).
    """
    numbered = np.unique(nights, return_inverse=True)[1]
    count = int(numbered.max(initial=-1)) + 1
    if count < _LEAST_BLOCKS:
        return None
    groups = {name: _grouped(np.bincount(each.bins, minlength=each.count), each.ordinary) for name, each in columns.items()}
    chosen = _telling(losses, {name: groups[name][each.bins] for name, each in columns.items()})
    first, parts = 0, []
    for name in chosen:
        size = int(groups[name].max()) + 1
        parts.append(np.eye(size)[groups[name][columns[name].bins]])
        groups[name] += first
        first += size
    design = np.concatenate([np.empty((losses.size, 0)), *parts], axis=1)
    kept = min(count, _BLOCKS)
    return _fitted(losses, numbered * kept // count, design, {name: tuple(groups[name].tolist()) for name in chosen})


def _telling(losses: Floats, groups: Mapping[str, Counts]) -> list[str]:
    """Return the names of the 40 columns whose groups differ most in their mean loss, in the order in which they come."""

    def between(of_row: Counts) -> float:
        rows, sums = np.bincount(of_row), np.bincount(of_row, losses)
        return float(np.sum(sums**2 / np.maximum(rows, 1)))

    with np.errstate(over="ignore"):
        best = sorted(groups, key=lambda name: -between(groups[name]))[:_COLUMNS]
    return [name for name in groups if name in best]


def _fitted(losses: Floats, blocks: Counts, design: Floats, groups: dict[str, tuple[int, ...]]) -> Effects | None:
    mean, shares = float(losses.mean()), design.mean(axis=0)
    away, apart = losses - mean, design - shares
    if not np.isfinite(float(away @ away)):
        return None
    penalty = _penalty(away, apart, blocks)
    inverse = _inverse(apart.T @ apart, penalty)
    found = inverse @ (apart.T @ away)
    rest = away - apart @ found
    moves = np.column_stack([_by(blocks, rest) / losses.size, _by(blocks, apart * rest[:, None]) @ inverse])
    return Effects(
        mean=mean,
        noise=float(rest @ rest) / losses.size,
        groups=groups,
        effects=_short(found),
        shares=tuple(shares.tolist()),
        moves=tuple(map(_short, moves)),
    )


def _penalty(away: Floats, design: Floats, blocks: Counts) -> float:
    """Return the penalty under which the mean losses of blocks that were left out in turn are missed least."""
    fold = blocks % _FOLDS
    parts = [design[fold == each] for each in range(_FOLDS)]
    grams = np.stack([part.T @ part for part in parts])
    sums = np.stack([part.T @ away[fold == each] for each, part in enumerate(parts)])
    rows = np.maximum(_by(blocks, np.ones(away.size)), 1)
    means, places = _by(blocks, away) / rows, _by(blocks, design) / rows[:, None]
    of_block = np.arange(rows.size) % _FOLDS

    def missed(penalty: float) -> float:
        inverses = [_inverse(grams.sum(axis=0) - gram, penalty) for gram in grams]
        fitted = np.stack([inverse @ (sums.sum(axis=0) - each) for inverse, each in zip(inverses, sums, strict=True)])
        return float(np.sum((means - np.sum(places * fitted[of_block], axis=1)) ** 2))

    return min(_PENALTIES, key=missed)


def _inverse(gram: Floats, penalty: float) -> Floats:
    """Return what makes coefficients of ``design.T @ away``; 0 under an infinite penalty."""
    size = len(gram)
    if math.isinf(penalty):
        return np.zeros((size, size))
    return np.asarray(np.linalg.inv(gram + penalty * np.eye(size)), dtype=np.float64)


def _by(blocks: Counts, values: Floats) -> Floats:
    """Return the sums of *values*, shape (rows, ...), by block, shape (blocks, ...)."""
    sums: Floats = np.eye(int(blocks.max()) + 1)[blocks].T @ values
    return sums


def _grouped(rows: Counts, ordinary: int) -> Counts:
    """Return the group of each bin, from 0, for the rows in each: neighbours together, of about as many rows, and all the rest."""
    inside = rows[:ordinary]
    before = (np.cumsum(inside) - inside / 2) * _GROUPS / max(int(inside.sum()), 1)
    group = np.full(rows.size, _GROUPS)
    group[:ordinary] = np.minimum(before.astype(np.int64), _GROUPS - 1)
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def _short(values: Floats) -> tuple[float, ...]:
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)
