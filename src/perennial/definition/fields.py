"""The kinds of values that definitions are written in: durations, shares, days, crons, timezones, names, import paths.

Each says by itself what is wrong, with its code, so that the loader can report all faults of a file at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError, PerennialError
from perennial.core.names import IDENTIFIER_PATTERN, NAME_PATTERN, TABLE_PATTERN, column, name, table
from perennial.core.receipts import ALL
from perennial.core.shown import shown
from perennial.definition.cron import check_cron
from perennial.definition.timezone import check_timezone

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_DURATION_PATTERN = r"[1-9][0-9]{0,5}[mhd]"
_DURATION = re.compile(r"(-?[0-9]+)([mhd])", re.ASCII)
_SPANS = {"ms": timedelta(milliseconds=1), "s": timedelta(seconds=1), **_UNITS}
_SPAN_PATTERN = r"[1-9][0-9]{0,5}(ms|[smhd])"
_SPAN = re.compile(r"(-?[0-9]+)(ms|[smhd])", re.ASCII)
_SIZES = {"MiB": 1 << 20, "GiB": 1 << 30}
_SIZE_PATTERN = r"[1-9][0-9]{0,5}[MG]iB"
_SIZE = re.compile(r"(-?[0-9]+)([MG]iB)", re.ASCII)
_PERCENT = re.compile(r"(-?\d{1,4}(?:\.\d{1,6})?)\s?%", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FIRST_DAY, _LAST_DAY = date(1970, 1, 2), date(2199, 12, 31)
_IMPORT_PATTERN = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"
_LONGEST_VALUE = 200
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class Part(BaseModel):
    """A frozen piece of a definition. Unknown keys are refused; nothing is coerced from another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True)


def fault(code: Code, message: str) -> PydanticCustomError:
    """Return a validation error that carries one of our codes."""
    return PydanticCustomError("fault", "{message}", {"code": code, "message": message})


def checked(check: Callable[[str], str]) -> Callable[[object], str]:
    """Return *check*, which raises PerennialError, as a validator that refuses what is no text and keeps the code."""

    def validate(value: object) -> str:
        if not isinstance(value, str):
            raise fault(Code.DEFINITION_TYPE, f"must be text, got {shown(value)}")
        try:
            return check(value)
        except PerennialError as error:
            raise fault(error.code, error.faults[0].message) from error

    return validate


def duration(value: object) -> timedelta:
    """Read ``30m``, ``24h`` or ``7d``.

    Examples:
        >>> duration("36h")
        datetime.timedelta(days=1, seconds=43200)
    """
    if isinstance(value, timedelta):
        return value
    number, unit = _measured(value, _DURATION, _DURATION_PATTERN, "a duration such as 30m, 24h or 7d")
    return number * _UNITS[unit]


def span(value: object) -> timedelta:
    """Read ``50ms``, ``2s``, or a duration.

    Examples:
        >>> span("50ms"), span("2m")
        (datetime.timedelta(microseconds=50000), datetime.timedelta(seconds=120))
    """
    if isinstance(value, timedelta):
        return value
    number, unit = _measured(value, _SPAN, _SPAN_PATTERN, "a time such as 50ms, 2s or 10m")
    return number * _SPANS[unit]


def span_text(value: timedelta) -> str:
    """Write a time in the largest unit that fits.

    Examples:
        >>> span_text(timedelta(seconds=90)), span_text(timedelta(hours=48))
        ('90s', '2d')
    """
    if not value % _UNITS["m"]:
        return duration_text(value)
    unit = "s" if not value % _SPANS["s"] else "ms"
    return f"{value // _SPANS[unit]}{unit}"


def size(value: object) -> int:
    """Read ``512MiB`` or ``4GiB`` as bytes.

    Examples:
        >>> size("1MiB")
        1048576
    """
    number, unit = _measured(value, _SIZE, _SIZE_PATTERN, "a size such as 512MiB or 4GiB")
    return number * _SIZES[unit]


def size_text(value: int) -> str:
    """Write bytes in the largest unit that fits.

    Examples:
        >>> size_text(4 << 30), size_text(1536 << 20)
        ('4GiB', '1536MiB')
    """
    unit = "GiB" if not value % _SIZES["GiB"] else "MiB"
    return f"{value // _SIZES[unit]}{unit}"


def _measured(value: object, read: re.Pattern[str], allowed: str, what: str) -> tuple[int, str]:
    """Return the number and the unit of a figure that must match *read*, and *allowed* for its number to be of a common size."""
    must = f"must be {what}, got {shown(value)}"
    match = read.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise fault(Code.DEFINITION_TYPE, must)
    if not re.fullmatch(allowed, match[0]):
        raise fault(Code.DEFINITION_RANGE, f"{must}; its number must lie between 1 and 999999")
    return int(match[1]), match[2]


