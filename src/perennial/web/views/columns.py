"""How the columns of a night lie beside what the champion was trained on: the same bins, counted twice."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from perennial.core.receipts import ColumnDrift, Measurement, Receipt
from perennial.monitoring.counting.edges import CategoricalEdges, ColumnEdges, NumericEdges
from perennial.monitoring.counting.profile import Profile
from perennial.monitoring.counting.reference import Reference
from perennial.web.shown import figure

MOST_VALUES = 12
"""Values that are shown by themselves; the rarer ones stand together."""
_NUMERIC_APART = ("below", "above", "-infinity", "infinity", "missing")


class Bin(Receipt):
    """One bin: what it holds, in words, the share of the reference's rows in it, and that of the night's. *apart* is no range."""

    holds: str
    before: float
    now: float
    apart: bool = False


class ColumnView(Receipt):
    """One column of a night. *beyond* is its PSI as a share of the threshold; *bins* is empty where nothing was counted."""

    drift: ColumnDrift
    beyond: float | None
    bins: tuple[Bin, ...] = ()


def column_views(measurement: Measurement, reference: Reference | None, night: Profile | None) -> list[ColumnView]:
    """Return the columns of a night, those that moved most first.

    Args:
        measurement: What was measured.
        reference: What its champion was trained on; None where it is lost.
        night: The night's counts; None where they are lost, or over other edges.
    """
    bins: dict[str, tuple[Bin, ...]] = {}
    if reference is not None and night is not None and night.edges == reference.edges.digest:
        bins = {edges.name: histogram(edges, reference.total, night) for edges in reference.edges.columns}
    found = [ColumnView(drift=one, beyond=beyond(one), bins=bins.get(one.column, ())) for one in measurement.drift]
    return sorted(found, key=lambda one: (one.beyond is None, -(one.beyond or 0.0), one.drift.column))


def beyond(drift: ColumnDrift) -> float | None:
    """Return the PSI of a column as a share of its threshold."""
    return drift.psi / drift.threshold if drift.psi is not None and drift.threshold else None


def histogram(edges: ColumnEdges, before: Profile, now: Profile) -> tuple[Bin, ...]:
    """Return the bins of one column with the shares of rows in them; of those that stand apart only what holds something."""
    counts = np.array([before.counts[edges.name], now.counts[edges.name]], dtype=np.int64)
    shares = edges.test_counts(counts) / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    if isinstance(edges, NumericEdges):
        return tuple(_numeric(edges, shares[0].tolist(), shares[1].tolist()))
    return tuple(_categorical(edges, shares[0].tolist(), shares[1].tolist()))


def _numeric(edges: NumericEdges, before: list[float], now: list[float]) -> Iterable[Bin]:
    spans = edges.test_spans.tolist()
    for place, (low, high) in enumerate(spans):
        said = figure(low) if low == high else f"{figure(low)} to {figure(high)}"
        yield Bin(holds=said, before=before[place], now=now[place])
    yield from _apart(_NUMERIC_APART, before[len(spans) :], now[len(spans) :])


def _categorical(edges: CategoricalEdges, before: list[float], now: list[float]) -> Iterable[Bin]:
    """Yield the values with most rows on either side, then all others together."""
    size = len(edges.values)
    chosen = sorted(range(size), key=lambda place: -max(before[place], now[place]))[:MOST_VALUES]
    for place in sorted(chosen):
        yield Bin(holds=edges.values[place], before=before[place], now=now[place])
    others = [place for place in range(size + 1) if place not in set(chosen)]
    told = (sum(before[place] for place in others), sum(now[place] for place in others))
    yield from _apart(("other", "unseen", "missing"), [told[0], *before[size + 1 :]], [told[1], *now[size + 1 :]])


def _apart(names: Iterable[str], before: list[float], now: list[float]) -> Iterable[Bin]:
    for name, one, other in zip(names, before, now, strict=True):
        if one or other:
            yield Bin(holds=name, before=one, now=other, apart=True)
