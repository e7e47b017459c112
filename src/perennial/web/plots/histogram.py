"""A column of a night beside what its champion was trained on, over the same bins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from perennial.web.plots.scale import Scale, top
from perennial.web.plots.svg import element, number
from perennial.web.shown import share
from perennial.web.views.columns import Bin

WIDTH, HEIGHT = 420, 150
_TOP, _BOTTOM, _LEFT, _RIGHT = 8, 118, 6, 414
_GAP = 0.8
"""Between the range and what stands apart of it, in bins."""
_LETTERS = 11


def histogram_plot(column: str, bins: Sequence[Bin]) -> Markup:
    """Return the plot: a pale bar for the reference, a narrower strong one for the night, each bin as wide as every other.

    Bins of quantiles have about as many rows of the reference each, so what moved stands out.
    """
    ranged = sum(not one.apart for one in bins)
    slots = max(len(bins) + (_GAP if 0 < ranged < len(bins) else 0.0), 1.0)
    across = Scale(0, slots, _LEFT, _RIGHT)
    up = Scale(0, top(max(one.before, one.now) for one in bins), _BOTTOM, _TOP)
    width = across(1) - across(0)
    places = [across(place + (_GAP if one.apart and ranged else 0.0)) for place, one in enumerate(bins)]
    return element(
        "svg",
        element("title", f"{column}: share of rows by bin, before and now"),
        element("path", class_="before", d=_bars(places, [up(one.before) for one in bins], width, 0.06)),
        element("path", class_="now", d=_bars(places, [up(one.now) for one in bins], width, 0.26)),
        element("path", class_="axis", d=f"M{_LEFT} {_BOTTOM}H{_RIGHT}"),
        *_labels(bins, places, width),
        *_zones(bins, places, width),
        class_="histogram",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=_words(column, bins),
    )


def _bars(places: Sequence[float], tops: Sequence[float], width: float, inset: float) -> str:
    boxes = (
        f"M{number(x + width * inset)} {_BOTTOM}V{number(y)}h{number(width * (1 - 2 * inset))}V{_BOTTOM}z"
        for x, y in zip(places, tops, strict=True)
        if y < _BOTTOM
    )
    return "".join(boxes)


def _labels(bins: Sequence[Bin], places: Sequence[float], width: float) -> Iterator[Markup]:
    """Yield the words below: all of a few bins, else the ends of the range; and all that stand apart, two lines deep."""
    ranged = [place for place, one in enumerate(bins) if not one.apart]
    shown = ranged if len(ranged) * 46 <= _RIGHT - _LEFT else ranged[:: max(len(ranged) // 4, 1)]
    for turn, place in enumerate([*shown, *(place for place, one in enumerate(bins) if one.apart)]):
        one = bins[place]
        words = one.holds if one.apart or len(shown) == len(ranged) else one.holds.partition(" to ")[0]
        said = words if len(words) <= _LETTERS else f"{words[: _LETTERS - 1]}…"
        low = one.apart and turn % 2
        yield element(
            "text", said, class_="tick", x=places[place] + width / 2, y=_BOTTOM + (26 if low else 14), text_anchor="middle"
        )


def _zones(bins: Sequence[Bin], places: Sequence[float], width: float) -> Iterator[Markup]:
    for one, x in zip(bins, places, strict=True):
        said = f"{one.holds}\nbefore {share(one.before)}, now {share(one.now)}"
        yield element("rect", element("title", said), class_="zone", x=x, y=_TOP, width=width, height=_BOTTOM - _TOP)


def _words(column: str, bins: Sequence[Bin]) -> str:
    moved = sorted(bins, key=lambda one: -abs(one.now - one.before))[:3]
    return f"{column}. Moved most: " + "; ".join(f"{one.holds}, {share(one.before)} before, {share(one.now)} now" for one in moved)
