"""One sentence about the settings of a definition, by what they would have done."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from perennial.monitoring.counting.binning import FEW_NIGHTS

if TYPE_CHECKING:
    from perennial.definition.models import Definition
    from perennial.steps.calibrate import Calibration, Tried

_OFTEN = 12.0
"""So many alarms a year are one a month: too many to look at each."""


def recommended(definition: Definition, found: Calibration) -> str:
    """Return what to do about the settings."""
    if found.nights < FEW_NIGHTS:
        return f"Gather more nights: {found.nights} were counted under a champion, {FEW_NIGHTS} are needed to say anything."
    own, budget = found.settings[-1 if definition.monitoring.threshold is None else 1], found.settings[0]
    if definition.monitoring.threshold is not None:
        return _threshold(definition, own, budget)
    wanted = definition.monitoring.false_alarms_per_year
    if budget.at_least > wanted:
        alarms = f"nights without drift alarm {budget.without_drift:.1f} times a year, {wanted:g} are wanted"
        return f"Raise monitoring.tolerance.input_shift: {alarms}."
    if budget.as_they_were > _OFTEN and "drift" in definition.retraining.causes:
        return (
            f"Take drift out of retraining.causes: inputs alarmed {budget.as_they_were:.0f} times a year, "
            f"{budget.without_drift:.1f} times without drift, so they move for reasons of their own."
        )
    return f"Keep the budget: {_compared(budget, own)}{_seen(found)}."


def _threshold(definition: Definition, own: Tried, budget: Tried) -> str:
    wanted = definition.monitoring.false_alarms_per_year
    if own.without_drift <= wanted and own.as_they_were <= budget.as_they_were:
        return f"Keep the threshold, {own.setting}: {_compared(own, budget)}."
    return f"Take monitoring.threshold out, so that the budget decides: {_compared(budget, own)}."


def _compared(one: Tried, other: Tried) -> str:
    return (
        f"without drift it alarms {one.without_drift:.1f} times a year, where {_name(other)} does {other.without_drift:.1f} times"
    )


def _name(setting: Tried) -> str:
    return "the budget" if setting.setting == "budget" else setting.setting


def _seen(found: Calibration) -> str:
    shifts = [one.shift["budget"] for one in found.shifts]
    if not shifts:
        return ""
    middle = median(float("inf") if shift is None else shift for shift in shifts)
    said = "of more than 4" if middle == float("inf") else f"of {middle:.2f}"
    return f", and half of the columns show a shift {said} standard deviations"
