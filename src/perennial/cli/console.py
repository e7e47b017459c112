"""What a person, or a program with ``--json``, gets to see."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from perennial.core.errors import PerennialError

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def complain(error: PerennialError) -> None:
    """Print an error's lines, and what can be done, to standard error."""
    typer.echo(str(error), err=True)
    if error.fix:
        typer.echo(f"  fix: {error.fix}", err=True)


def say(line: str) -> None:
    """Print one line of text."""
    typer.echo(line)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table. Cells are text; what looks like markup in them stays text."""
    drawn = Table(title=title, title_justify="left", header_style="bold", show_edge=False, pad_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(escape(cell_text(value)) for value in row))
    Console(highlight=False).print(drawn)


def cell_text(value: object) -> str:
    """Return a value as a cell shows it: nothing for None, four significant digits for a figure."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def dump(value: object) -> None:
    """Print receipts, or plain values, as JSON."""
    typer.echo(json.dumps(_plain(value), indent=2, default=str))


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
