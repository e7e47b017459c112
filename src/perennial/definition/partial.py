"""What can be read of a definition that has faults, so that the rules across its fields can look at the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from pydantic import create_model

from perennial.definition.document import Loc
from perennial.definition.fields import Part
from perennial.definition.models import Definition
from perennial.definition.shape import part_of

ABSENT = ""
"""Stands for an item of a list of words that could not be read, so that the others keep their places."""


_NOTHING = object()


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the faults are, and everything that they are in."""

    faulty: set[Loc]
    touched: set[Loc]


def partial(raw: object, faulty: set[Loc]) -> Definition:
    """Return a definition that holds every field of *raw* in which nothing is *faulty*.

    Asking it for a field that it does not hold raises AttributeError.
    """
    places = _Places(faulty, {loc[:end] for loc in faulty for end in range(len(loc) + 1)})
    return cast("Definition", _part(Definition, raw if isinstance(raw, Mapping) else {}, places, ()))


def complete(part: Part) -> bool:
    """Return whether *part* holds all of its fields."""
    return all(name in part.__dict__ for name in type(part).model_fields)


def _part(model: type[Part], raw: Mapping[str, object], places: _Places, loc: Loc) -> Part:
    values: dict[str, Any] = {}
    for name in model.model_fields:
        if name not in raw:
            continue
        found = _value(model, name, raw[name], places, (*loc, name))
        if found is not _NOTHING:
            values[name] = found
    part = model.model_construct(**values)
    for name in model.model_fields:
        if name in raw and name not in values:
            part.__dict__.pop(name, None)  # model_construct() puts the default, which is not what the file says
    return part


def _value(model: type[Part], name: str, raw: object, places: _Places, loc: Loc) -> object:
    if loc not in places.touched:
        return getattr(_only(model, name).model_validate({name: raw}), name)
    part = part_of(model.model_fields[name].annotation)
    if loc in places.faulty:
        return _NOTHING
    if isinstance(raw, list):
        return tuple(_item(part, item, places, (*loc, index)) for index, item in enumerate(raw))
    if part and isinstance(raw, Mapping):
        return _part(part, raw, places, loc)
    return _NOTHING


def _item(part: type[Part] | None, raw: object, places: _Places, loc: Loc) -> object:
    if part:
        return _part(part, raw if isinstance(raw, Mapping) else {}, places, loc)
    return ABSENT if loc in places.faulty else raw


@cache
def _only(model: type[Part], name: str) -> type[Part]:
    """Return a model that has the field *name* of *model* and no other."""
    field = model.model_fields[name]
    fields: dict[str, Any] = {name: (field.annotation, field)}
    return create_model(f"{model.__name__}_{name}", __base__=Part, **fields)
