"""Drift: whether a night's columns lie further from the reference than nights without drift do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perennial.core.receipts import ColumnDrift, Signal, SignalState
from perennial.monitoring.binning import FEW_NIGHTS
from perennial.monitoring.edges import ColumnEdges
from perennial.monitoring.holm import holm_level
from perennial.monitoring.night_null import Null, bins_in_use, night_null
from perennial.monitoring.profile import Profile, require_same_edges
from perennial.monitoring.psi import psi
from perennial.monitoring.reference import Reference

_HIGHEST_LEVEL = 0.5
_COLUMNS_NAMED = 5


@dataclass(frozen=True, slots=True)
class _Measured:
    column: str
    psi: float
    p_value: float
    null: Null


def drift(
    reference: Reference,
    night: Profile,
    *,
    false_alarms_per_year: float,
    nights_per_year: float,
    input_shift: float,
    minimum_rows: int,
) -> tuple[list[ColumnDrift], Signal]:
    """Hold each column of *night* against the reference, with one error budget for all of them.

    The chance that any column of a night without drift raises an alarm is at most the budget divided by the nights in a year
    (Holm 1979, valid however the columns depend on each other). Inputs such as the weather move with the season for innocent
    reasons that a reference of one season does not show; so drift alone is a reason to look, not proof of harm.

    Args:
        reference: What the champion was trained on.
        night: The night's rows over the same edges.
        false_alarms_per_year: The budget, in nights with a false alarm.
        nights_per_year: How many nights share it.
        input_shift: The tolerated shift, in reference standard deviations.
        minimum_rows: With fewer rows in the night or the reference there is no answer.

    Returns:
        The columns in the order of the edges, and the night's signal about the one that stands out most.

    Raises:
        DataError: PROFILE_EDGES, the night was counted over other edges.
    """
    require_same_edges(reference.total.edges, night.edges)
    rows = min(night.rows, reference.total.rows)
    if rows < max(minimum_rows, 2):
        return _insufficient(reference, night, max(minimum_rows, 2))
    usual = [profile for profile in reference.nights.values() if profile.rows >= minimum_rows]
    measured = [_measure(column, reference.total, night, usual, input_shift) for column in reference.edges.columns]
    budget = min(false_alarms_per_year / nights_per_year, _HIGHEST_LEVEL)
    level = holm_level([column.p_value for column in measured], budget)
    columns = [_column(column, level, night.rows) for column in measured]
    return columns, _signal(columns, measured, night.rows, len(usual))


def _measure(edges: ColumnEdges, total: Profile, night: Profile, usual: Sequence[Profile], shift: float) -> _Measured:
    name = edges.name
    before, now = np.array(total.counts[name]), np.array(night.counts[name])
    starts = bins_in_use(before, now, edges.ordinary)
    nights = np.array([profile.counts[name] for profile in usual]).reshape(len(usual), edges.bins)
    before, now = np.add.reduceat(before, starts), np.add.reduceat(now, starts)
    null = night_null(before, now, np.add.reduceat(nights, starts, axis=1), shift)
    found = psi(before, now)
    return _Measured(name, found, null.p_value(found), null)


def _column(measured: _Measured, level: float, rows: int) -> ColumnDrift:
    threshold = measured.null.threshold(level)
    state = SignalState.ALARM if measured.p_value <= level else SignalState.QUIET
    return ColumnDrift(
        column=measured.column, psi=measured.psi, threshold=threshold if np.isfinite(threshold) else None, n=rows, state=state
    )


def _signal(columns: Sequence[ColumnDrift], measured: Sequence[_Measured], rows: int, nights: int) -> Signal:
    if not columns:
        return _said(SignalState.QUIET, None, rows, "no column is watched")
    order = sorted(range(len(columns)), key=lambda i: (measured[i].p_value, -measured[i].psi))
    moved = [columns[i] for i in order if columns[i].state is SignalState.ALARM]
    if moved:
        more = f", and {len(moved) - _COLUMNS_NAMED} more" if len(moved) > _COLUMNS_NAMED else ""
        named = "; ".join(_figure(column) for column in moved[:_COLUMNS_NAMED])
        sentence = f"{len(moved)} of {len(columns)} columns moved: {named}{more}"
    else:
        sentence = f"none of {len(columns)} columns moved; nearest: {_figure(columns[order[0]])}"
    if nights < FEW_NIGHTS:
        sentence += f"; only {nights} reference nights, so how nights usually differ is not allowed for"
    return _said(SignalState.ALARM if moved else SignalState.QUIET, columns[order[0]], rows, sentence)


def _figure(column: ColumnDrift) -> str:
    allowed = f"{column.threshold:.3g} allowed" if column.threshold is not None else "constant"
    return f"{column.column} PSI {column.psi:.3g} nats, {allowed}"


def _insufficient(reference: Reference, night: Profile, needed: int) -> tuple[list[ColumnDrift], Signal]:
    state = SignalState.INSUFFICIENT
    columns = [ColumnDrift(column=name, psi=None, threshold=None, n=night.rows, state=state) for name in reference.edges.names]
    sentence = f"{night.rows} rows against {reference.total.rows} of the reference, {needed} needed in each"
    return columns, _said(state, None, night.rows, sentence)


def _said(state: SignalState, column: ColumnDrift | None, rows: int, sentence: str) -> Signal:
    value, threshold = (column.psi, column.threshold) if column else (None, None)
    return Signal(name="drift", kind="drift", state=state, value=value, threshold=threshold, n=rows, sentence=sentence)
