"""From the portrait of a column to expectations that a person may edit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from perennial.quality.column import Kind
from perennial.quality.portrait import Portrait

MARGIN = 0.1
"""A proposed range is wider than what was seen by this share of its width, on each side."""
_LONGEST_TEXT = 60
_ROWS_PER_VALUE = 10
_SENTINELS = {-99999.0, -9999.0, -999.0, -200.0, -99.0, -1.0, 999.0, 9999.0, 99999.0, 999999.0}
_REPEATED = 2
_ALONE = 2.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """An expectation that history would meet.

    Attributes:
        type: Its name. Empty where nothing is proposed, and only what was seen is told.
        arguments: Its arguments.
        seen: What was seen.
        on: Which snapshots it is for.
    """

    type: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    seen: str = ""
    on: str = "both"


def proposals(portrait: Portrait) -> Iterator[Proposal]:
    """Say what the history of a column suggests."""
    (name,) = portrait.columns
    if portrait.rows:
        yield _presence(name, portrait)
    if portrait.kind is Kind.TEXT:
        yield from _set(name, portrait)
    if portrait.extremes:
        yield _range(name, portrait)


def suspicious(portrait: Portrait) -> set[float]:
    """Return those extremes of a column that are hardly measurements, such as -999 or a temperature of 0 K.

    From both ends inwards: a number that stands further from the next than twice the width in which 99 % of the others lie; or a
    usual sentinel that stands repeatedly, and is the only number of its sign.
    """
    found: set[float] = set()
    for direction in (1, -1):
        ranked = sorted(portrait.extremes)[::direction]
        for value, following in pairwise(ranked):
            rest = portrait.sample(found | {value})
            if len(rest) < _REPEATED or not _odd(value, following, rest, portrait.extremes[value]):
                break
            found.add(value)
    return found


def _odd(value: float, following: float, rest: np.ndarray, count: int) -> bool:
    low, high = np.quantile(rest, [0.005, 0.995])
    alone = high > low and abs(value - following) > _ALONE * (high - low)
    sentinel = value in _SENTINELS and count >= _REPEATED and bool(np.all(rest >= 0) if value < 0 else np.all(rest <= 0))
    return bool(alone) or sentinel


def _presence(name: str, portrait: Portrait) -> Proposal:
    if portrait.missing == 0:
        return Proposal("expect_column_values_to_not_be_null", {"column": name}, f"no value was missing in {portrait.rows} rows")
    share = portrait.missing / portrait.rows
    return Proposal("", seen=f"{name}: {portrait.missing} of {portrait.rows} values were missing ({share:.2%})")


def _set(name: str, portrait: Portrait) -> Iterator[Proposal]:
    texts = portrait.texts
    if texts is None:
        yield Proposal("", seen=f"{name}: too many different texts for a set")
    elif texts and portrait.rows >= _ROWS_PER_VALUE * len(texts) and max(map(len, texts)) <= _LONGEST_TEXT:
        seen = f"{len(texts)} different value{'' if len(texts) == 1 else 's'} stood in {portrait.rows} rows"
        yield Proposal("expect_column_values_to_be_in_set", {"column": name, "value_set": sorted(texts)}, seen)


def _range(name: str, portrait: Portrait) -> Proposal:
    odd = suspicious(portrait)
    sound = [value for value in portrait.extremes if value not in odd]
    low, high = min(sound), max(sound)
    ends = _widened(low, high, whole=portrait.kind is Kind.WHOLE)
    told = ", ".join(f"{plain(value)} ({portrait.extremes[value]} times)" for value in sorted(odd))
    left_out = f"; left out as suspicious: {told}" if told else ""
    arguments = {"column": name, "min_value": ends[0], "max_value": ends[1]}
    return Proposal("expect_column_values_to_be_between", arguments, f"seen from {plain(low)} to {plain(high)}{left_out}")


def _widened(low: float, high: float, *, whole: bool) -> tuple[float, float]:
    """Return the ends with a margin, rounded outwards. What was never below 0 stays there, what was never above stays too."""
    margin = MARGIN * ((high - low) or abs(high) or 1.0)
    step = 1.0 if whole else 10.0 ** math.floor(math.log10(margin))
    bottom, top = math.floor((low - margin) / step) * step, math.ceil((high + margin) / step) * step
    bottom, top = max(bottom, 0.0) if low >= 0 else bottom, min(top, 0.0) if high <= 0 else top
    digits = max(0, -math.floor(math.log10(step)))
    rounded = round(bottom, digits), round(top, digits)
    return (int(rounded[0]), int(rounded[1])) if whole else rounded


def plain(value: float) -> str:
    """Return a number without an exponent, which YAML would read as a text.

    Examples:
        >>> plain(-999.0), plain(1e-05), plain(2.5)
        ('-999', '0.00001', '2.5')
    """
    return np.format_float_positional(value, trim="-") if isinstance(value, float) else str(value)
