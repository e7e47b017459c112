"""Figures that are reported beside the test, of many columns at once: none of them decides anything."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from perennial.monitoring.counting.edges import NumericEdges
from perennial.monitoring.psi import Floats
from perennial.monitoring.shift.column_drift import InUse, MeasuredColumn, alike
from perennial.monitoring.shift.distances import Below, jensen_shannon
from perennial.monitoring.shift.homogeneity import homogeneity

Column = Floats | npt.NDArray[np.object_]
"""One figure of columns, shape (columns,)."""

Figures = dict[str, float | None]
"""By the name that a receipt gives them; None, or not there, where there is no such figure."""


def figures_beside(columns: Sequence[MeasuredColumn]) -> list[Figures]:
    """Return the figures of each of *columns*, in order; those with equally many bins are worked out together."""
    found: list[Figures] = [{} for _ in columns]
    in_use = [column.in_use for column in columns]
    for places in alike([counts.before.size for counts in in_use]):
        _tell([found[place] for place in places], _of_bins([in_use[place] for place in places]))
    numbers = [place for place, column in enumerate(columns) if isinstance(column.edges, NumericEdges)]
    for places in alike([columns[place].edges.bins for place in numbers]):
        some = [numbers[place] for place in places]
        _tell([found[place] for place in some], _of_order([columns[place] for place in some]))
    return found


def _tell(found: Sequence[Figures], figures: Mapping[str, Column]) -> None:
    """Write *figures* to what was *found* of each column."""
    for name, column in figures.items():
        for told, figure in zip(found, column.tolist(), strict=True):
            told[name] = figure if figure is not None and math.isfinite(figure) else None


def _of_bins(columns: Sequence[InUse]) -> dict[str, Column]:
    """Return the figures over the bins in use, equally many of each column."""
    before, now = np.stack([column.before for column in columns]), np.stack([column.now for column in columns])
    table = homogeneity(before, now)
    freedom = table.freedom.astype(object)
    freedom[np.isnan(table.statistic)] = None
    return {
        "jensen_shannon": jensen_shannon(before, now),
        "chi_squared": table.statistic,
        "chi_squared_freedom": freedom,
        "chi_squared_p": table.p_value,
    }


def _of_order(columns: Sequence[MeasuredColumn]) -> dict[str, Column]:
    """Return the figures over all bins in the order of their values, equally many of each column."""
    edges = [column.edges for column in columns if isinstance(column.edges, NumericEdges)]
    before = edges[0].in_order(np.stack([column.before for column in columns]))
    below = Below.of(before, edges[0].in_order(np.stack([column.now for column in columns])))
    places = np.stack([_places(one) for one in edges])
    return {"kolmogorov_smirnov": below.kolmogorov_smirnov, "wasserstein": below.wasserstein(places)}


def _places(edges: NumericEdges) -> Floats:
    """Return where each bin of ``in_order`` lies, shape (bins - 1,); what is outside the range lies on its end."""
    if not edges.ordinary:
        return np.zeros(edges.bins - 1)
    middle = edges.spans[:, 0] / 2 + edges.spans[:, 1] / 2
    low, high = edges.spans[0, 0], edges.spans[-1, 1]
    return np.concatenate(([low, low], middle, [high, high]))
