"""Rules about segments: values of one type, each of one segment, out of a column that is nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perennial.core.codes import Code
from perennial.core.shown import shown
from perennial.definition.document import Finding, Loc
from perennial.definition.models import Definition

_VALUES: Loc = ("segments", "values")
_COLUMN: Loc = ("segments", "column")


def values(definition: Definition) -> Iterator[Finding]:
    """All values are texts, or all whole numbers, and no two segments have the same."""
    named = definition.segments.values if definition.segments else {}
    seen: dict[str | int, str] = {}
    for name, value in named.items():
        first = next(iter(named.values()))
        if isinstance(value, str) is not isinstance(first, str):
            kind = "text" if isinstance(first, str) else "a whole number"
            yield Finding((*_VALUES, name), Code.DEFINITION_TYPE, f"must be {kind}, as the others are, got {shown(value)}")
        if (other := seen.setdefault(value, name)) != name:
            message = f"must be of one segment, {shown(value)} is of '{other}', too"
            yield Finding((*_VALUES, name), Code.DEFINITION_RANGE, message)


def target(definition: Definition) -> Iterator[Finding]:
    """The target does not say to which segment a row belongs: nobody knows it when the row is to be predicted."""
    column = definition.label.column
    if definition.segments and definition.segments.column.lower() == column.lower():
        yield Finding(_COLUMN, Code.DEFINITION_LEAKAGE, f"must not be the target, got '{column}'")


def times(definition: Definition) -> Iterator[Finding]:
    """Nor do the columns of time."""
    source = definition.source
    for name in ("event_at", "available_at"):
        column = getattr(source, name)
        if definition.segments and column and definition.segments.column.lower() == column.lower():
            yield Finding(_COLUMN, Code.DEFINITION_RANGE, f"must not be the column of {name}, got '{column}'")


def features(definition: Definition) -> Iterator[Finding]:
    """The column has one value in each segment, so its model can learn nothing from it."""
    for kind in ("numeric", "categorical"):
        yield from _listed(definition, ("features", kind), getattr(definition.features, kind, ()))


def slices(definition: Definition) -> Iterator[Finding]:
    """Nor is it a slice: there is but one in each segment."""
    yield from _listed(definition, ("evaluation", "slices"), definition.evaluation.slices)


def watched(definition: Definition) -> Iterator[Finding]:
    """Nor can it drift."""
    for name in definition.monitoring.columns:
        if definition.segments and name.lower() == definition.segments.column.lower():
            yield Finding(("monitoring", "columns", name), Code.DEFINITION_RANGE, _constant(name))


def _listed(definition: Definition, loc: Loc, columns: Sequence[str]) -> Iterator[Finding]:
    for index, name in enumerate(columns):
        if definition.segments and name.lower() == definition.segments.column.lower():
            yield Finding((*loc, index), Code.DEFINITION_RANGE, _constant(name))


def _constant(name: str) -> str:
    return f"must not hold the column of the segments, which has one value in each of them, got '{name}'"
