"""What a person, or a program with ``--json``, gets to see."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perennial.core.interval import Interval, iso

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
WIDTH = 100
"""Columns of a table where nobody says how wide it may be, such as in a pipe."""

_GAP = 3
_NARROWEST = 20
_SPACES = "\n\t\u00a0"


def say(line: str) -> None:
    """Print one line of text."""
    typer.echo(visible(line))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, cut: bool = False) -> None:
    """Print a table. Cells are text; what looks like markup in them stays text.

    Args:
        title: What stands above.
        columns: The names of the columns.
        rows: Cells, as many as there are columns.
        cut: Keep each row on one line, by cutting what the last column says.
    """
    shown = [[visible(cell_text(value)) for value in row] for row in rows]
    width = shutil.get_terminal_size((WIDTH, 0)).columns
    console = Console(width=width, highlight=False)
    drawn = Table(header_style="bold", show_edge=False, pad_edge=False)
    for name in columns[: -1 if cut else None]:
        drawn.add_column(name, overflow="fold")
    if cut:
        drawn.add_column(columns[-1], no_wrap=True, overflow="ellipsis", max_width=_rest(columns, shown, width))
    for cells in shown:
        drawn.add_row(*(Text(cell) for cell in cells))
    with console.capture() as capture:
        console.print(Text(visible(title), style="bold"), drawn, sep="\n")
    typer.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


def fields(receipt: BaseModel) -> list[tuple[str, object]]:
    """Return a receipt's fields as rows of a table."""
    return [(name, getattr(receipt, name)) for name in type(receipt).model_fields]


def cell_text(value: object) -> str:
    """Return a value as a cell shows it.

    Examples:
        >>> cell_text(None), cell_text(0.123456), cell_text(Interval.parse("2024-05-31/2024-06-01"))
        ('-', '0.1235', '2024-05-31 00:00Z to 2024-06-01 00:00Z')
    """
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}Z"
    if isinstance(value, Interval):
        return f"{cell_text(value.start)} to {cell_text(value.end)}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def visible(text: str) -> str:
    r"""Return *text* with what a terminal would obey, such as colours and reversed writing, spelled out. Values come from data.

    Examples:
        >>> print(visible("red: \x1b[31m"))
        red: \x1b[31m
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in _SPACES else ascii(one)[1:-1] for one in text)


def dump(value: object) -> None:
    """Print receipts, or plain values, as JSON."""
    typer.echo(json.dumps(_plain(value), indent=2))


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show a person at a terminal that *what* is going on, on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return iso(value) if isinstance(value, datetime) else value


def _rest(columns: Sequence[str], shown: Sequence[Sequence[str]], width: int) -> int:
    """Return how wide the last column may be beside the others at their full width."""
    others = [max(len(name), *(len(cells[number]) for cells in shown), 0) for number, name in enumerate(columns[:-1])]
    return max(width - sum(others) - _GAP * len(others), _NARROWEST)
