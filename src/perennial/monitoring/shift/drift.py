"""Drift: whether a night's columns lie further from the reference than nights without drift do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perennial.core.receipts import ColumnDrift, Signal, SignalState
from perennial.monitoring.counting.binning import FEW_NIGHTS
from perennial.monitoring.counting.profile import Profile, require_same_edges
from perennial.monitoring.counting.reference import Reference
from perennial.monitoring.holm import holm_level
from perennial.monitoring.psi import Floats
from perennial.monitoring.shift.column_drift import HeldColumn, MeasuredColumn, measured_columns
from perennial.monitoring.shift.false_discovery import false_discovery_level
from perennial.monitoring.shift.farthest import farthest
from perennial.monitoring.shift.figures_beside import figures_beside
from perennial.monitoring.shift.night_null import Null
from perennial.monitoring.shift.season import Season, season

FALSE_DISCOVERIES = 0.05
"""The share of columns on the list to look at that are there by chance, at most and in the mean."""

_HIGHEST_LEVEL = 0.5
_COLUMNS_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A night held against a reference, before it is known how much the night's other tests leave of the budget.

    Attributes:
        names: The columns.
        columns: What was measured of each; empty where there was not enough to measure.
        rows: Of the night.
        farthest: Gives, for positions and a level, what each column shows on the night of as many rows that is the furthest from
            the reference; or on the first that is found to alarm at this level.
        why_not: Why nothing was measured; empty where it was.
        against: What a sentence says of the nights that the reference was taken from.
    """

    names: tuple[str, ...]
    columns: tuple[MeasuredColumn, ...] = ()
    rows: int
    farthest: Callable[[Sequence[int], float], list[MeasuredColumn]] | None = None
    why_not: str = ""
    against: str = ""

    @property
    def p_values(self) -> list[float]:
        """The chances without drift, one for each test."""
        return [p for column in self.columns for p in column.p_values]

    def judged(
        self,
        level: float,
        *,
        name: str = "drift",
        kind: str = "drift",
        plain: float | None = None,
        allowed: Floats | None = None,
    ) -> tuple[list[ColumnDrift], Signal]:
        """Return the columns in the order of the edges, and a signal about the one that stands out most.

        Args:
            level: The chance up to which a test alarms.
            name: The signal's name.
            kind: The signal's kind.
            plain: A threshold of PSI, in nats, that decides in place of *level*.
            allowed: Shape (columns,), from :func:`thresholds` where several are judged; else it is found for these columns alone.
        """
        said = _Said(name, kind, self.rows)
        if self.why_not:
            state = SignalState.INSUFFICIENT
            columns = [ColumnDrift(column=column, psi=None, threshold=None, n=self.rows, state=state) for column in self.names]
            return columns, said.signal(state, None, self.why_not)
        if not self.columns:
            return [], said.signal(SignalState.QUIET, None, "no column is watched")
        listed = false_discovery_level(self.p_values, FALSE_DISCOVERIES)
        if allowed is None:
            [allowed] = thresholds([self], level, plain)
        judging = zip(self.columns, allowed.tolist(), figures_beside(self.columns), strict=True)
        columns = [
            column.judged(threshold, level, listed, figures, plain=plain is not None) for column, threshold, figures in judging
        ]
        mute = self._mute(columns, level) if plain is None else {}
        columns = [_muted(column) if i in mute else column for i, column in enumerate(columns)]
        order = sorted(range(len(columns)), key=lambda i: (i in mute, *_outstanding(self.columns[i], plain)))
        ordered = [columns[i] for i in order]
        if len(mute) == len(columns):
            return columns, said.signal(SignalState.INSUFFICIENT, ordered[0], _out_of_reach(mute[order[0]], level))
        state = SignalState.ALARM if any(column.state is SignalState.ALARM for column in columns) else SignalState.QUIET
        sentence = _sentence(ordered) + self.against + _of_mute(len(mute), len(columns), self.rows)
        return columns, said.signal(state, ordered[0], sentence)

    def _mute(self, columns: Sequence[ColumnDrift], level: float) -> dict[int, MeasuredColumn]:
        """Return the columns in which no night of as many rows could alarm, by position, each on the night that comes nearest."""
        quiet = [i for i, column in enumerate(columns) if column.state is SignalState.QUIET]
        if self.farthest is None:
            return {}
        return {i: night for i, night in zip(quiet, self.farthest(quiet, level), strict=True) if min(night.p_values) > level}


