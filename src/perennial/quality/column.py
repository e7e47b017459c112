"""One column of a batch, as expectations look at it: what is missing, the numbers, and what makes two values the same."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perennial.quality.marks import Mask

_INSTANT = pa.timestamp("us", "UTC")


class Kind(StrEnum):
    """What a column holds. The value is what a sentence calls it."""

    WHOLE = "int64"
    REAL = "float64"
    TRUTH = "bool"
    TEXT = "str"
    MOMENT = "datetime64[us, UTC]"
    OTHER = "of a type that is not supported"

    @property
    def numeric(self) -> bool:
        """Whether it can be compared with numbers: a truth value counts as 0 or 1."""
        return self in (Kind.WHOLE, Kind.REAL, Kind.TRUTH)


class Misfit(Exception):  # noqa: N818 - an outcome that the check turns into a finding, never one that leaves this floor
    """An expectation cannot be checked on a column of this kind."""


def kind_of(type_: pa.DataType) -> Kind:
    """Return what a column of an Arrow type holds."""
    types = pa.types
    if types.is_dictionary(type_):
        return kind_of(type_.value_type)
    families = (
        (types.is_integer, Kind.WHOLE),
        (lambda t: types.is_floating(t) or types.is_decimal(t) or types.is_null(t), Kind.REAL),
        (types.is_boolean, Kind.TRUTH),
        (lambda t: types.is_string(t) or types.is_large_string(t) or types.is_string_view(t), Kind.TEXT),
        (lambda t: types.is_date(t) or (types.is_timestamp(t) and t.tz is not None), Kind.MOMENT),
    )
    return next((kind for is_family, kind in families if is_family(type_)), Kind.OTHER)


class Column:
    """A column of a batch. Everything is computed when it is first asked for, and once.

    A value is missing where it is null, and, as in pandas, where it is NaN.
    """

    def __init__(self, array: pa.Array) -> None:
        """Look at *array*; where it is dictionary-encoded, at its values."""
        plain = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
        self.kind = kind_of(plain.type)
        self._array = plain.cast(pa.float64()) if pa.types.is_null(plain.type) or pa.types.is_float16(plain.type) else plain

    @cached_property
    def numbers(self) -> npt.NDArray[np.float64]:
        """Shape (rows,), numeric columns only: each value as float64, as Great Expectations compares it; missing is NaN."""
        array = self._array if pa.types.is_float64(self._array.type) else self._array.cast(pa.float64(), safe=False)
        return np.asarray(array.to_numpy(zero_copy_only=False), np.float64)

    @cached_property
    def missing(self) -> Mask | None:
        """Shape (rows,): where a value is missing; None where none is."""
        if pa.types.is_floating(self._array.type):
            return np.isnan(self.numbers) if self._array.null_count or np.isnan(self.ends[0]) else None
        return np.asarray(self._array.is_null()) if self._array.null_count else None

    @cached_property
    def count(self) -> int:
        """How many values are not missing."""
        return len(self._array) - (0 if self.missing is None else int(np.count_nonzero(self.missing)))

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest number, numeric columns only; NaN where one is missing, or where there is no row."""
        with np.errstate(invalid="ignore"):
            return (float(self.numbers.min()), float(self.numbers.max())) if len(self.numbers) else (np.nan, np.nan)

    @cached_property
    def present(self) -> npt.NDArray[np.float64]:
        """Shape (count,), numeric columns only: the numbers that are not missing."""
        return self.numbers if self.missing is None else self.numbers[~self.missing]

    @cached_property
    def scale(self) -> npt.NDArray[np.float64]:
        """Shape (count,), numeric columns and moments: the values that are not missing as float64, a moment in microseconds."""
        if self.kind is not Kind.MOMENT:
            return self.present
        return (self.micros if self.missing is None else self.micros[~self.missing]).astype(np.float64)

    @cached_property
    def micros(self) -> npt.NDArray[np.int64]:
        """Shape (rows,), moments only: microseconds since 1970; 0 where missing."""
        return np.asarray(self.exact.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), np.int64)

    @cached_property
    def exact(self) -> pa.Array:
        """The values without the loss of a digit, null where missing, such that equal values are equal to Arrow as well."""
        array = self._array
        if pa.types.is_floating(array.type):
            return pa.array(self.numbers + 0.0, mask=self.missing)  # -0.0 becomes 0.0
        if self.kind is Kind.MOMENT:
            return array.cast(pa.timestamp("us")).cast(_INSTANT) if pa.types.is_date(array.type) else array.cast(_INSTANT)
        if self.kind is Kind.TEXT:
            return array.cast(pa.string())
        return array.cast(pa.int64()) if pa.types.is_signed_integer(array.type) else array

    @cached_property
    def words(self) -> tuple[pa.Array, npt.NDArray[np.int64]]:
        """The different values, and for each row the index of its own, -1 where missing."""
        encoded = self.exact.dictionary_encode()
        return encoded.dictionary, np.asarray(encoded.indices.fill_null(-1), np.int64)

    @cached_property
    def bits(self) -> npt.NDArray[np.int64] | None:
        """Shape (rows,): 64 bits per row that are equal where, and only where, the values are; None where no 64 bits hold one.

        What stands where a value is missing means nothing.
        """
        if self.kind is Kind.MOMENT:
            return self.micros
        if self.kind is Kind.TRUTH or pa.types.is_signed_integer(self.exact.type):
            return np.asarray(self.exact.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), np.int64)
        return (self.numbers + 0.0).view(np.int64) if pa.types.is_floating(self._array.type) else None
