"""Columns whose distribution is known: rows can be drawn from it, and nights as counts, as the share of each bin can be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

import numpy as np
import pyarrow as pa
from scipy import stats

from perennial.monitoring.counting.edges import CategoricalEdges, ColumnEdges, NumericEdges
from perennial.monitoring.psi import Floats

NAME = "x"


@dataclass(frozen=True)
class Numbers:
    """A column of numbers.

    Attributes:
        name: What it is called in the tables.
        draw: Draws so many numbers.
        below: Returns the chance of a number below each of the given ones.
        missing: The share of rows without a number.
        nights_differ: By how much the mean of a night differs, as the standard deviation of a normal distribution.
        moved: By how much the mean of all nights is moved.
    """

    name: str
    draw: Callable[[np.random.Generator, int], Floats]
    below: Callable[[Floats], Floats]
    missing: float = 0.0
    nights_differ: float = 0.0
    moved: float = 0.0

    def rows(self, rng: np.random.Generator, rows: int) -> pa.Array:
        """Return the rows of one night."""
        values = self.draw(rng, rows) + self._of_night(rng)
        return pa.array(values, mask=rng.random(rows) < self.missing)

    def shares(self, rng: np.random.Generator, edges: ColumnEdges) -> Floats:
        """Return the share of each bin on one night, shape (bins,)."""
        if not isinstance(edges, NumericEdges):
            raise TypeError("a column of numbers has numeric edges")
        ends, bins = edges.runs
        shares = np.zeros(edges.bins)
        np.add.at(shares, bins[:-1], np.diff(self.below(ends - self._of_night(rng))) * (1 - self.missing))
        shares[-1] += self.missing
        return shares

    @property
    def steady(self) -> bool:
        """Whether all nights have the same shares."""
        return not self.nights_differ

    def _of_night(self, rng: np.random.Generator) -> float:
        return self.moved + (self.nights_differ * float(rng.normal()) if self.nights_differ else 0.0)


@dataclass(frozen=True)
class Values:
    """A column of values with the given *shares_of*, the most frequent first."""

    name: str
    shares_of: Floats = field(repr=False)
    steady: ClassVar[bool] = True

    def rows(self, rng: np.random.Generator, rows: int) -> pa.Array:
        """Return the rows of one night."""
        below = np.cumsum(self.shares_of)
        return pa.array(np.searchsorted(below, rng.random(rows) * below[-1], side="right")).cast(pa.string())

    def shares(self, _: np.random.Generator, edges: ColumnEdges) -> Floats:
        """Return the share of each bin on one night, shape (bins,)."""
        if not isinstance(edges, CategoricalEdges):
            raise TypeError("a column of values has categorical edges")
        places = edges.places
        bins = np.array([places.get(str(value), edges.ordinary) for value in range(self.shares_of.size)])
        return np.bincount(bins, weights=self.shares_of, minlength=edges.bins)


Column = Numbers | Values


def values(name: str, number: int, power: float = 0.0) -> Values:
    """Return a column of *number* values whose shares fall with their rank to this *power*."""
    shares = np.arange(1.0, number + 1) ** -power
    return Values(name, shares / shares.sum())


def normal(name: str = "normal", **more: float) -> Numbers:
    """Return a standard normal column."""
    return replace(Numbers(name, lambda rng, rows: rng.normal(size=rows), stats.norm.cdf), **more)


def _step(at: float, ends: Floats) -> Floats:
    return (ends > at).astype(np.float64)


def _mostly_zero(ends: Floats) -> Floats:
    return 0.6 * _step(0.0, ends) + 0.4 * stats.expon.cdf(ends)


def _counted(ends: Floats) -> Floats:
    return stats.poisson.cdf(np.ceil(ends) - 1, 3)


LOGNORMAL = Numbers("skewed: lognormal", lambda rng, rows: rng.lognormal(0, 1.5, rows), stats.lognorm(1.5).cdf)
COLUMNS: tuple[Column, ...] = (
    values("2 values", 2, 2.0),
    values("10 values, equal", 10),
    values("50 values, equal", 50),
    values("200 values, 1 / rank", 200, 1.0),
    values("1 000 values, 1 / rank", 1000, 1.0),
    values("100 000 values, 1 / rank, new ones every night", 100_000, 1.0),
    normal(),
    LOGNORMAL,
    Numbers("heavy tails: Cauchy", lambda rng, rows: rng.standard_cauchy(rows), stats.cauchy.cdf),
    Numbers("whole numbers: Poisson of mean 3", lambda rng, rows: rng.poisson(3, rows).astype(np.float64), _counted),
    Numbers("60 % zeros, else exponential", lambda rng, rows: rng.exponential(size=rows) * (rng.random(rows) < 0.4), _mostly_zero),
    Numbers("constant", lambda _, rows: np.full(rows, 7.0), partial(_step, 7.0)),
    normal("95 % missing", missing=0.95),
    normal("all missing", missing=1.0),
    normal("normal, and nights differ by 0.3 standard deviations", nights_differ=0.3),
)
