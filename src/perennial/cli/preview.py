"""What a look at an earlier champion showed, as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.cli.comparing import show_comparison
from perennial.cli.console import cell_text, say, table

if TYPE_CHECKING:
    from perennial.steps.preview import Preview


def show(seen: Preview) -> None:
    """Print where the predictions of both versions lie, how they compare on labelled rows, and what could not be looked at."""
    tried = seen.tried
    if tried.interval is not None:
        rows = [(name, _what(name, seen), *_figures(name, seen)) for name in tried.predictions]
        columns = ("version", "what", "rows", "mean", "deviation", "lowest", "highest")
        table(f"predictions, {cell_text(tried.interval)}", columns, rows)
    if seen.comparison is not None and seen.present is not None:
        say("")
        show_comparison(seen.comparison, seen.version, seen.present)
    for remark in (*tried.remarks, *seen.remarks):
        say(remark)


def _what(name: str, seen: Preview) -> str:
    return "to go back to" if name == seen.version else "present champion"


def _figures(name: str, seen: Preview) -> tuple[object, ...]:
    found = seen.tried.predictions[name]
    return (found.rows, found.mean, found.deviation, found.low, found.high)
