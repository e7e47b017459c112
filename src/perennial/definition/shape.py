"""What a definition may hold where: the model and the field behind a place in a file, and the limits of a number there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic.fields import FieldInfo

from perennial.definition.document import Loc
from perennial.definition.fields import Part
from perennial.definition.models import Definition


def part_at(loc: Loc) -> type[Part] | None:
    """Return the model of the section at *loc*, or None where none is.

    Examples:
        >>> part_at(("schedule", "window")).__name__, part_at(("expectations", 3)).__name__
        ('Window', 'Expectation')
    """
    part: type[Part] | None = Definition
    for key in loc:
        if isinstance(key, int):
            continue
        field = part.model_fields.get(key) if part else None
        part = part_of(field.annotation) if field else None
    return part


def part_of(annotation: Any) -> type[Part] | None:  # noqa: ANN401 - any annotation there is
    """Return the model inside *annotation*: itself, optional, or an item of a list."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    return next((part for inner in get_args(annotation) if (part := part_of(inner))), None)


def limits(loc: Loc) -> str:
    """Return in words which numbers are allowed at *loc*, such as ``between 0 and 1``; empty where all are."""
    names = [key for key in loc if isinstance(key, str)]
    part = part_at(tuple(names[:-1]))
    field = part.model_fields.get(names[-1]) if part else None
    return _words(_limits(field)) if field else ""


def _limits(field: FieldInfo) -> dict[str, Any]:
    found = {key: getattr(item, key, None) for item in _metadata(field) for key in ("ge", "gt", "le", "lt") if hasattr(item, key)}
    return {key: value for key, value in found.items() if value is not None}


def _metadata(field: FieldInfo) -> Iterator[object]:
    yield from field.metadata
    for inner in get_args(field.annotation):
        if get_origin(inner) is Annotated:
            yield from _flat(inner.__metadata__)


def _flat(metadata: Iterable[object]) -> Iterator[object]:
    for item in metadata:
        yield from _flat(item.metadata) if isinstance(item, FieldInfo) else (item,)


def _words(limit: dict[str, Any]) -> str:
    if "ge" in limit and "le" in limit:
        return f"between {limit['ge']} and {limit['le']}"
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    return " and ".join(f"{words[key]} {limit[key]}" for key in words if key in limit)
