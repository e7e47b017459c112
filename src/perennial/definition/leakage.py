"""Rules about columns: nothing that knows the answer is a feature, and nothing stands twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perennial.core.codes import Code
from perennial.definition.document import Finding, Loc
from perennial.definition.models import Definition, Relation

_FEATURES = ("numeric", "categorical")


def target(definition: Definition) -> Iterator[Finding]:
    """The target is no feature, no entity and no slice. Databases do not tell capitals, so neither does this."""
    column = definition.label.column
    message = f"must not hold the target, got '{column}'"
    for kind in _FEATURES:
        yield from _among(definition, kind, column, message)
    yield from _items(definition.source.entity, ("source", "entity"), column, message)


def target_slices(definition: Definition) -> Iterator[Finding]:
    """The target is no slice."""
    column = definition.label.column
    yield from _items(definition.evaluation.slices, ("evaluation", "slices"), column, f"must not hold the target, got '{column}'")


def times(definition: Definition) -> Iterator[Finding]:
    """The columns of time are no features; features.time derives some from event_at."""
    yield from _times(definition, definition.source)


def label_times(definition: Definition) -> Iterator[Finding]:
    """Nor are those of the labels: when a label arrived may tell what it says."""
    if definition.label.source:
        yield from _times(definition, definition.label.source)


def twice(definition: Definition) -> Iterator[Finding]:
    """No feature stands twice, among the columns or derived from time."""
    seen: dict[str, str] = {}
    for kind in (*_FEATURES, "time"):
        for index, column in enumerate(getattr(definition.features, kind)):
            if column and column.lower() in seen:
                message = f"must not stand twice, '{column}' is in features.{seen[column.lower()]} too"
                yield Finding(("features", kind, index), Code.DEFINITION_RANGE, message)
            seen.setdefault(column.lower(), kind)


def lists(definition: Definition) -> Iterator[Finding]:
    """Nothing stands twice in the other lists."""
    for loc in (("source", "entity"), ("evaluation", "report"), ("evaluation", "slices"), ("retraining", "causes")):
        section = getattr(definition, loc[0], None)
        items: Sequence[str] = getattr(section, loc[1], ())
        for index, item in enumerate(items):
            if item and item in items[:index]:
                yield Finding((*loc, index), Code.DEFINITION_RANGE, f"must not stand twice, got '{item}'")


def some(definition: Definition) -> Iterator[Finding]:
    """There is a feature."""
    features = definition.features
    if not (features.columns or features.time):
        yield Finding(("features",), Code.DEFINITION_MISSING, "must name at least one feature")


def _times(definition: Definition, relation: Relation) -> Iterator[Finding]:
    for name in ("event_at", "available_at"):
        column = getattr(relation, name)
        for kind in _FEATURES if column else ():
            message = f"must not hold the column of {name}, got '{column}'; features.time derives figures from event_at"
            yield from _among(definition, kind, column, message)


def _among(definition: Definition, kind: str, column: str, message: str) -> Iterator[Finding]:
    yield from _items(getattr(definition.features, kind, ()), ("features", kind), column, message)


def _items(items: Sequence[str], loc: Loc, column: str, message: str) -> Iterator[Finding]:
    for index, item in enumerate(items):
        if item.lower() == column.lower():
            yield Finding((*loc, index), Code.DEFINITION_LEAKAGE, message)
