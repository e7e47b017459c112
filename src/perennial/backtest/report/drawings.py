"""The figures of a backtest's report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.backtest.report.canvas import ACCENT, INK, QUIET, WARN
from perennial.core.receipts import Action

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perennial.backtest.findings import Findings, Timeline
    from perennial.core.receipts import Estimate

_SMOOTHED = 7
_SECONDS_A_DAY = 86_400


def pareto(found: Findings, figure: Figure) -> None:
    """Draw the loss of each policy against its retrainings, with its interval."""
    axes = figure.subplots()
    for one in found.policies:
        colour = ACCENT if one.pareto else QUIET
        axes.errorbar([one.retrainings], [one.loss.value], yerr=_bars([one.loss]), fmt="o", color=colour, capsize=2, lw=1)
        axes.annotate(one.policy.name, (one.retrainings, one.loss.value), xytext=(5, 4), textcoords="offset points", fontsize=8)
    front = sorted((one.retrainings, one.loss.value) for one in found.policies if one.pareto)
    axes.step([x for x, _ in front], [y for _, y in front], where="post", color=ACCENT, lw=1)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlabel("retrainings")
    axes.set_ylabel(found.loss)
    axes.grid(axis="y", color="#e6e6e6", lw=0.5)


def staleness(found: Findings, figure: Figure) -> None:
    """Draw the loss by the age of what the champion knows, beside the freshest champion's on the same nights."""
    axes = figure.subplots()
    names = [f"over {one.youngest:g}" if one.oldest is None else f"{one.youngest:g} to {one.oldest:g}" for one in found.staleness]
    values = [one.beside_freshest.value for one in found.staleness]
    bars = _bars([one.beside_freshest for one in found.staleness])
    axes.errorbar(range(len(names)), values, yerr=bars, fmt="o-", color=ACCENT, capsize=3, lw=1)
    axes.axhline(1, color=QUIET, lw=0.8)
    axes.set_xticks(range(len(names)), names)
    axes.set_xlabel("age in days")
    axes.set_ylabel("times the freshest model's loss")
    axes.grid(axis="y", color="#e6e6e6", lw=0.5)


def timeline(line: Timeline, never: Timeline | None, figure: Figure) -> None:
    """Draw a policy's loss by night, its retrainings, its alarms and the nights that were at fault."""
    axes = figure.subplots()
    if never is not None and never.policy != line.policy:
        axes.plot(*_smoothed(never), color="#d5d5d5", lw=1.2)
    axes.plot(*_smoothed(line), color=INK, lw=1)
    for one in line.retrainings:
        axes.axvline(_day(one.at), color=ACCENT if one.promoted else QUIET, lw=0.8, ls="-" if one.promoted else ":")
    low = axes.get_ylim()[0]
    drifted = [night.interval.end for night in line.nights if any("drift" in kind for kind in night.alarms)]
    faulty = [night.interval.end for night in line.nights if night.action is Action.QUARANTINE or night.action is None]
    axes.plot(_days(drifted), [low] * len(drifted), "|", color="#8a6d00", ms=6, clip_on=False)
    axes.plot(_days(faulty), [low] * len(faulty), "x", color=WARN, ms=4, clip_on=False)
    axes.xaxis_date()
    _plain(axes)


def _smoothed(line: Timeline) -> tuple[Any, Any]:
    """Return days and the mean loss of the seven nights that end there."""
    nights = [night for night in line.nights if night.loss is not None]
    rows = np.array([night.labelled for night in nights], np.float64)
    losses = np.array([night.loss for night in nights], np.float64)
    if not nights:
        return [], []
    kernel = np.ones(min(_SMOOTHED, len(nights)))
    means = np.convolve(losses * rows, kernel, "valid") / np.convolve(rows, kernel, "valid")
    return _days([night.interval.end for night in nights])[len(kernel) - 1 :], means


def _day(at: Any) -> float:  # noqa: ANN401 - a datetime
    return float(at.timestamp()) / _SECONDS_A_DAY


def _days(moments: list[Any]) -> list[float]:
    return [_day(at) for at in moments]


def _bars(estimates: list[Estimate]) -> Any:  # noqa: ANN401 - shape (2, estimates), or None, as matplotlib takes it
    if any(one.low is None or one.high is None for one in estimates):
        return None
    return np.array([[one.value - (one.low or 0.0), (one.high or 0.0) - one.value] for one in estimates]).T


def _plain(axes: Axes) -> None:
    axes.tick_params(labelsize=8)
    axes.margins(x=0.01)
