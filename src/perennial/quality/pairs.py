"""Two columns side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perennial.quality.column import Column, Kind, Misfit
from perennial.quality.marks import Mask


def not_greater(first: Column, second: Column, *, or_equal: bool, ignored: str) -> tuple[Mask | None, int]:
    """Return where *first* is not above *second*, and how many rows were looked at.

    A missing value is not above anything, nor is anything above it.

    Args:
        first: The greater column.
        second: The lesser column.
        or_equal: Whether it may be as great.
        ignored: Which rows are left out: ``both_values_are_missing``, ``either_value_is_missing`` or ``neither``.

    Raises:
        Misfit: The two cannot be compared.
    """
    above, (one, other) = _above(first, second, or_equal=or_equal), (_missing(first), _missing(second))
    found = ~(above & ~one & ~other)
    left_out = {"both_values_are_missing": one & other, "either_value_is_missing": one | other}.get(ignored)
    if left_out is None:
        return found, len(found)
    return found & ~left_out, int(np.count_nonzero(~left_out))


def _above(first: Column, second: Column, *, or_equal: bool) -> Mask:
    if first.kind is Kind.TEXT and second.kind is Kind.TEXT:
        compare = pc.greater_equal if or_equal else pc.greater
        return np.asarray(compare(first.exact, second.exact).fill_null(False))  # noqa: FBT003 - pyarrow's own signature
    one, other = _comparable(first, second)
    return np.asarray(one >= other if or_equal else one > other, dtype=bool)


def _comparable(first: Column, second: Column) -> tuple[Any, Any]:
    kinds = {first.kind, second.kind}
    if kinds == {Kind.MOMENT}:
        return first.micros, second.micros
    if kinds == {Kind.WHOLE} and pa.types.is_int64(first.exact.type) and pa.types.is_int64(second.exact.type):
        return first.bits, second.bits
    if all(kind.numeric for kind in kinds):
        return first.numbers, second.numbers
    raise Misfit


def _missing(column: Column) -> Mask:
    return np.zeros(len(column.exact), dtype=bool) if column.missing is None else column.missing
