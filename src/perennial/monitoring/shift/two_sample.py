"""The classifier two-sample test: can a classifier tell the night's rows from the reference's? It sees what no column shows alone.

The classifier weighs the figures of :mod:`perennial.monitoring.shift.joint_features` by how far their means are apart. It has a
closed form, so that not only the night can be tried but many nights of the reference in its place, which shows how well nights
can be told apart when nothing has changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy import stats

from perennial.monitoring.counting.binning import FEW_NIGHTS
from perennial.monitoring.psi import Counts, Floats
from perennial.monitoring.shift.joint_features import joint_features

_FOLDS = 5
_CHANCE = 2.0
_CERTAIN = 1e-6
_MOST_NIGHTS = 30
_LEAST_ROWS = 2 * _FOLDS
_CAUSES = 3


@dataclass(frozen=True, slots=True)
class TwoSample:
    """How well the night's rows can be told from the reference's, and how well without drift, taken as the worse of two.

    Sampling: the area of rows that cannot be told apart better than the tolerance says is normal around *tolerated*. Nights: the
    normal quantile of the area, which has no end at 1, is Student's t around *mean*, as far as *nights* reference nights in the
    place of the night show.

    Attributes:
        area: Of the held-out rows under the curve; 0.5 where they cannot be told apart, 1 where they can be without error.
        tolerated: What a shift of one normal column by the tolerance makes.
        sampling: The standard deviation that sampling alone makes.
        mean: Of the reference nights, as normal quantile: 0 where they cannot be told apart.
        deviation: What one more night may differ by, on the same scale.
        nights: How many reference nights were tried.
        causes: The figures that tell most, the first one most of all.
    """

    area: float
    tolerated: float
    sampling: float
    mean: float
    deviation: float
    nights: int
    causes: tuple[str, ...]

    @property
    def p_value(self) -> float:
        """The chance of at least this area without drift."""
        return self._chance(self.area)

    def can_alarm(self, level: float) -> bool:
        """Return whether any night of as many rows could: one that is told from the reference without error has this chance."""
        return self._chance(1.0) <= level

    def _chance(self, area: float) -> float:
        sampling = float(stats.norm.sf(area, self.tolerated, self.sampling))
        if self.nights < FEW_NIGHTS:
            return sampling
        return max(sampling, float(stats.t.sf((_quantile(area) - self.mean) / self.deviation, self.nights - 1)))

    def threshold(self, level: float) -> float:
        """Return the area that has the chance *level* without drift."""
        sampling = float(stats.norm.isf(level, self.tolerated, self.sampling))
        if self.nights < FEW_NIGHTS:
            return sampling
        return max(sampling, float(stats.norm.cdf(self.mean + self.deviation * stats.t.isf(level, self.nights - 1))))


def two_sample(
    reference: pa.Table,
    nights: Counts,
    night: pa.Table,
    *,
    numeric: tuple[str, ...],
    categorical: tuple[str, ...],
    shift: float,
    seed: int,
) -> TwoSample | None:
    """Try to tell the rows of *night* from those of *reference*.

    Args:
        reference: Rows of the reference, drawn from all its nights; the rows of a night follow each other.
        nights: Shape (rows,), the night of each of them.
        night: The night's rows, or a part of them that is drawn evenly.
        numeric: The columns of numbers.
        categorical: The columns of a limited number of values.
        shift: The tolerated shift, in reference standard deviations.
        seed: Of what is drawn.

    Returns:
        The test; None where either has fewer than ten rows, or no column varies.

    Raises:
        DataError: SCHEMA_TYPE.
    """
    columns = (*numeric, *categorical)
    if min(reference.num_rows, night.num_rows) < _LEAST_ROWS:
        return None
    known, position = np.unique(nights, return_inverse=True)
    group = np.concatenate([np.full(night.num_rows, known.size), position])
    fold = np.random.default_rng(seed).permutation(group.size) % _FOLDS
    order = np.lexsort((group, fold))
    rows = pa.concat_tables([part.select(columns) for part in (night, reference)], promote_options="permissive").take(
        pa.array(order)
    )
    features = joint_features(rows, numeric=numeric, categorical=categorical, seed=seed)
    if not features.names:
        return None
    tried = _tried(np.bincount(position))
    trial = _Trial(features.figures, (fold * (known.size + 1) + group)[order], known.size + 1)
    areas, weights = trial.areas(np.append(known.size, tried))
    sampling = float(_sampling(np.array(night.num_rows), np.array(reference.num_rows)))
    sizes = np.bincount(position)[tried]
    mean, deviation = _usual(areas[1:], _sampling(sizes, reference.num_rows - sizes), sampling)
    causes = [i for i in np.argsort(-weights, kind="stable")[:_CAUSES] if weights[i] > 0]
    return TwoSample(
        area=float(areas[0]),
        tolerated=float(stats.norm.cdf(shift / np.sqrt(2))),
        sampling=sampling,
        mean=mean,
        deviation=deviation,
        nights=len(tried),
        causes=tuple(features.names[i] for i in causes),
    )


class _Trial:
    """Classifiers over one set of figures, each of which tells one group of rows from the reference: all groups but the last.

    Args:
        figures: Shape (figures, rows), of mean 0.
        cell: Shape (rows,), ascending: the number of the row's fold, times the number of groups, plus that of its group.
        groups: How many groups there are.
    """

    def __init__(self, figures: Floats, cell: Counts, groups: int) -> None:
        self.figures, self.groups = figures, groups
        self.deviation = np.maximum([np.sqrt(figure @ figure / figure.size) for figure in figures], np.finfo(float).tiny)
        self.starts = np.searchsorted(cell, np.arange(_FOLDS * self.groups + 1))
        self.rows = np.diff(self.starts).reshape(_FOLDS, self.groups)
        filled = np.flatnonzero(self.rows)
        sums = np.zeros((len(figures), self.rows.size))
        sums[:, filled] = np.add.reduceat(figures, self.starts[filled], axis=1)
        self.sums = sums.reshape(-1, _FOLDS, self.groups)

    def areas(self, ones: Counts) -> tuple[Floats, Floats]:
        """Return the mean area of the folds for each group of *ones* against the reference.

        Each fold is scored by what the rest teach. Beside the areas stands the weight of each figure in the first trial, shape
        (figures,).
        """
        areas = np.full((_FOLDS, ones.size), np.nan)
        first = np.zeros(len(self.figures))
        for fold in range(_FOLDS):
            weights = self._weights(fold, ones)
            first += np.abs(weights[0]) * self.deviation / _FOLDS
            starts = self.starts[fold * self.groups : (fold + 1) * self.groups + 1]
            scores = weights @ self.figures[:, starts[0] : starts[-1]]
            for i, one in enumerate(ones):
                areas[fold, i] = _area(*_sides(scores[i], starts - starts[0], int(one)))
        return np.nanmean(areas, axis=0), first

    def _weights(self, fold: int, ones: Counts) -> Floats:
        """Return the classifiers that the rows outside *fold* teach, shape (ones, figures).

        They look only at figures whose means are further apart than chance often has it, the further the more.
        """
        sums, rows = self.sums.sum(axis=1) - self.sums[:, fold], self.rows.sum(axis=0) - self.rows[fold]
        of_reference = ones < self.groups - 1
        n = np.maximum(rows[ones], 1)
        m = np.maximum(rows[:-1].sum() - rows[ones] * of_reference, 1)
        others = sums[:, :-1].sum(axis=1)[:, None] - sums[:, ones] * of_reference
        apart = (sums[:, ones] / n - others / m).T / self.deviation
        chance = _CHANCE * np.sqrt(1 / n + 1 / m)[:, None]
        weights: Floats = np.sign(apart) * np.maximum(np.abs(apart) - chance, 0) / self.deviation
        return weights


def _sides(scores: Floats, starts: Counts, one: int) -> tuple[Floats, Floats]:
    """Return the scores of the group *one*, and those of the others of the reference; *starts* is where each group begins."""
    begin, end, night = starts[one], starts[one + 1], starts[-2]
    return scores[begin:end], np.concatenate([scores[: min(begin, night)], scores[min(end, night) : night]])


def _tried(sizes: Counts) -> Counts:
    """Return which nights take the night's place: at most thirty, spread evenly, none that is too small or the only one."""
    large = np.flatnonzero((sizes >= _LEAST_ROWS) & (sizes.sum() - sizes >= _LEAST_ROWS))
    return large if large.size <= _MOST_NIGHTS else large[np.linspace(0, large.size - 1, _MOST_NIGHTS).round().astype(np.int64)]


