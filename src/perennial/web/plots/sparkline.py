"""The champion's loss beside the baseline's over the last nights, in the space of a word."""

from __future__ import annotations

from markupsafe import Markup

from perennial.core.health import Sketch
from perennial.core.receipts import Role
from perennial.web.plots.scale import Scale, top
from perennial.web.plots.svg import element, line
from perennial.web.shown import figure

WIDTH, HEIGHT, _EDGE = 132, 30, 3
_SHOWN = {Role.BASELINE: "baseline", Role.CHAMPION: "loss"}


def sparkline(sketch: Sketch) -> Markup:
    """Return the plot; it says in words how the last night compares. Without a loss it is empty."""
    own = sketch.losses.get(Role.CHAMPION)
    if not own:
        return Markup("")
    starts = sketch.nights[Role.CHAMPION]
    across = Scale(starts[0], max(starts[-1], starts[0] + 1), _EDGE, WIDTH - _EDGE)
    up = Scale(0, top(loss for role in _SHOWN for loss in sketch.losses.get(role, ())), HEIGHT - _EDGE, _EDGE)
    paths = [_path(sketch, role, across, up) for role in _SHOWN if role in sketch.losses]
    dot = element("circle", class_="last", cx=across(starts[-1]), cy=up(own[-1]), r=2)
    trivial = sketch.losses.get(Role.BASELINE)
    said = f"Loss {figure(own[-1])}" + (f", baseline {figure(trivial[-1])}" if trivial else "")
    return element(
        "svg", *paths, dot, class_="spark", viewBox=f"0 0 {WIDTH} {HEIGHT}", width=WIDTH, height=HEIGHT, role="img", aria_label=said
    )


def _path(sketch: Sketch, role: Role, across: Scale, up: Scale) -> Markup:
    places = zip(sketch.nights[role], sketch.losses[role], strict=True)
    inside = ((across(start), up(loss)) for start, loss in places if across.low <= start <= across.high)
    return element("path", class_=_SHOWN[role], d=line(inside))
