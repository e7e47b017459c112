"""Sentinels: numbers that are none, such as -999 where nothing was measured, and numbers far from anything usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perennial.core.receipts import Finding
from perennial.quality.column import Column, Kind
from perennial.quality.marks import Marks, Mask
from perennial.quality.night_figures import Numbers
from perennial.quality.plain import Plain
from perennial.quality.scan import Batch
from perennial.quality.usual import UsualNumbers, ends

EXPECTATION = "quality.sentinels"
KNOWN = (
    *(-9999.0, -999.0, -99.0, -9.0, -1.0, 0.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0, -99999.0),
    *(-200.0, -273.15, -32768.0, 32767.0, 65535.0, -2147483648.0, 2147483647.0),
)
"""What is written where nothing was measured. Only these are ever named. 0 is 1970-01-01 among moments."""
SHARE = 0.02
"""A smaller share of the rows is no sentinel, however known: that many rows may really have the value."""
NEW_SHARE = 0.1
"""A value that nobody knows as a sentinel must have this share at least."""
FAR = 100.0
"""So many times the usual range beyond it, a single number is no measurement."""
_PHRASES = (
    f"further than {FAR:.0f} times the usual range away from it",
    "a value for what was not measured",
    "one value that is not usual",
)
_LEAST_ROWS = 2
_STUCK_ROWS = 5
_VARIED = 3
_OFTEN = 0.2
"""In a column of which one value usually has a greater share, such as rain, a new value that stands often says nothing."""


@dataclass(frozen=True, slots=True)
class Sentinel:
    """What must not stand in a column.

    Attributes:
        column: Its name.
        value: One value; None where it is a range.
        beyond: Everything further from *centre* than this, where it is a range.
        centre: The middle of the usual range.
    """

    column: str
    value: float | None
    beyond: float = np.inf
    centre: float = 0.0

    def mask(self, column: Column) -> Mask:
        """Return which rows hold it, shape (rows,)."""
        numbers = column.micros.astype(np.float64) if column.kind is Kind.MOMENT else column.numbers
        if column.kind is Kind.MOMENT and column.missing is not None:
            numbers = np.where(column.missing, np.nan, numbers)
        if self.value is not None:
            return np.asarray(numbers == self.value, dtype=bool)
        with np.errstate(invalid="ignore"):
            away = np.abs(numbers - self.centre)
        return np.asarray(np.isfinite(away) & (away > self.beyond), dtype=bool)

    @property
    def words(self) -> str:
        """What such a row has, as a phrase."""
        far, known, new = _PHRASES
        if self.value is None:
            return far
        return f"{self.value:g}, {known}" if self.value in KNOWN else new

    @property
    def reason(self) -> str:
        """Why such a row is refused."""
        return f"{self.column} is {self.words}"

    def finding(self, rows: int, unexpected: int) -> Finding:
        """Return the finding that *unexpected* of *rows* rows hold it."""
        sentence = f"{self.column}: {unexpected} of {rows} rows {'is' if unexpected == 1 else 'are'} {self.words}"
        return Finding(
            expectation=EXPECTATION, column=self.column, success=False, rows=rows, unexpected=unexpected, sentence=sentence
        )


def sentinels(column: str, usual: UsualNumbers, found: Numbers) -> list[Sentinel]:
    """Return what does not belong into a night's column.

    - A known sentinel that lies clearly outside the usual range, and apart from all other values of the night.
    - Any other value with a share of at least 10 % that lies further outside than the usual range is wide, and as far from others.
    - A value inside the usual range with a share that no value usually has: a sensor that is stuck.
    - Numbers that are a hundred times the usual range away from it.

    Args:
        column: Its name.
        usual: Where its numbers lie in usual nights.
        found: Where they lie in this one.
    """
    low, high = ends(usual.low)[0], ends(usual.high)[1]
    single = [Sentinel(column, value) for value in _values(usual, found, low, high)]
    far = _far(column, usual)
    named = {one.value for one in single}
    if far is None or not any(abs(end - far.centre) > far.beyond and end not in named for end in (found.low, found.high)):
        return single
    return [*single, far]


def _far(column: str, usual: UsualNumbers) -> Sentinel | None:
    """Return the range in which no number is a measurement; None where usual nights do not vary within themselves.

    A column that has one value a night, and another one each night, only says which night it is.
    """
    low, high = float(usual.low.min()), float(usual.high.max())
    if np.count_nonzero(usual.high > usual.low) < _VARIED:
        return None
    return Sentinel(column, None, beyond=(FAR + 0.5) * (high - low), centre=(high + low) / 2)


def _values(usual: UsualNumbers, found: Numbers, low: float, high: float) -> list[float]:
    """Return the single values that do not belong."""
    counts, total = found.counts, int(found.counts.sum())
    often = np.flatnonzero((counts >= _LEAST_ROWS) & (counts >= SHARE * total))
    return [float(found.values[at]) for at in often if _foreign(usual, found, int(at), total, low, high)]


def _foreign(usual: UsualNumbers, found: Numbers, at: int, total: int, low: float, high: float) -> bool:
    value, count, width = float(found.values[at]), int(found.counts[at]), high - low
    share, most = count / total, ends(usual.most)[1]
    outside, others = max(low - value, value - high), np.delete(found.values, at)
    apart = float(np.abs(others - value).min()) if len(others) else np.inf
    if value in KNOWN and width > 0:
        scattered = float(others[-1] - others[0]) if len(others) else width
        if outside > width / 4 and apart > scattered / 2:
            return True
    if most > _OFTEN or count < _STUCK_ROWS:
        return False
    return share > 3 * most + NEW_SHARE if outside <= 0 else outside > width and apart > width and share >= NEW_SHARE


class Holding:
    """Marks the rows that hold a sentinel, in a pass of its own."""

    def __init__(self, wanted: list[Sentinel]) -> None:
        """Look for *wanted*."""
        self.wanted = wanted
        self.columns = tuple(dict.fromkeys(one.column for one in wanted))
        self.marks = [Marks() for _ in wanted]

    def see(self, batch: Batch) -> None:
        """Mark the rows of *batch*."""
        for one, marks in zip(self.wanted, self.marks, strict=True):
            marks.add(batch.start, one.mask(batch[one.column]))

    def again(self) -> bool:
        """One pass suffices."""
        return False

    def apart(self) -> Holding:
        """Return one for a piece of the rows."""
        return Holding(self.wanted)

    def told(self) -> Plain:
        """Return what was seen of a piece."""
        return [marks.told() for marks in self.marks]

    def take(self, told: Plain) -> None:
        """Take into account what was told of a piece."""
        for marks, one in zip(self.marks, told, strict=True):
            marks.take(one)


def is_reason(text: str) -> bool:
    """Return whether a row was refused for a sentinel, by its reason."""
    return text.endswith(_PHRASES)


def is_measured(kind: Kind) -> bool:
    """Return whether a column of a kind holds measurements or moments, among which there may be sentinels."""
    return kind in (Kind.WHOLE, Kind.REAL, Kind.MOMENT)