def day(value: object) -> date:
    """Read ``2024-03-01``.

    Examples:
        >>> day("2024-03-01")
        datetime.date(2024, 3, 1)
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise fault(Code.DEFINITION_TYPE, f"must be a day such as 2024-03-01, got {shown(value)}")
    try:
        at = date.fromisoformat(value)
    except ValueError:
        raise fault(Code.DEFINITION_RANGE, f"must be a day of the calendar, got {shown(value)}") from None
    if not _FIRST_DAY <= at <= _LAST_DAY:
        raise fault(Code.DEFINITION_RANGE, f"must lie between {_FIRST_DAY} and {_LAST_DAY}, got {shown(value)}")
    return at


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
        raise fault(Code.DEFINITION_TYPE, f"must be a share such as 5% or 0.05, got {shown(value)}")
    return value


def text(value: str) -> str:
    """Return *value* if it has something to read, and nothing that a database or a page cannot take."""
    if not value.strip():
        raise fault(Code.DEFINITION_RANGE, "must not be blank")
    if _UNPRINTABLE.search(value):
        raise fault(Code.DEFINITION_RANGE, f"must not hold control characters, got {shown(value)}")
    return value


def segment_name(value: str) -> str:
    """Return *value* if it may name one segment of several.

    Raises:
        DefinitionError: NAME_INVALID.
    """
    if value == ALL:
        raise DefinitionError(Code.NAME_INVALID, f"must not be '{ALL}', which stands for the whole of a model without segments")
    return name(value)


def segment_value(value: object) -> object:
    """Return *value* if a column of texts or of whole numbers may hold it, and every database reads it alike."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise fault(Code.DEFINITION_TYPE, f"must be text or a whole number, got {shown(value)}")
    if isinstance(value, str):
        if len(value) > _LONGEST_VALUE:
            raise fault(Code.DEFINITION_RANGE, f"must have at most {_LONGEST_VALUE} characters, got {len(value)}")
        if "\\" in value:
            raise fault(Code.DEFINITION_RANGE, f"must not hold backslashes, got {shown(value)}")
        return text(value)
    return value


def import_path(value: str) -> str:
    """Return *value* if it has the form ``package.module:function``. Whether it can be imported, ``perennial check`` says."""
    if re.fullmatch(_IMPORT_PATTERN, value, re.ASCII):
        return value
    raise fault(Code.DEFINITION_ESTIMATOR, f"must be written as package.module:function, got {shown(value)}")


def _pattern(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION_PATTERN}$", "examples": ["30m", "24h", "7d"]}),
]
Span = Annotated[
    timedelta,
    BeforeValidator(span),
    PlainSerializer(span_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_SPAN_PATTERN}$", "examples": ["50ms", "2s", "10m"]}),
]
Size = Annotated[
    int,
    BeforeValidator(size),
    PlainSerializer(size_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_SIZE_PATTERN}$", "examples": ["512MiB", "4GiB"]}),
]
Share = Annotated[
    float,
    BeforeValidator(share),
    WithJsonSchema(
        {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?\d{1,4}(\.\d{1,6})?\s?%$"}], "examples": ["5%", 0.05]}
    ),
]
Day = Annotated[date, BeforeValidator(day), WithJsonSchema({"type": "string", "format": "date", "examples": ["2024-03-01"]})]
Cron = Annotated[
    str,
    BeforeValidator(checked(check_cron)),
    WithJsonSchema({"type": "string", "pattern": r"^\S+( +\S+){4}$", "examples": ["0 2 * * *"]}),
]
Timezone = Annotated[
    str, BeforeValidator(checked(check_timezone)), WithJsonSchema({"type": "string", "examples": ["UTC", "Europe/Berlin"]})
]
ModelName = Annotated[str, BeforeValidator(checked(name)), _pattern(NAME_PATTERN)]
Column = Annotated[str, BeforeValidator(checked(column)), _pattern(IDENTIFIER_PATTERN)]
Table = Annotated[str, BeforeValidator(checked(table)), _pattern(TABLE_PATTERN)]
SegmentName = Annotated[str, BeforeValidator(checked(segment_name)), _pattern(NAME_PATTERN)]
SegmentValue = Annotated[
    str | int, BeforeValidator(segment_value), WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]})
]
Text = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(text)]
ImportPath = Annotated[str, AfterValidator(import_path), _pattern(_IMPORT_PATTERN)]
