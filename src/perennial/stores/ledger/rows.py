"""Receipts to rows and back, so that what is read equals what was recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from perennial.core.interval import Interval, utc
from perennial.core.receipts import Receipt

R = TypeVar("R", bound=Receipt)


def to_row(receipt: Receipt) -> dict[str, Any]:
    """Return *receipt* as column name to value: an interval as two columns; a list, a mapping or a record as plain JSON."""
    plain = json.loads(receipt.model_dump_json())
    row: dict[str, Any] = {}
    for name in type(receipt).model_fields:
        value = getattr(receipt, name)
        if isinstance(value, Interval):
            row[f"{name}_start"], row[f"{name}_end"] = value.start, value.end
        else:
            row[name] = plain[name] if isinstance(value, (tuple, dict, Receipt)) else _plain(value)
    return row


def from_row(kind: type[R], row: Mapping[str, Any]) -> R:
    """Return the receipt of *kind* that :func:`to_row` made *row* from. Further columns are left out."""
    values: dict[str, Any] = {}
    for name in kind.model_fields:
        if f"{name}_start" in row:
            values[name] = Interval(row[f"{name}_start"], row[f"{name}_end"])
        else:
            values[name] = _plain(row[name])
    return kind.model_validate(values)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return utc(value)
    return value.value if isinstance(value, StrEnum) else value
