"""Moments that SQLite holds as text: how a column writes them, and whether all are written alike, so that text sorts as time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_WRITTEN = re.compile(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_MICROSECOND = timedelta(microseconds=1)
_SECONDS_LONG = len("2024-03-01T00:00:00")


@dataclass(frozen=True, slots=True)
class Writing:
    """One way to write a moment. Texts that are all written in it sort as their moments do.

    Attributes:
        example: Any moment written so.
        digits: How many digits a second has after its point, 0 to 6.
        offset: From UTC, as it is written.
    """

    example: str
    digits: int
    offset: str

    @classmethod
    def of(cls, text: str) -> Writing | None:
        """Return how *text* is written, or None where not in a way that sorts.

        Examples:
            >>> Writing.of("2024-03-01 02:00:00.5+01:00")
            Writing(example='2024-03-01 02:00:00.5+01:00', digits=1, offset='+01:00')
            >>> Writing.of("20240301T020000Z")
        """
        found = _WRITTEN.fullmatch(text)
        return found and cls(text, len(found[2] or ""), found[3])

    def is_of_all(self, texts: pa.StringArray) -> bool:
        """Return whether all of *texts* are written so; none of them is null."""
        length = len(self.example)
        if not pc.all(pc.equal(pc.binary_length(texts), length)).as_py():
            return False
        codes = _codes(texts, length)
        example = np.frombuffer(self.example.encode(), np.uint8)
        digits = _is_digit(example)
        digits[length - len(self.offset) :] = False
        return bool((codes[:, ~digits] == example[~digits]).all() and _is_digit(codes[:, digits]).all())

    def first_from(self, at: datetime) -> str:
        """Return the first text that can be written so and is not before *at*.

        Raises:
            OverflowError: It would lie outside the years 1 to 9999.
        """
        unit = 10 ** (6 - self.digits)
        early = at.astimezone(UTC)
        late = early + -early.microsecond % unit * _MICROSECOND
        local = late.astimezone(datetime.fromisoformat(self.example).tzinfo).replace(tzinfo=None).isoformat(timespec="microseconds")
        shown: str = local[: _SECONDS_LONG + (1 + self.digits if self.digits else 0)]
        return shown.replace("T", self.example[10]) + self.offset


def _codes(texts: pa.StringArray, length: int) -> npt.NDArray[np.uint8]:
    """Return *texts*, all of one *length*, as codes of shape (rows, length)."""
    _, offsets, data = texts.buffers()
    first = np.frombuffer(offsets, np.int32)[texts.offset]
    return np.frombuffer(data, np.uint8)[first : first + len(texts) * length].reshape(len(texts), length)


def _is_digit(codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    return (codes >= ord("0")) & (codes <= ord("9"))
