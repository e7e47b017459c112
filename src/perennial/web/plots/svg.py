"""The little SVG that the plots are made of. Whatever stands in an attribute or a text is text, never markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from markupsafe import Markup, escape


def element(name: str, *children: str, **attributes: object) -> Markup:
    """Return an element. A trailing underscore of an attribute's name is dropped, another one is a hyphen.

    Examples:
        >>> str(element("text", "a < b", class_="tick", x=1.25))
        '<text class="tick" x="1.25">a &lt; b</text>'
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_said(value)}"' for key, value in attributes.items() if value is not None
    )
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{name}{said}>{inner}</{name}>") if inner else Markup(f"<{name}{said}/>")  # noqa: S704 - all of it is escaped


def joined(parts: Iterable[str]) -> Markup:
    """Return *parts*, each of which is escaped unless it is markup, after one another."""
    return Markup("").join(parts)


def number(value: float) -> str:
    """Return a coordinate with a tenth of a unit.

    Examples:
        >>> number(12.04), number(3.0)
        ('12.0', '3.0')
    """
    return f"{value:.1f}"


def line(points: Iterable[tuple[float, float | None]], *, alone: float = 0.0) -> str:
    """Return the path through *points*; where one has no height, the line is interrupted.

    Args:
        points: Across and up.
        alone: How far the line reaches to each side of a point without neighbours, which would else not be seen.

    Examples:
        >>> line([(0, 1), (1, None), (2, 3), (3, 4)])
        'M0.0 1.0M2.0 3.0L3.0 4.0'
        >>> line([(0, 1), (1, None), (2, 3), (3, 4)], alone=0.5)
        'M-0.5 1.0H0.5M2.0 3.0L3.0 4.0'
    """
    return "".join(_stroke(part, alone) for part in _parts(points))


def _parts(points: Iterable[tuple[float, float | None]]) -> Iterator[list[tuple[float, float]]]:
    """Yield the points in a row that have a height."""
    for known, part in groupby(points, key=lambda point: point[1] is not None):
        if known:
            yield [(x, y) for x, y in part if y is not None]


def _stroke(part: list[tuple[float, float]], alone: float) -> str:
    (x, y), *others = part
    if alone and not others:
        return f"M{number(x - alone)} {number(y)}H{number(x + alone)}"
    return f"M{number(x)} {number(y)}" + "".join(f"L{number(x)} {number(y)}" for x, y in others)


def _said(value: object) -> str:
    return number(value) if isinstance(value, float) and abs(value) >= 10 else str(escape(value))  # noqa: PLR2004 - short ones are exact
