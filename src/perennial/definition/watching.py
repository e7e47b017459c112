"""Rules about the further columns that are watched: none is the target, a feature, or named twice; columns of time are moments."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.core.codes import Code
from perennial.definition.document import Finding, Loc
from perennial.definition.models import ColumnType, Definition, WatchedKind

_PLACE: Loc = ("monitoring", "columns")
_NUMBERS = (ColumnType.NUMBER, ColumnType.INTEGER, ColumnType.BOOLEAN)
DECLARED: dict[WatchedKind, tuple[ColumnType, ...] | None] = {
    WatchedKind.NUMERIC: _NUMBERS,
    WatchedKind.CATEGORICAL: None,
    WatchedKind.BOOLEAN: (ColumnType.BOOLEAN, ColumnType.INTEGER),
    WatchedKind.TEXT: (ColumnType.TEXT,),
    WatchedKind.TIMESTAMP: (ColumnType.MOMENT,),
}
"""The types that a file's column may be declared with, by kind; None for any."""


def target(definition: Definition) -> Iterator[Finding]:
    """The target is not watched here: a night's rows come without it, and it is watched as labels arrive."""
    column = definition.label.column
    for name in definition.monitoring.columns:
        if name.lower() == column.lower():
            message = f"must not hold the target, got '{name}'; labels are watched as they come"
            yield Finding((*_PLACE, name), Code.DEFINITION_LEAKAGE, message)


def features(definition: Definition) -> Iterator[Finding]:
    """A feature is watched already."""
    known = {column.lower() for column in definition.features.columns}
    for name in definition.monitoring.columns:
        if name.lower() in known:
            message = f"must not hold a feature, got '{name}'; every feature is watched"
            yield Finding((*_PLACE, name), Code.DEFINITION_RANGE, message)


def twice(definition: Definition) -> Iterator[Finding]:
    """Nothing stands twice. Databases do not tell capitals, so neither does this."""
    seen: dict[str, str] = {}
    for name in definition.monitoring.columns:
        if (first := seen.setdefault(name.lower(), name)) != name:
            yield Finding((*_PLACE, name), Code.DEFINITION_RANGE, f"must not stand twice, got '{first}' and '{name}'")


def times(definition: Definition) -> Iterator[Finding]:
    """The columns of time hold moments."""
    source, columns = definition.source, definition.monitoring.columns
    for name in filter(None, dict.fromkeys((source.event_at, source.available_at))):
        kind = columns.get(name, WatchedKind.TIMESTAMP)
        if kind is not WatchedKind.TIMESTAMP:
            yield Finding((*_PLACE, name), Code.DEFINITION_RANGE, f"must be timestamp here, got {kind}")
