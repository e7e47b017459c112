"""Figures with their intervals below one another on one scale: the roles of an evaluation, and its slices."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from perennial.core.receipts import Estimate
from perennial.web.plots.scale import Scale, ticks
from perennial.web.plots.svg import element
from perennial.web.shown import figure

Row = tuple[str, Mapping[str, Estimate]]
"""What a row is about, and its figures by role."""

_ROW, _TOP, _FOOT = 24, 8, 26
_APART, _HALF = 7, 2
_COLOURS = (
    "svg{background:#fff;font:11px sans-serif}text{fill:#4b5a70}.axis,.grid{stroke:#d5dbe3;fill:none}.range{stroke-width:2}"
    ".challenger{stroke:#3160c4;fill:#3160c4}.champion{stroke:#8e3fbd;fill:#8e3fbd}.baseline{stroke:#7b8798;fill:#7b8798}"
    "@media(prefers-color-scheme:dark){svg{background:#1b2233}text{fill:#b6c0ce}.axis,.grid{stroke:#3d475c}"
    ".challenger{stroke:#7fa8f5;fill:#7fa8f5}.champion{stroke:#c890ee;fill:#c890ee}.baseline{stroke:#98a2b3;fill:#98a2b3}}"
)
COLOURS_ALLOWED = f"'sha256-{base64.b64encode(hashlib.sha256(_COLOURS.encode()).digest()).decode()}'"
"""How a policy for contents allows the colours of a plot that stands alone, and no others."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things lie across: words end at *left*, figures begin at *right*."""

    width: int
    left: int
    right: int
    letters: int
    figures: bool


_ON_A_PAGE = _Layout(width=720, left=176, right=520, letters=26, figures=True)
_ALONE = _Layout(width=300, left=96, right=290, letters=14, figures=False)
"""Airflow shows a picture 300 pixels wide at most; the figures stand in a table below it."""


def estimates_plot(name: str, rows: Sequence[Row], *, alone: bool = False) -> Markup:
    """Return the plot, which is empty where no figure is finite.

    Args:
        name: What the figures are called.
        rows: What is shown, from the top. The first role of a row says its figure in words.
        alone: Whether it is a file of its own, which no style sheet of a page reaches.
    """
    ends = [end for _, marks in rows for one in marks.values() for end in (one.low, one.value, one.high)]
    known = [end for end in ends if end is not None and math.isfinite(end)]
    if not known:
        return Markup("")
    layout = _ALONE if alone else _ON_A_PAGE
    across, bottom = Scale(min(known), max(known), layout.left, layout.right), _TOP + _ROW * len(rows)
    return element(
        "svg",
        *([element("style", Markup(_COLOURS))] if alone else []),  # noqa: S704 - our own constant
        *_axis(across, bottom),
        *(part for place, row in enumerate(rows) for part in _row(row, across, layout, _TOP + _ROW * (place + 0.5))),
        class_="estimates",
        viewBox=f"0 0 {layout.width} {bottom + _FOOT}",
        role="img",
        aria_label=f"{name} with 95 % intervals: " + "; ".join(f"{about} {_words(marks)}" for about, marks in rows),
        **({"xmlns": "http://www.w3.org/2000/svg", "width": layout.width, "height": bottom + _FOOT} if alone else {}),
    )


def _axis(across: Scale, bottom: float) -> Iterator[Markup]:
    for value in ticks(across.low, across.high):
        yield element("path", class_="grid", d=f"M{across(value):.1f} {_TOP}V{bottom}")
        yield element("text", figure(value), class_="tick", x=across(value), y=bottom + 16, text_anchor="middle")
    yield element("path", class_="axis", d=f"M{across.start} {bottom}H{across.end}")


def _row(row: Row, across: Scale, layout: _Layout, middle: float) -> Iterator[Markup]:
    about, marks = row
    said = about if len(about) <= layout.letters else f"{about[: layout.letters - 1]}…"
    yield element("text", element("title", about), said, x=layout.left - 10, y=middle + 4, text_anchor="end")
    for place, (role, one) in enumerate(marks.items()):
        if not math.isfinite(one.value):
            continue
        y = middle + (place - (len(marks) - 1) / _HALF) * _APART
        low, high = (end if end is not None and math.isfinite(end) else one.value for end in (one.low, one.high))
        yield element("path", class_=f"range {role}", d=f"M{across(low):.1f} {y:.1f}H{across(high):.1f}")
        yield element("circle", element("title", f"{role}: {_said(one)}"), class_=role, cx=across(one.value), cy=y, r=3.5)
    if layout.figures:
        yield element("text", _words(marks), x=layout.right + 12, y=middle + 4)


def _words(marks: Mapping[str, Estimate]) -> str:
    """Return the one figure with its interval, or several beside each other without."""
    if len(marks) == 1:
        return _said(next(iter(marks.values())))
    return " beside ".join(figure(one.value) for one in marks.values())


def _said(one: Estimate) -> str:
    interval = f" ({figure(one.low)} to {figure(one.high)})" if one.low is not None and one.high is not None else ""
    return f"{figure(one.value)}{interval}"
