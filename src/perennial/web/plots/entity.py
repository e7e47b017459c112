"""The predictions of one entity as a line, and the labels as dots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from markupsafe import Markup

from perennial.core.health import Foretold
from perennial.web.plots.calendar import date_axis
from perennial.web.plots.scale import Scale, ticks
from perennial.web.plots.svg import element, line, number
from perennial.web.shown import figure
from perennial.web.views.predictions import Predictions

WIDTH, HEIGHT = 960, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 950, 12, 226
_GAP = 3.0
"""Where two events are further apart than so many times the usual distance, the line is interrupted."""


def entity_plot(found: Predictions) -> Markup:
    """Return the plot; empty where nothing was predicted."""
    rows = found.rows
    if not rows:
        return Markup("")
    values = [value for row in rows for value in (row.prediction, row.low, row.high, row.label) if value is not None]
    low, high = min(values), max(values)
    across = Scale(rows[0].event_at.timestamp(), rows[-1].event_at.timestamp(), _LEFT, _RIGHT)
    up = Scale(min(low, 0.0), high if high > min(low, 0.0) else min(low, 0.0) + 1, _BOTTOM, _TOP)
    labelled = [row for row in rows if row.label is not None]
    return element(
        "svg",
        element("title", "Predictions and labels"),
        *(element("path", class_="grid", d=f"M{_LEFT} {number(up(value))}H{_RIGHT}") for value in ticks(up.low, up.high)),
        *(_tick(figure(value), up(value) + 3.5) for value in ticks(up.low, up.high)),
        *date_axis(rows[0].event_at, rows[-1].event_at, across, HEIGHT - 12),
        element("path", class_="between", d=_between(rows, across, up)),
        element("path", class_="foretold", d=line(_broken(rows, across, up))),
        element(
            "path", class_="labels", d="".join(_dot(across(row.event_at.timestamp()), up(row.label or 0.0)) for row in labelled)
        ),
        class_="entity",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"{len(rows)} predictions from {figure(low)} to {figure(high)}, {len(labelled)} with a label; see the table",
    )


def _tick(said: str, y: float) -> Markup:
    return element("text", said, class_="tick", x=_LEFT - 6, y=y, text_anchor="end")


def _between(rows: Sequence[Foretold], across: Scale, up: Scale) -> str:
    """Return the area between the ends of the predictions' intervals, where the model gives them."""
    known = [(across(row.event_at.timestamp()), row.low, row.high) for row in rows if row.low is not None and row.high is not None]
    if not known:
        return ""
    over = [(x, up(high)) for x, _, high in known]
    under = [(x, up(low)) for x, low, _ in reversed(known)]
    return line([*over, *under]) + "z"


def _broken(rows: Sequence[Foretold], across: Scale, up: Scale) -> Iterable[tuple[float, float | None]]:
    """Yield the places of the predictions, with a break where events are missing."""
    steps = sorted((later.event_at - earlier.event_at).total_seconds() for earlier, later in pairwise(rows))
    usual = steps[len(steps) // 2] if steps else 0.0
    before: float | None = None
    for row in rows:
        at = row.event_at.timestamp()
        if before is not None and at - before > _GAP * usual:
            yield across(at), None
        yield across(at), up(row.prediction)
        before = at


def _dot(x: float, y: float) -> str:
    return f"M{number(x - 1.8)} {number(y)}a1.8 1.8 0 1 0 3.6 0a1.8 1.8 0 1 0 -3.6 0"
