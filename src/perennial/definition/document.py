"""A definition's file as plain values, with the line of each of them, and what was found wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from perennial.core.codes import Code
from perennial.core.errors import Fault
from perennial.core.shown import shown

Loc = tuple[str | int, ...]
"""The keys and indices that lead from the top of a file to a value."""

_PLAIN = re.compile(r"[\w-]{1,60}", re.ASCII)


class Finding(NamedTuple):
    """Something wrong at *loc*, in *line* where that is not the line of *loc* itself."""

    loc: Loc
    code: Code
    message: str
    line: int | None = None


@dataclass(slots=True)
class Document:
    """A file as it was read.

    Attributes:
        path: The file.
        value: Its content in plain JSON types.
        lines: The line of every key and list item, from 1, by where they stand.
        findings: What is wrong already, whatever the fields are.
        unread: Where a value could not be taken; nothing more is said about it.
    """

    path: Path
    value: object = None
    lines: dict[Loc, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unread: set[Loc] = field(default_factory=set)

    def line(self, loc: Loc) -> int:
        """Return the line of *loc*, or of what it is in."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)

    def fault(self, finding: Finding) -> Fault:
        """Return *finding* with its place: ``file:line: field``."""
        line = finding.line or self.line(finding.loc)
        where = f"{self.path}:{line}: {field_text(finding.loc)}" if finding.loc else f"{self.path}:{line}"
        return Fault(finding.code, finding.message, where)

    def at(self, loc: Loc) -> object:
        """Return the value at *loc*, or None where there is none."""
        value = self.value
        for key in loc:
            if isinstance(value, Mapping):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
            else:
                return None
        return value


def field_text(loc: Loc) -> str:
    """Return *loc* as a person writes it.

    Examples:
        >>> field_text(("features", "numeric", 2))
        'features.numeric[2]'
    """
    parts = (f"[{key}]" if isinstance(key, int) else f".{key if _PLAIN.fullmatch(key) else shown(key)}" for key in loc)
    return "".join(parts).removeprefix(".")


def inside(loc: Loc, outer: set[Loc]) -> bool:
    """Return whether *loc* is one of *outer*, or lies in one."""
    return any(loc[:end] in outer for end in range(len(loc) + 1))
