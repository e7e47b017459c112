"""Rules about where rows come from: one of table, query and path; a query only reads; entities and declared columns that fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from perennial.core.codes import Code
from perennial.definition.document import Finding, Loc
from perennial.definition.models import ColumnType, Definition, Relation
from perennial.definition.watching import DECLARED

_CHOICES = ("table", "query", "path")
_NUMBERS = (ColumnType.NUMBER, ColumnType.INTEGER, ColumnType.BOOLEAN)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WRITES = re.compile(r"\b(insert|update|delete|merge|into)\b", re.IGNORECASE)


def source(definition: Definition) -> Iterator[Finding]:
    """The source is one relation."""
    yield from _one(definition.source, ("source",))


def label_source(definition: Definition) -> Iterator[Finding]:
    """The label's own source, where there is one, is one relation."""
    if definition.label.source:
        yield from _one(definition.label.source, ("label", "source"))


def source_query(definition: Definition) -> Iterator[Finding]:
    """The source's query only reads."""
    yield from _reads(definition.source.query, ("source", "query"))


def label_query(definition: Definition) -> Iterator[Finding]:
    """The label's query only reads."""
    if definition.label.source:
        yield from _reads(definition.label.source.query, ("label", "source", "query"))


def same_entity(definition: Definition) -> Iterator[Finding]:
    """Labels name a thing by as many columns as the source does."""
    own = definition.label.source
    if own and len(own.entity) != len(definition.source.entity):
        message = f"must have as many columns as source.entity, {len(definition.source.entity)}, got {len(own.entity)}"
        yield Finding(("label", "source", "entity"), Code.DEFINITION_RANGE, message)


def declared(definition: Definition) -> Iterator[Finding]:
    """The source's declared columns are those of files, and none that is read is left out."""
    if definition.source.columns is not None:
        yield from _declared(definition.source, ("source", "columns"), _read_of_source(definition))


def label_declared(definition: Definition) -> Iterator[Finding]:
    """Those of the labels, too, wherever they come from."""
    own, label = definition.label.source, definition.label.column
    if own and own.columns is not None:
        read = {**dict.fromkeys(own.entity), **_segment(definition), **_moments(own), label: _NUMBERS}
        yield from _declared(own, ("label", "source", "columns"), read)
    if not own and definition.source.columns is not None:
        yield from _typed(definition.source.columns, ("source", "columns"), {label: _NUMBERS})


def _read_of_source(definition: Definition) -> dict[str, tuple[ColumnType, ...] | None]:
    """Return every column that is read of the source, with the types that it may have; None for any."""
    source = definition.source
    plain = (*source.entity, *definition.features.categorical, *definition.evaluation.slices, *_checked(definition))
    watched = {name: DECLARED[kind] for name, kind in definition.monitoring.columns.items()}
    numbers = dict.fromkeys(definition.features.numeric, _NUMBERS)
    return {**dict.fromkeys(plain), **watched, **numbers, **_segment(definition), **_moments(source)}


def _segment(definition: Definition) -> dict[str, tuple[ColumnType, ...] | None]:
    """Return the column that says to which segment a row belongs, if there are segments, with the types that it may have."""
    segments = definition.segments
    if segments is None:
        return {}
    texts = all(isinstance(value, str) for value in segments.values.values())
    return {segments.column: (ColumnType.TEXT,) if texts else (ColumnType.INTEGER,)}


def _checked(definition: Definition) -> Iterator[str]:
    """Yield the columns that expectations speak about, besides the label's."""
    from perennial.quality.catalog import columns, faults  # noqa: PLC0415 - only a source with declared columns needs the catalogue

    for item in definition.expectations:
        if not faults(item.type, item.arguments):
            yield from (name for name in columns(item.type, item.arguments) if name != definition.label.column)


def _moments(relation: Relation) -> dict[str, tuple[ColumnType, ...] | None]:
    return dict.fromkeys((relation.event_at, *filter(None, [relation.available_at])), (ColumnType.MOMENT,))


def _declared(relation: Relation, loc: Loc, read: dict[str, tuple[ColumnType, ...] | None]) -> Iterator[Finding]:
    if relation.path is None:
        message = "must only be given with path: a database knows the types of its columns"
        yield Finding(loc, Code.DEFINITION_RANGE, message)
    yield from _typed(relation.columns or {}, loc, read)


def _typed(columns: Mapping[str, ColumnType], loc: Loc, read: dict[str, tuple[ColumnType, ...] | None]) -> Iterator[Finding]:
    for name, allowed in read.items():
        found = columns.get(name)
        if name and found is None:
            yield Finding(loc, Code.DEFINITION_MISSING, f"must name every column that is read, does not name '{name}'")
        elif found and allowed and found not in allowed:
            yield Finding((*loc, name), Code.DEFINITION_RANGE, f"must be {' or '.join(allowed)} here, got {found}")


def _one(relation: Relation, loc: Loc) -> Iterator[Finding]:
    given = [name for name in _CHOICES if getattr(relation, name) is not None]
    if not given:
        yield Finding(loc, Code.DEFINITION_MISSING, "must have one of table, query and path, got none of them")
    if len(given) > 1:
        yield Finding(
            (*loc, given[1]), Code.DEFINITION_RANGE, f"must be the only one of table, query and path, got {' and '.join(given)}"
        )


def _reads(query: str | None, loc: Loc) -> Iterator[Finding]:
    if query is None:
        return
    bare = _QUOTED.sub(" ", query).strip()
    first = bare.split(None, 1)[0].lower() if bare else ""
    if ";" in query:
        yield Finding(loc, Code.DEFINITION_QUERY, "must be a single SELECT statement without a semicolon, got one")
    if first not in ("select", "with"):
        yield Finding(loc, Code.DEFINITION_QUERY, "must be a single SELECT statement, got one that begins otherwise")
    elif word := _WRITES.search(bare):
        message = f"must only read, got the word {word[0].upper()} (put a column of that name in double quotes)"
        yield Finding(loc, Code.DEFINITION_QUERY, message)
