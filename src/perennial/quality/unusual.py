"""Rows that did not come, came late, or came twice: figures that no usual night has."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from perennial.core.receipts import Finding
from perennial.quality.night_figures import Night
from perennial.quality.usual import Usual, limit

FRESHNESS, BLOCKS, COPIES = "quality.freshness", "quality.blocks", "quality.copies"
PART = 1 / 8
"""The least part of a night whose rows, or values, must be missing at a stretch."""
YEARLY = 2.0
"""How many times as long gaps may have become in a year since the last usual night."""
COPIED = 0.25
"""The least share of rows that must be copies."""
_CHANCE = 4.0
"""So many standard deviations a share may lie above the greatest usual one by chance."""


def freshness(night: Night, usual: Usual, *, hours: float, years: float) -> Finding | None:
    """Return the finding that the end of a night is missing; None where it is not.

    Args:
        night: What it looks like.
        usual: What nights usually look like.
        hours: How long it is.
        years: The time since the last usual night: with half the rows, gaps are twice as long.
    """
    if night.tail <= limit(usual.tail, PART * hours) * YEARLY**years:
        return None
    sentence = f"the newest row is {night.tail:.1f} h older than the night's end, usual are at most {_most(usual.tail):.1f} h"
    return _finding(FRESHNESS, night, sentence)


def blocks(night: Night, usual: Usual, *, hours: float, years: float) -> Iterator[Finding]:
    """Yield the findings that hours of a night have no rows, or no value of a column; the arguments are those of *freshness*."""
    if night.hole > limit(usual.hole, PART * hours) * YEARLY**years:
        sentence = f"{night.hole:.1f} h at a stretch without rows, usual are at most {_most(usual.hole):.1f} h"
        yield _finding(BLOCKS, night, sentence)
    rowless = max(night.hole, night.tail)
    for column, gap in night.gaps.items():
        known = usual.gaps(column)
        if len(known) and gap > max(limit(known, PART * hours) * YEARLY**years, rowless):
            sentence = f"{column}: {gap:.1f} h at a stretch without a value, usual are at most {_most(known):.1f} h"
            yield _finding(BLOCKS, night, sentence, column)


def copies(night: Night, usual: Usual) -> Finding | None:
    """Return the finding that rows of a night are copies of each other under other keys; None where they are not."""
    known = usual.copies[np.isfinite(usual.copies)]
    if night.copies is None or not len(known):
        return None
    most = min(limit(known, COPIED), 1.0)
    if night.copies <= most + _CHANCE * math.sqrt(most * (1 - most) / night.rows):
        return None
    sentence = f"{night.copies:.0%} of the rows repeat another one's values under another key, usual are at most {_most(known):.0%}"
    return _finding(COPIES, night, sentence)


def _most(known: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    return float(np.nanmax(known))


def _finding(expectation: str, night: Night, sentence: str, column: str | None = None) -> Finding:
    return Finding(expectation=expectation, column=column, success=False, rows=night.rows, unexpected=night.rows, sentence=sentence)
