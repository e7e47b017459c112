"""Text as Markdown that shows it as it is: no markup, no HTML and no link comes of it."""

from __future__ import annotations

import re

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
"""What some renderers, or tables, do not let a backslash take the meaning of."""

_MARKUP = re.compile(r"[\\`*\[\]#~!]|(?<![^\W_])_|_(?![^\W_])")
"""Characters that can be markup. An underscore between letters is none."""

_LINKS = ((re.compile(r":(?=//)"), "&#58;"), (re.compile(r"\b(www)\.", re.IGNORECASE), r"\1&#46;"))
"""What is made a link without being marked as one."""


def escaped(value: str) -> str:
    r"""Return *value* as one line of Markdown. Whatever cannot be seen, such as a mark that turns the direction, becomes a space.

    Examples:
        >>> escaped("<b>wet_day</b> | *x*")
        '&lt;b&gt;wet_day&lt;/b&gt; &#124; \\*x\\*'
    """
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in value).split())
    plain = _MARKUP.sub(lambda found: f"\\{found[0]}", line)
    plain = re.sub(r"[&<>|]", lambda found: _ENTITIES[found[0]], plain)
    for pattern, written in _LINKS:
        plain = pattern.sub(written, plain)
    return plain
