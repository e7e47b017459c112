"""What the person in front of the terminal sees while the story happens, and after it."""

from __future__ import annotations

import textwrap
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from perennial.demo.report import Claim, Shown
from perennial.demo.story import Chapter

WIDEST = 118


class Stage:
    """A line that says what is going on, below everything that has been shown."""

    def __init__(self, console: Console) -> None:
        """Draw on *console*; without a terminal, the line is left out."""
        self._console = console
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("", total=1.0)

    def __enter__(self) -> Self:
        """Show the line."""
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take the line away."""
        self._progress.stop()

    def say(self, what: str, done: float = 0.0) -> None:
        """Say what is going on, and how much of it is done, from 0 to 1."""
        self._progress.update(self._task, description=escape(what), completed=done)

    def show(self, line: str) -> None:
        """Print a line that stays."""
        self._console.print(escape(line), highlight=False)

    def tell(self, chapter: Chapter) -> None:
        """Print one chapter of the story."""
        self._console.print(f"[bold]{escape(chapter.title)}[/bold]  [dim]{escape(chapter.by)}[/dim]", highlight=False)
        told = textwrap.fill(chapter.seen, min(self._console.width, WIDEST) - 2)
        self._console.print(escape(textwrap.indent(told, "  ")) + "\n", highlight=False)


def show_table(console: Console, shown: Shown) -> None:
    """Print a table; what looks like markup in it stays text."""
    table = Table(title=shown.title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    for name in shown.columns:
        table.add_column(name, overflow="fold")
    for row in shown.rows:
        table.add_row(*("-" if value is None else escape(str(value)) for value in row))
    console.print(table)
    console.print()


def show_claim(console: Console, claim: Claim) -> None:
    """Print whether something that was promised is true."""
    mark = "[green]yes[/green]" if claim.holds else "[red]NO[/red]"
    console.print(f"{mark}  {escape(claim.claim)}: {escape(claim.found)}", highlight=False)
