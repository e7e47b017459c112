"""Sections, tables and moments of a card in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from perennial.core.interval import Interval
from perennial.steps.cards.escape import escaped


def section(title: str, text: str) -> str:
    """Return *text* under a title."""
    return f"## {title}\n\n{text}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. The names of its columns are taken as they are, its cells are text."""
    lines = [columns, ["---"] * len(columns), *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def facts(rows: Iterable[Sequence[str]]) -> str:
    """Return a table of what and which."""
    return table(("what", "which"), rows)


def listed(sentences: Iterable[str]) -> str:
    """Return a list of sentences, each of which begins with a word."""
    return "\n".join(f"- {escaped(sentence)}" for sentence in sentences)


def at_minute(at: datetime) -> str:
    """Return a moment to the minute."""
    return f"{at:%Y-%m-%d %H:%M}Z"


def between(interval: Interval) -> str:
    """Return both ends of an interval."""
    return f"{at_minute(interval.start)} to {at_minute(interval.end)}"
