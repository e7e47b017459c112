"""Figures as a person reads them."""

from __future__ import annotations

import math
from collections.abc import Callable

from perennial.core.receipts import Estimate

ROLES = {"challenger": "this version", "champion": "champion then", "baseline": "baseline"}
"""How a text about a version calls the roles of its evaluation, in the order in which they stand there."""


def number(value: float) -> str:
    """Write *value* with four significant digits, and without an exponent where it is of a common size; NaN is ``undefined``.

    Examples:
        >>> number(31.24567), number(1234567.0), number(-0.0)
        ('31.25', '1234567', '0')
    """
    if math.isnan(value):
        return "undefined"
    if 1000 <= abs(value) < 1e15:  # noqa: PLR2004 - from four digits before the point on, none is needed after it
        return f"{value:.0f}"
    return f"{value + 0.0:.4g}"


def percent(share: float) -> str:
    """Write a share as per cent.

    Examples:
        >>> percent(0.0525), percent(0.9)
        ('5.25 %', '90 %')
    """
    return f"{number(100 * share)} %"


def span(found: Estimate, write: Callable[[float], str], *, what: str = "95 % interval", between: str = " to ") -> str:
    """Write the ends of an estimate, in brackets after a space; nothing where there are none."""
    if found.low is None or found.high is None:
        return ""
    return f" ({what} {write(found.low)}{between}{write(found.high)})"


def days(count: int) -> str:
    """Write a number of days.

    Examples:
        >>> days(1), days(14)
        ('1 day', '14 days')
    """
    return f"{count} day{'s' if count != 1 else ''}"


def seconds(value: float) -> str:
    """Write a time.

    Examples:
        >>> seconds(0.00312), seconds(90.0)
        ('3.12 ms', '90 s')
    """
    return f"{number(value)} s" if value >= 1 else f"{number(1000 * value)} ms"


def mebibytes(value: int) -> str:
    """Write a size of memory.

    Examples:
        >>> mebibytes(3 << 19)
        '1.5 MiB'
    """
    return f"{number(value / (1 << 20))} MiB"
