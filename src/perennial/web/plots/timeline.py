"""The nights of a model: loss beside what was evaluated, decisions, labels, promotions and requests over one axis of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from perennial.core.health import Night
from perennial.core.interval import Interval
from perennial.core.receipts import Action
from perennial.web.plots.calendar import date_axis
from perennial.web.plots.scale import Scale, ticks, top
from perennial.web.plots.svg import element, line, number
from perennial.web.shown import figure, first, share, span
from perennial.web.views.timeline import Reign, Timeline

WIDTH, HEIGHT = 960, 330
_LEFT, _RIGHT = 52, 950
_TOP, _BOTTOM = 34, 222
_MARKS, _MARK = 236, 14
_BARS, _BAR = 264, 34
_AXIS = 316
_HEADROOM = 1.08
_FEWEST = 7
"""Nights that there is room for where fewer are known: one alone is a column, not the whole plot."""
_CUT = 120
"""Characters of a decision's sentence that the pointer finds; the page of the night has all of it."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where moments and losses lie."""

    across: Scale
    up: Scale
    half: float
    within: Interval

    def x(self, at: datetime) -> float:
        return self.across(at.timestamp())

    def middle(self, night: Night) -> float:
        return self.x(night.interval.start) + self.half


def timeline_plot(found: Timeline, nights: str | None = None) -> Markup:
    """Return the plot of *found*. *nights* is the address of a night's page, up to when it starts."""
    frame = _frame(found)
    drawn = element(
        "g",
        element("title", f"{found.loss or 'Loss'} by night, with decisions, labels, promotions and retrain requests"),
        *_axes(found, frame),
        *_reigns(found.reigns, frame),
        *_losses(found.nights, frame),
        *_requests(found, frame),
        *_marks(found.nights, frame),
        *_bars(found.nights, frame),
        role="img",
        aria_label=_words(found),
    )
    pointed = element("g", _nights(found.nights, frame, nights), aria_hidden="true")  # a picture holds no links; the table has them
    return element("svg", drawn, pointed, class_="timeline", viewBox=f"0 0 {WIDTH} {HEIGHT}")


def _frame(found: Timeline) -> _Frame:
    within = _known(found)
    start, end = within.start.timestamp(), within.end.timestamp()
    across = Scale(start, end, _LEFT, _RIGHT)
    length = found.nights[0].interval.length.total_seconds() if found.nights else 0.0
    up = Scale(0, top(_heights(found)) * _HEADROOM, _BOTTOM, _TOP)
    return _Frame(across, up, (across(start + length) - across(start)) / 2, within)


def _known(found: Timeline) -> Interval:
    """Return what is looked at, without the time before anything was known of the model."""
    if not found.nights:
        return found.within
    begun = [found.nights[0].interval.start, *(row.at for row in found.requests)]
    begun += [reign.promotion.effective_from for reign in found.reigns]
    earliest = min(*begun, found.within.end - _FEWEST * found.nights[0].interval.length)
    return Interval(max(earliest, found.within.start), found.within.end)


def _heights(found: Timeline) -> list[float]:
    values = (
        *(one.loss for one in found.nights),
        *(one.baseline for one in found.nights),
        *(one.tolerated for one in found.reigns),
    )
    return [value for value in values if value is not None]


def _axes(found: Timeline, frame: _Frame) -> Iterator[Markup]:
    yield from date_axis(frame.within.start, frame.within.end, frame.across, _AXIS)
    if not _heights(found):
        middle = {"x": (_LEFT + _RIGHT) / 2, "y": (_TOP + _BOTTOM) / 2, "text_anchor": "middle"}
        yield element("text", "No loss is known yet: it is measured when labels come." if found.nights else "No nights.", **middle)
        return
    for value in ticks(0, frame.up.high):
        y = frame.up(value)
        yield element("path", class_="grid", d=f"M{_LEFT} {number(y)}H{_RIGHT}")
        yield element("text", figure(value), class_="tick", x=_LEFT - 6, y=y + 3.5, text_anchor="end")


def _reigns(reigns: Iterable[Reign], frame: _Frame) -> Iterator[Markup]:
    edge = 0.0
    for reign in reigns:
        x, until = max(frame.x(reign.promotion.effective_from), _LEFT), min(frame.x(reign.until), _RIGHT)
        if reign.evaluated is not None and reign.tolerated is not None:
            low, high = frame.up(reign.evaluated), frame.up(reign.tolerated)
            yield element("rect", class_="tolerated", x=x, y=high, width=until - x, height=max(low - high, 0.0))
            yield element("path", class_="evaluated", d=f"M{number(x)} {number(low)}H{number(until)}")
        if frame.x(reign.promotion.effective_from) >= _LEFT:
            kind = reign.promotion.kind.value
            yield element("path", class_=f"promotion {kind}", d=f"M{number(x)} {_TOP - 8}V{_BOTTOM}")
            if x >= edge:
                yield element("text", f"{reign.promotion.epoch}", class_="epoch", x=x, y=_TOP - 13, text_anchor="middle")
                edge = x + 16


