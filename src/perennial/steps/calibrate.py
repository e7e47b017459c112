"""calibrate: what the settings of a definition, and plain thresholds, would have done on the model's own past nights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from perennial.core.receipts import Measurement, Receipt
from perennial.monitoring.counting.edges import NumericEdges
from perennial.monitoring.shift.many_nights import Figures
from perennial.monitoring.shift.settings_tried import Setting, figures_by_column, shuffled, smallest_shift
from perennial.steps.measuring.budget import budget, nights_per_year
from perennial.steps.measuring.decay_delay import ExpectedDelay, expected_delays
from perennial.steps.measuring.past_nights import Reign, reigns, standing_measurements
from perennial.steps.measuring.raised import Raised, raised

if TYPE_CHECKING:
    from datetime import timedelta

    from perennial.definition.models import Definition
    from perennial.ports import Stores

PLAIN = (0.1, 0.2, 0.25)
"""Thresholds of PSI that are in common use."""

_DEALS = 30_000
"""About so many columns of dealt nights are looked at; more of them would take more seconds."""

_MOST_TIMES = 20
_CERTAINTY = 0.95


class Tried(Receipt):
    """What one setting would have done, in nights with an alarm a year.

    *as_they_were*: each night held against the reference of its champion. *without_drift*: nights dealt at random, so that every
    alarm is a false one, told from *dealt* nights; in truth it is at least *at_least*, and at most *at_most*, each with 95 %
    certainty.
    """

    setting: str
    as_they_were: float
    without_drift: float
    at_least: float
    at_most: float
    dealt: int


class Seen(Receipt):
    """The smallest shift of a column, in standard deviations, on which each setting alarms on four of five nights; None above 4."""

    column: str
    shift: dict[str, float | None]


class Calibration(Receipt):
    """What the settings would have done on past nights, and what that says about them.

    *tests* is how many share the budget of a night. *settings* are about the columns of the inputs; *raised* is about every signal,
    as it was measured then, and all of them together, which *allowed* false alarms a year are for.
    """

    model: str
    segment: str
    nights: int
    champions: int
    columns: int
    tests: int
    allowed: float
    raised: tuple[Raised, ...]
    settings: tuple[Tried, ...]
    shifts: tuple[Seen, ...]
    delays: tuple[ExpectedDelay, ...]


def calibrate(definition: Definition, segment: str, stores: Stores) -> Calibration:
    """Try the settings on the nights that were measured. Only counts are read, no row and no source; nothing is written.

    Raises:
        ArtifactError: Counts or a reference are lost, or not what was stored.
    """
    measurements = standing_measurements(definition, segment, stores)
    found = reigns(definition, stores, measurements)
    length = measurements[-1].interval.length if measurements else None
    per_year = nights_per_year(length) if length else 0.0
    tests = _tests(definition, found[-1], measurements) if found else 0
    settings = _settings(definition, length, tests) if found and length else {}
    return Calibration(
        model=definition.name,
        segment=segment,
        nights=sum(len(reign.nights.days) for reign in found),
        champions=len(found),
        columns=len(found[-1].reference.edges.columns) if found else 0,
        tests=tests,
        allowed=definition.monitoring.false_alarms_per_year,
        raised=raised(definition, measurements, per_year),
        settings=tuple(_tried(definition, found, settings, per_year)),
        shifts=tuple(_seen(definition, found[-1], settings)) if found else (),
        delays=tuple(expected_delays(definition, stores, measurements)),
    )


def _settings(definition: Definition, length: timedelta, tests: int) -> dict[str, Setting]:
    """Return the settings to try by name, the definition's own first."""
    monitoring = definition.monitoring
    level = budget(definition, length, None).movements / tests
    own = monitoring.threshold.psi if monitoring.threshold else None
    plain = [*([own] if own is not None else []), *(psi for psi in PLAIN if psi != own)]
    return {"budget": Setting(level=level)} | {f"PSI {psi:g}": Setting(psi=psi) for psi in plain}


def _tests(definition: Definition, reign: Reign, measurements: Sequence[Measurement]) -> int:
    """Return how many tests share a night's budget: of each column, of predictions and labels, of all columns together."""
    columns = reign.reference.edges.columns
    own = sum(1 if isinstance(edges, NumericEdges) else 2 for edges in columns)
    others = len(measurements[-1].drift) - len(columns) if measurements[-1].drift else 0
    return own + max(others, 0) + definition.monitoring.multivariate


def _tried(definition: Definition, found: Sequence[Reign], settings: Mapping[str, Setting], per_year: float) -> list[Tried]:
    shift = definition.monitoring.tolerance.input_shift
    were = [figures_by_column(reign.reference.edges.columns, reign.against, reign.nights, shift) for reign in found]
    dealt = _dealt(definition, found)
    return [_counted(name, setting, were, dealt, per_year) for name, setting in settings.items()]


def _dealt(definition: Definition, found: Sequence[Reign]) -> list[dict[str, Figures]]:
    """Return figures of nights that were dealt anew, from each champion's nights in turn, until there are enough."""
    rng = np.random.default_rng(definition.estimator.seed)
    work = sum(len(reign.nights.days) * len(reign.reference.edges.columns) for reign in found)
    times = max(1, _DEALS // max(work, 1))
    return [
        figures_by_column(
            reign.reference.edges.columns, *shuffled(reign.against, reign.nights, rng), definition.monitoring.tolerance.input_shift
        )
        for _ in range(min(times, _MOST_TIMES))
        for reign in found
    ]


def _counted(
    name: str, setting: Setting, were: Sequence[Mapping[str, Figures]], dealt: Sequence[Mapping[str, Figures]], per_year: float
) -> Tried:
    (raised, nights), (false, others) = _alarmed(setting, were), _alarmed(setting, dealt)
    return Tried(
        setting=name,
        as_they_were=per_year * raised / nights,
        without_drift=per_year * false / others,
        at_least=per_year * float(stats.gamma.ppf(1 - _CERTAINTY, false)) / others if false else 0.0,
        at_most=per_year * float(stats.gamma.ppf(_CERTAINTY, false + 1)) / others,
        dealt=others,
    )


def _alarmed(setting: Setting, groups: Sequence[Mapping[str, Figures]]) -> tuple[int, int]:
    """Return the nights with an alarm of any column, and all nights."""
    nights = [np.any([setting.alarms(column) for column in group.values()], axis=0) for group in groups if group]
    return int(sum(night.sum() for night in nights)), max(sum(night.size for night in nights), 1)


def _seen(definition: Definition, reign: Reign, settings: Mapping[str, Setting]) -> list[Seen]:
    against, nights = shuffled(reign.against, reign.nights, np.random.default_rng(definition.estimator.seed))
    found = []
    for edges in reign.reference.edges.columns:
        moments = reign.reference.moments.get(edges.name)
        if isinstance(edges, NumericEdges) and moments and moments.deviation:
            shift = definition.monitoring.tolerance.input_shift
            found.append(Seen(column=edges.name, shift=smallest_shift(edges, moments.deviation, against, nights, shift, settings)))
    return found
