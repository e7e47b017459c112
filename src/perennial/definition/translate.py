"""What pydantic found, in our words and with our codes."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from perennial.core.codes import Code
from perennial.core.shown import MAX_SHOWN, shown
from perennial.definition.document import Document, Finding, Loc
from perennial.definition.shape import limits, part_at

_MAX_ERRORS = 100
_KEY = "[key]"
"""What pydantic adds to the place of a mapping's key."""
_LIMITS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
_LENGTHS = {
    "too_short": "must have at least {min_length} of them, got {actual_length}",
    "too_long": "must have at most {max_length} of them, got {actual_length}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
}
_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def translate(error: ValidationError, document: Document) -> tuple[list[Finding], set[Loc]]:
    """Return one finding per fault in *error*, of which at most 100 are told, and the places of all."""
    details = [detail for detail in error.errors(include_url=False, include_input=False) if not _follows(detail, document)]
    return [_finding(detail, document) for detail in details[:_MAX_ERRORS]], {_place(detail) for detail in details}


def _place(detail: ErrorDetails) -> Loc:
    """Return where a fault is: of a key it is where its value stands."""
    loc = detail["loc"]
    return loc[:-1] if loc[-1:] == (_KEY,) else loc


def _follows(detail: ErrorDetails, document: Document) -> bool:
    """Return whether a list is only too short because items of it are faulty, which is told of them."""
    items = document.at(detail["loc"])
    return detail["type"] == "too_short" and isinstance(items, list) and len(items) >= detail["ctx"]["min_length"]


def _finding(detail: ErrorDetails, document: Document) -> Finding:
    kind, loc, context = detail["type"], _place(detail), detail.get("ctx", {})
    got = shown(document.at(loc), loc)
    if kind == "fault":
        return Finding(loc, context["code"], context["message"])
    if kind == "missing":
        return Finding(loc, Code.DEFINITION_MISSING, "must be given")
    if kind == "extra_forbidden":
        return Finding(loc, Code.DEFINITION_UNKNOWN_KEY, _unknown(loc))
    if kind in _KINDS:
        return Finding(loc, Code.DEFINITION_TYPE, f"must be {_KINDS[kind]}, got {got}")
    return Finding(loc, Code.DEFINITION_RANGE, _range(kind, loc, context, got, detail["msg"]))


def _range(kind: str, loc: Loc, context: dict[str, Any], got: str, said: str) -> str:
    if kind in _LIMITS:
        return f"must be {limits(loc)}, got {got}"
    if kind in _LENGTHS:
        return _LENGTHS[kind].format(**context)
    if kind in ("literal_error", "enum"):
        return f"must be {context['expected']}, got {got}"
    return f"{said[:1].lower()}{said[1:]}, got {got}"


def _unknown(loc: Loc) -> str:
    part = part_at(loc[:-1])
    known = list(part.model_fields) if part else []
    close = get_close_matches(str(loc[-1])[:MAX_SHOWN], known, n=1)
    return f"is not a known key, did you mean '{close[0]}'?" if close else f"is not a known key, must be one of {', '.join(known)}"