def thresholds(moved: Sequence[Moved], level: float, plain: float | None = None) -> list[Floats]:
    """Return the PSI, in nats, that each column is allowed, shape (columns,), for all of *moved*: one search for them together.

    Args:
        moved: What was measured.
        level: The chance up to which a test alarms.
        plain: A threshold of PSI, in nats, that decides in place of *level*.
    """
    columns = [column for one in moved for column in one.columns]
    if not columns:
        return [np.empty(0) for _ in moved]
    found = Null.of([column.null for column in columns]).threshold(level) if plain is None else np.full(len(columns), plain)
    return np.split(found, np.cumsum([len(one.columns) for one in moved])[:-1])


def drift(
    reference: Reference,
    night: Profile,
    *,
    false_alarms_per_year: float,
    nights_per_year: float,
    input_shift: float,
    minimum_rows: int,
    number: int | None = None,
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
        number: The night's number, as the reference has them, by which its nights are chosen; None takes all.

    Returns:
        The columns in the order of the edges, and the night's signal about the one that stands out most.

    Raises:
        DataError: PROFILE_EDGES, the night was counted over other edges.
    """
    moved = moved_columns(reference, night, input_shift=input_shift, minimum_rows=minimum_rows, number=number)
    return moved.judged(holm_level(moved.p_values, nightly_budget(false_alarms_per_year, nights_per_year)))


def nightly_budget(false_alarms_per_year: float, nights_per_year: float) -> float:
    """Return the chance of a false alarm that one night may have, at most a half."""
    return min(false_alarms_per_year / nights_per_year, _HIGHEST_LEVEL)


def moved_columns(
    reference: Reference,
    night: Profile,
    *,
    input_shift: float,
    minimum_rows: int,
    number: int | None = None,
    needed_nights: int = 0,
) -> Moved:
    """Measure how far each column of *night* is from the reference; what that means is for :meth:`Moved.judged` to say.

    Args:
        reference: What it is held against.
        night: The night's rows over the same edges.
        input_shift: The tolerated shift, in reference standard deviations.
        minimum_rows: With fewer rows in the night or the reference there is no answer.
        number: The night's number, as the reference has them; None takes all nights of the reference for alike.
        needed_nights: With fewer nights in the reference, or fewer days where these have several, there is no answer.

    Raises:
        DataError: PROFILE_EDGES.
    """
    require_same_edges(reference.total.edges, night.edges)
    names, needed = reference.edges.names, max(minimum_rows, 2)
    if min(night.rows, reference.total.rows) < needed:
        why = f"{night.rows} rows against {reference.total.rows} of the reference, {needed} needed in each"
        return Moved(names=names, rows=night.rows, why_not=why)
    usual = [night for night, rows in reference.by_column.rows.items() if rows >= minimum_rows]
    a_day = reference.nights_a_day
    days = len({night // a_day for night in usual})  # the hours of three days show nothing of a weekend
    if days < needed_nights:
        which = "nights" if a_day == 1 else "days"
        why = f"{days} {which} of the reference have {minimum_rows} rows, {needed_nights} needed to know how {which} differ"
        return Moved(names=names, rows=night.rows, why_not=why)
    chosen = season(usual, number, a_day)
    held = _held(reference, night, usual, chosen)
    return Moved(
        names=names,
        columns=measured_columns(held, chosen, input_shift),
        rows=night.rows,
        farthest=lambda places, level: farthest([held[place] for place in places], chosen, input_shift, level),
        against=_against(len(usual), chosen),
    )


def _held(reference: Reference, night: Profile, usual: Sequence[int], chosen: Season) -> list[HeldColumn]:
    held, stored = [], reference.by_column
    some = np.isin(list(stored.rows), usual)
    for edges in reference.edges.columns:
        nights = stored.counts[edges.name][some]
        before = nights[chosen.alike].sum(axis=0) if chosen.words else np.array(reference.total.counts[edges.name])
        held.append(HeldColumn(edges, before, np.array(night.counts[edges.name]), nights))
    return held


def _sentence(ordered: Sequence[ColumnDrift]) -> str:
    """Return what to say of the columns, of which the one that stands out most comes first."""
    moved = [column for column in ordered if column.state is SignalState.ALARM]
    if moved:
        more = f", and {len(moved) - _COLUMNS_NAMED} more" if len(moved) > _COLUMNS_NAMED else ""
        said = f"{len(moved)} of {len(ordered)} columns moved: {'; '.join(map(_figure, moved[:_COLUMNS_NAMED]))}{more}"
    else:
        said = f"none of {len(ordered)} columns moved; nearest: {_figure(ordered[0])}"
    listed = [column.column for column in ordered if column.beside and column.beside.listed and column not in moved]
    more = f" and {len(listed) - _COLUMNS_NAMED} more" if len(listed) > _COLUMNS_NAMED else ""
    return (
        f"{said}; to look at, with 5 % false ones among such (Benjamini-Hochberg): {', '.join(listed[:_COLUMNS_NAMED])}{more}"
        if listed
        else said
    )


def _muted(column: ColumnDrift) -> ColumnDrift:
    beside = column.beside.model_copy(update={"mute": True}) if column.beside else None
    return column.model_copy(update={"state": SignalState.INSUFFICIENT, "beside": beside})


def _of_mute(mute: int, columns: int, rows: int) -> str:
    verb, which = ("is", "it") if mute == 1 else ("are", "them")
    return f"; {mute} of {columns} columns {verb} mute: no night of {rows} rows could alarm in {which}" if mute else ""


def _out_of_reach(most: MeasuredColumn, level: float) -> str:
    """Say why no night could alarm, and what would be needed."""
    return (
        f"no night of {int(most.now.sum())} rows could alarm: {most.edges.name} PSI reaches {most.psi:.3g} nats at most, which "
        f"has a chance of {min(most.p_values):.2g} without drift, {level:.2g} would be needed, "
        "as so few nights of the reference cannot show how nights differ; "
        "a longer reference (of predictions and labels: evaluation.holdout) or more rows a night would tell"
    )


def _figure(column: ColumnDrift) -> str:
    allowed = f"{column.threshold:.3g} allowed" if column.threshold is not None else "constant"
    said = f"{column.column} PSI {column.psi:.3g} nats, {allowed}"
    beside = column.beside
    if beside and beside.unseen is not None and beside.unseen_allowed is not None and beside.unseen >= beside.unseen_allowed:
        said += f", {100 * beside.unseen:.2g} % never seen before, {100 * beside.unseen_allowed:.2g} % allowed"
    if column.state is SignalState.ALARM and beside and beside.parts:
        said += f" ({beside.parts[0]})"
    return said


def _outstanding(column: MeasuredColumn, plain: float | None) -> tuple[float, float]:
    """Return what puts the column that stands out most first."""
    return (min(column.p_values) if plain is None else 0.0, -column.psi)


def _against(nights: int, chosen: Season) -> str:
    if nights < FEW_NIGHTS:
        return f"; only {nights} reference nights, so how nights usually differ is not allowed for"
    return f"; held against {chosen.words}" if chosen.words else ""


@dataclass(frozen=True, slots=True)
class _Said:
    name: str
    kind: str
    rows: int

    def signal(self, state: SignalState, column: ColumnDrift | None, sentence: str) -> Signal:
        value, threshold = (column.psi, column.threshold) if column else (None, None)
        return Signal(name=self.name, kind=self.kind, state=state, value=value, threshold=threshold, n=self.rows, sentence=sentence)