def _usual(areas: Floats, alone: Floats, sampling: float) -> tuple[float, float]:
    """Return the mean area of a night without drift and its standard deviation for one more night, both as normal quantiles."""
    if areas.size < FEW_NIGHTS:
        return 0.0, sampling
    quantiles = _quantile(areas)
    mean = max(float(quantiles.mean()), 0.0)
    steep = float(stats.norm.pdf(mean))  # by how much the area grows with its quantile
    excess = max(float(quantiles.var(ddof=1) - np.mean((alone / steep) ** 2)), 0.0)
    return mean, float(np.sqrt(((sampling / steep) ** 2 + excess) * (1 + 1 / areas.size)))


def _quantile(area: Floats | float) -> Floats:
    """Return the normal quantile of an area, at most about 4.8 as no finite number of rows shows more."""
    quantile: Floats = stats.norm.ppf(np.clip(area, _CERTAIN, 1 - _CERTAIN))
    return quantile


def _sampling(ones: Counts, others: Counts) -> Floats:
    """Return the standard deviation of the area where both sides are alike (Mann and Whitney 1947)."""
    deviation: Floats = np.sqrt((ones + others + 1.0) / (12.0 * ones * others))
    return deviation


def _area(ones: Floats, others: Floats) -> float:
    """Return the share of pairs in which the one has the greater score, half of those in which they are equal."""
    if not (ones.size and others.size):
        return float("nan")
    ordered = np.sort(others)
    ranks = np.searchsorted(ordered, ones) + np.searchsorted(ordered, ones, side="right")
    return float(ranks.mean() / (2 * others.size))
