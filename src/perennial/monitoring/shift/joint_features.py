"""Rows of several columns as figures in which a change of how columns go together is a change of a mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perennial.monitoring.counting.columns import coded, numbers
from perennial.monitoring.psi import Floats

_MOST_FIGURES = 256
_VALUES = 8
_LEAST_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class JointFeatures:
    """Figures of rows.

    Attributes:
        names: What each figure is made of, for a sentence.
        figures: Shape (figures, rows), of mean 0: each figure by itself in memory, as it is made and looked at by itself.
    """

    names: tuple[str, ...]
    figures: Floats


def joint_features(rows: pa.Table, *, numeric: Sequence[str], categorical: Sequence[str], seed: int) -> JointFeatures:
    """Return the figures of *rows*, at most 256, from what stands in the rows alone and not from where a row comes from.

    Each column of numbers becomes its rank, so that outliers do not matter; each frequent value of the others, and each column
    that is missing in part, becomes a figure of its own. Beside these stand products of two of them: all pairs, or as many drawn
    by *seed* as there is room for.

    Args:
        rows: The rows of the night and of the reference together.
        numeric: The columns of numbers.
        categorical: The columns of a limited number of values.
        seed: Of the draw.

    Raises:
        DataError: SCHEMA_TYPE.
    """
    single: dict[str, tuple[str, Floats]] = {}
    for name in numeric:
        single |= {key: (name, figure) for key, figure in _numeric(name, numbers(name, rows[name])).items()}
    for name in categorical:
        single |= {key: (name, figure) for key, figure in _categorical(name, rows[name]).items()}
    single = dict(list(single.items())[:_MOST_FIGURES])
    pairs = [(a, b) for a, b in combinations(single, 2) if single[a][0] != single[b][0]]
    room = _MOST_FIGURES - len(single)
    if len(pairs) > room:
        drawn = np.random.default_rng(seed).choice(len(pairs), room, replace=False)
        pairs = [pairs[i] for i in np.sort(drawn)]
    figures = np.empty((len(single) + len(pairs), rows.num_rows))
    for made, (_, figure) in zip(figures, single.values(), strict=False):
        made[:] = figure
    for made, (a, b) in zip(figures[len(single) :], pairs, strict=True):
        np.multiply(single[a][1], single[b][1], out=made)
    for made in figures:
        np.subtract(made, made.mean(), out=made)
    return JointFeatures((*single, *(f"{a} with {b}" for a, b in pairs)), figures)


def _numeric(name: str, values: Floats) -> dict[str, Floats]:
    """Return the ranks, from -1 to 1, 0 where missing; and which are missing, where some are."""
    missing = np.isnan(values)
    order = np.argsort(values)[: values.size - int(np.count_nonzero(missing))]  # NaN comes last
    ordered = values[order]
    ranks = np.searchsorted(ordered, ordered) + np.searchsorted(ordered, ordered, side="right")
    scores = np.zeros(values.size)
    scores[order] = ranks / max(order.size, 1) - 1
    found = {name: scores} if order.size and ordered[0] != ordered[-1] else {}
    return found | _indicator(f"{name} missing", missing)


def _categorical(name: str, column: pa.ChunkedArray) -> dict[str, Floats]:
    codes, values = coded(name, column)
    rows = np.bincount(codes, minlength=len(values) + 1)
    found: dict[str, Floats] = {}
    for code in np.lexsort((pc.rank(values).to_numpy(), -rows[:-1]))[:_VALUES]:
        found |= _indicator(f"{name} {values[code]}", codes == code)
    return found | _indicator(f"{name} missing", codes == len(values))


def _indicator(name: str, there: np.ndarray) -> dict[str, Floats]:
    share = float(there.mean()) if there.size else 0.0
    return {name: there - share} if _LEAST_SHARE <= share <= 1 - _LEAST_SHARE else {}
