"""The kinds of values that definitions are written in: durations, shares, names, identifiers, crons, timezones."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from perennial.core.names import IDENTIFIER_PATTERN, NAME_PATTERN, TABLE_PATTERN, identifier, name, table

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_DURATION = re.compile(r"([1-9][0-9]{0,5})([mhd])", re.ASCII)
_PERCENT = re.compile(r"(\d{1,4}(?:\.\d{1,6})?)\s?%", re.ASCII)


class Part(BaseModel):
    """A frozen piece of a definition. Unknown keys are refused; nothing is coerced from another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True)


def duration(value: object) -> timedelta:
    """Read ``30m``, ``24h`` or ``7d``.

    Examples:
        >>> duration("36h")
        datetime.timedelta(days=1, seconds=43200)
    """
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        return int(match[1]) * _UNITS[match[2]]
    raise PydanticCustomError("duration", "must be a duration such as 30m, 24h or 7d")


def duration_text(value: timedelta) -> str:
    """Write a duration in the largest unit that fits.

    Examples:
        >>> duration_text(timedelta(hours=48))
        '2d'
    """
    for unit in ("d", "h"):
        if not value % _UNITS[unit]:
            return f"{value // _UNITS[unit]}{unit}"
    return f"{value // _UNITS['m']}m"


def share(value: object) -> object:
    """Read ``5%`` as 0.05; leave numbers as they are."""
    if isinstance(value, str):
        if match := _PERCENT.fullmatch(value):
            return float(match[1]) / 100
        raise PydanticCustomError("share", "must be a share such as 5% or 0.05")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[1-9][0-9]{0,5}[mhd]$", "examples": ["30m", "24h", "7d"]}),
]
Share = Annotated[
    float,
    BeforeValidator(share),
    WithJsonSchema(
        {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\d{1,4}(\.\d{1,6})?\s?%$"}], "examples": ["5%", 0.05]}
    ),
]
ModelName = Annotated[str, BeforeValidator(name), WithJsonSchema({"type": "string", "pattern": f"^{NAME_PATTERN}$"})]
Column = Annotated[str, BeforeValidator(identifier), WithJsonSchema({"type": "string", "pattern": f"^{IDENTIFIER_PATTERN}$"})]
Table = Annotated[str, BeforeValidator(table), WithJsonSchema({"type": "string", "pattern": f"^{TABLE_PATTERN}$"})]
