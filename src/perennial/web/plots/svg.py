"""The little SVG that the plots are made of. Whatever stands in an attribute or a text is text, never markup."""

from __future__ import annotations

from collections.abc import Iterable

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


def line(points: Iterable[tuple[float, float | None]]) -> str:
    """Return the path through *points*; where one has no height, the line is interrupted.

    Examples:
        >>> line([(0, 1), (1, None), (2, 3), (3, 4)])
        'M0.0 1.0M2.0 3.0L3.0 4.0'
    """
    parts, pen = [], "M"
    for x, y in points:
        if y is None:
            pen = "M"
            continue
        parts.append(f"{pen}{number(x)} {number(y)}")
        pen = "L"
    return "".join(parts)


def _said(value: object) -> str:
    return number(value) if isinstance(value, float) and abs(value) >= 10 else str(escape(value))  # noqa: PLR2004 - short ones are exact