def _losses(points: Iterable[Night], frame: _Frame) -> Iterator[Markup]:
    drawn = [point for point in points if point.loss is not None]
    levels = ((frame.middle(one), _up(one.baseline, frame)) for one in points)
    yield element("path", class_="baseline", d=line(levels, alone=frame.half))
    ranges = (
        f"M{number(frame.middle(one))} {number(frame.up(one.low))}V{number(max(frame.up(one.high), _TOP - 6))}"
        for one in drawn
        if one.low is not None and one.high is not None
    )
    yield element("path", class_="range", d="".join(ranges))
    yield element("path", class_="loss", d=line((frame.middle(one), _up(one.loss, frame)) for one in points))
    radius = 2.4 if len(drawn) <= 150 else 1.4  # noqa: PLR2004 - beyond that the dots would touch
    for whole in (True, False):
        dots = (one for one in drawn if (one.labelled >= one.predicted) is whole)
        d = "".join(_dot(frame.middle(one), frame.up(one.loss or 0.0), radius) for one in dots)
        if d:
            yield element("path", class_="dots" if whole else "dots partly", d=d)


def _requests(found: Timeline, frame: _Frame) -> Iterator[Markup]:
    d = "".join(f"M{number(frame.x(row.at))} {_BOTTOM}l-4 7h8z" for row in found.requests)
    if d:
        yield element("path", class_="request", d=d)


def _marks(points: Iterable[Night], frame: _Frame) -> Iterator[Markup]:
    """Yield the strip of decisions: one path for each action."""
    width = max(frame.half * 2 - 1, 1.2)
    for action in Action:
        d = "".join(_box(frame.x(one.interval.start), _MARKS, width, _MARK) for one in points if one.action is action)
        if d:
            yield element("path", class_=f"mark {action.value}", d=d)


def _bars(points: Iterable[Night], frame: _Frame) -> Iterator[Markup]:
    """Yield how many rows were predicted, and how many of them have a label."""
    rows = Scale(0, top(float(one.predicted) for one in points), 0, _BAR)
    width = max(frame.half * 2 - 1, 1.2)
    for name in ("predicted", "labelled"):
        heights = ((one, rows(float(getattr(one, name)))) for one in points)
        d = "".join(_box(frame.x(one.interval.start), _BARS + _BAR - high, width, high) for one, high in heights if high > 0)
        yield element("path", class_=f"bar {name}", d=d)


def _nights(points: Iterable[Night], frame: _Frame, nights: str | None) -> Markup:
    """Return what the pointer finds: each night in words, and where it leads to. There are many, so this is done by hand."""
    width, lead = number(max(frame.half * 2, 1.0)), escape(nights or "")
    zones = []
    for point in points:
        start = point.interval.start
        box = f'class="night" x="{number(frame.x(start))}" y="{_TOP - 8}" width="{width}" height="{_BARS + _BAR - _TOP + 8}"'
        zone = f"<rect {box}><title>{escape(_said(point))}</title></rect>"
        leads = nights is not None and point.decision is not None
        zones.append(f'<a href="{lead}{start:%Y-%m-%dT%H:%M:%SZ}" tabindex="-1">{zone}</a>' if leads else zone)
    return Markup("".join(zones))  # noqa: S704 - what is not made here is escaped


def _said(night: Night) -> str:
    lines = [span(night.interval)]
    if night.action:
        lines.append(f"{night.action}: {first(night.sentence, _CUT)}")
    if night.loss is not None:
        between = f" ({figure(night.low)} to {figure(night.high)})" if night.low is not None else ""
        lines.append(f"loss {figure(night.loss)}{between}")
    if night.baseline is not None:
        lines.append(f"baseline {figure(night.baseline)}")
    if night.predicted:
        lines.append(f"{night.labelled} of {night.predicted} predictions have a label")
    return "\n".join(lines)


def _words(found: Timeline) -> str:
    """Return the plot in a sentence or two, for who cannot see it; the table of nights has all of it."""
    points = found.nights
    losses = [one.loss for one in points if one.loss is not None]
    actions = {action: sum(one.action is action for one in points) for action in Action}
    acted = ", ".join(f"{number_} {action}" for action, number_ in actions.items() if number_)
    labels = sum(one.labelled for one in points), sum(one.predicted for one in points)
    told = f"{len(points)} nights: {acted or 'no decisions'}."
    if losses:
        told += f" Loss {figure(min(losses))} to {figure(max(losses))}, last {figure(losses[-1])}."
    if labels[1]:
        told += f" Labels for {share(labels[0] / labels[1])} of the predictions."
    return f"{told} {len(found.reigns)} champions, {len(found.requests)} retrain requests."


def _up(value: float | None, frame: _Frame) -> float | None:
    return None if value is None else max(frame.up(value), _TOP - 6)


def _dot(x: float, y: float, radius: float) -> str:
    arc = f"a{radius} {radius} 0 1 0"
    return f"M{number(x - radius)} {number(max(y, _TOP - 6))}{arc} {2 * radius} 0{arc} {-2 * radius} 0"


def _box(x: float, y: float, width: float, height: float) -> str:
    return f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h{number(-width)}z"
