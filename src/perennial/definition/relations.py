"""Rules about where rows come from: one of table, query and path; a query only reads; entities that fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from perennial.core.codes import Code
from perennial.definition.document import Finding, Loc
from perennial.definition.models import Definition, Relation

_CHOICES = ("table", "query", "path")
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
