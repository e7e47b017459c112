"""A figure of matplotlib as the text of an SVG that stands in a page."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import TYPE_CHECKING

from perennial.core.codes import Code
from perennial.core.errors import RejectedError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, QUIET, ACCENT, WARN = "#1b1b1b", "#9a9a9a", "#0b6e99", "#b3261e"
_STYLE = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, and the file is small
    "svg.hashsalt": "perennial",  # the same figure gives the same bytes
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def svg(draw: Callable[[Figure], None], *, width: float, height: float, title: str) -> str:
    """Return what *draw* draws as an SVG element.

    Args:
        draw: Draws on a figure.
        width: Of the figure, in inches.
        height: Of the figure, in inches.
        title: What it shows, for who does not see it.

    Raises:
        RejectedError: SETTING_MISSING, matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context  # noqa: PLC0415 - an extra, and half a second
        from matplotlib.figure import Figure  # noqa: PLC0415 - the same
    except ImportError as error:
        fix = "pip install 'perennial-ml[report]'"
        raise RejectedError(Code.SETTING_MISSING, "needs matplotlib, which is not installed", where="report", fix=fix) from error
    out = StringIO()
    with rc_context(_STYLE):  # type: ignore[arg-type]  # its keys are a Literal of all settings
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        figure.savefig(out, format="svg", metadata={"Date": None, "Title": title})
    text = out.getvalue()
    return text[text.index("<svg") :].replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
