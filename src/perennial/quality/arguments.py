"""What the arguments of an expectation may be. Imported while DAG files are parsed, so the standard library only."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from datetime import datetime

from perennial.core.names import RESERVED, is_reserved

Rule = Callable[[object], str | None]
"""Returns what is allowed where a value is not, else None."""

_SHOWN = 60


def column(value: object) -> str | None:
    """Allow the name of one column."""
    if not isinstance(value, str) or not value:
        return "must be the name of a column"
    return f"must be neither {' nor '.join(RESERVED)}, which Perennial adds to refused rows" if is_reserved(value) else None


def columns(value: object) -> str | None:
    """Allow the names of several columns."""
    if not isinstance(value, list | tuple) or len(value) < 2 or any(column(one) for one in value):  # noqa: PLR2004 - several
        return "must be a list of at least 2 column names"
    return "must not name a column twice" if len(set(value)) < len(value) else None


def number(value: object) -> str | None:
    """Allow a finite number."""
    good = (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    )  # 10**400 is no float
    return None if good else "must be a finite number"


def positive(value: object) -> str | None:
    """Allow a finite number from 0."""
    return None if number(value) is None and value >= 0 else "must be a finite number, at least 0"  # type: ignore[operator] # a number


def bound(value: object) -> str | None:
    """Allow a finite number, or a moment."""
    return None if number(value) is None or _moment(value) else "must be a finite number, or a moment such as 2024-03-01T02:00Z"


def count(value: object) -> str | None:
    """Allow a whole number from 0."""
    return None if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else "must be a whole number, at least 0"


def part(value: object) -> str | None:
    """Allow a number from 0 to 1."""
    return None if number(value) is None and 0 <= value <= 1 else "must be a number from 0 to 1"  # type: ignore[operator] # a number


def mostly(value: object) -> str | None:
    """Allow a number above 0, because with 0 nothing would be checked, up to 1."""
    return None if part(value) is None and value else "must be above 0 and at most 1"


def flag(value: object) -> str | None:
    """Allow true and false."""
    return None if isinstance(value, bool) else "must be true or false"


def values(value: object) -> str | None:
    """Allow a list of texts, of numbers or of truth values, but not a mixture: 1, true and "1" are not told apart everywhere."""
    if not isinstance(value, list | tuple) or not value:
        return "must be a list of at least 1 value"
    one_kind = any(all(rule(one) is None for one in value) for rule in (_text, number, flag))
    return None if one_kind else "must hold only texts, only finite numbers, or only true and false"


def pattern(value: object) -> str | None:
    """Allow a regular expression in Python's notation."""
    if not isinstance(value, str) or not value:
        return "must be a regular expression"
    try:
        re.compile(value)
    except re.error as error:
        return f"must be a regular expression ({error})"
    return None


def one_of(*choices: str) -> Rule:
    """Return the rule that allows *choices*."""
    return lambda value: None if value in choices else f"must be one of {', '.join(choices)}"


def range_faults(arguments: Mapping[str, object]) -> list[str]:
    """Return what is wrong between the two ends of a range, whose own rules are met."""
    low, high = arguments.get("min_value"), arguments.get("max_value")
    if low is None and high is None:
        return ["min_value: min_value or max_value is required"]
    if low is None or high is None:
        return []
    if isinstance(low, str) != isinstance(high, str):
        return ["min_value: must be of one kind with max_value: two numbers or two moments"]
    return _order_faults(low, high, strict=bool(arguments.get("strict_min") or arguments.get("strict_max")))


def shown(value: object) -> str:
    """Return a value out of a definition as it is shown in messages: short, and in one line."""
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _order_faults(low: object, high: object, *, strict: bool) -> list[str]:
    start, end = _moment(low) or low, _moment(high) or high
    if start > end:  # type: ignore[operator] # two numbers or two moments
        return [f"min_value: must not be above max_value, got {shown(low)} and {shown(high)}"]
    return [f"min_value: must be below max_value where an end is excluded, got {shown(low)}"] if strict and start == end else []


def _text(value: object) -> str | None:
    return None if isinstance(value, str) else "must be a text"


def _moment(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None
