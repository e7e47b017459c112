"""The expectations about a table as a whole: the figure of each, and what becomes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from perennial.quality.column import Kind, Misfit
from perennial.quality.distinct import Distinct
from perennial.quality.ends import Ends
from perennial.quality.limits import Limits
from perennial.quality.median import Median
from perennial.quality.scan import Parted
from perennial.quality.spread import Spread

Figure = Callable[[], "float | None"]
"""Returns the figure after the last pass: a number, microseconds since 1970, or None (or NaN) where there is none."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def figure_of(type: str, column: str, rows: int) -> tuple[Parted, Figure]:  # noqa: A002 - the definition's own word
    """Return who computes the figure of an expectation about a column of *rows* rows, and how to ask for it."""
    return _FIGURES[type](column, rows)


def is_figure(type: str) -> bool:  # noqa: A002 - the definition's own word
    """Return whether an expectation holds a column's figure against limits."""
    return type in _FIGURES


def fit(type: str, kind: Kind) -> None:  # noqa: A002 - the definition's own word
    """Refuse a column of which there is no such figure.

    Raises:
        Misfit: A mean of texts, and the like.
    """
    if (type in _NUMERIC and not kind.numeric) or kind is Kind.OTHER:
        raise Misfit


def held(type: str, figure: float | None, arguments: Mapping[str, object], kind: Kind) -> tuple[bool, float | datetime | None]:  # noqa: A002 - the definition's own word
    """Return whether a figure lies within its limits, and the figure as it is told; None where there is none.

    Raises:
        Misfit: The figure cannot be compared with its limits.
    """
    limits = Limits.of(arguments)
    missing = figure is None or math.isnan(figure)
    own = type in _OWN
    if own:
        limits.fit(kind, values=not missing)
    if figure is None or missing:
        return False, None
    told = _EPOCH + timedelta(microseconds=figure) if own and kind is Kind.MOMENT else figure
    return limits.holds(figure), told


def _mean(column: str, rows: int) -> tuple[Parted, Figure]:
    del rows
    spread = Spread(column)
    return spread, lambda: spread.moments.mean


def _stdev(column: str, rows: int) -> tuple[Parted, Figure]:
    del rows
    spread = Spread(column)
    return spread, lambda: spread.moments.deviation


def _min(column: str, rows: int) -> tuple[Parted, Figure]:
    del rows
    ends = Ends(column)
    return ends, lambda: ends.low


def _max(column: str, rows: int) -> tuple[Parted, Figure]:
    del rows
    ends = Ends(column)
    return ends, lambda: ends.high


def _median(column: str, rows: int) -> tuple[Parted, Figure]:
    median = Median(column, rows)
    return median, lambda: median.figure


def _distinct(column: str, rows: int) -> tuple[Parted, Figure]:
    distinct = Distinct(column, rows)
    return distinct, lambda: distinct.count


def _proportion(column: str, rows: int) -> tuple[Parted, Figure]:
    distinct = Distinct(column, rows)
    return distinct, lambda: distinct.count / distinct.values if distinct.values else 0


_FIGURES: Mapping[str, Callable[[str, int], tuple[Parted, Figure]]] = {
    "expect_column_mean_to_be_between": _mean,
    "expect_column_stdev_to_be_between": _stdev,
    "expect_column_min_to_be_between": _min,
    "expect_column_max_to_be_between": _max,
    "expect_column_median_to_be_between": _median,
    "expect_column_unique_value_count_to_be_between": _distinct,
    "expect_column_proportion_of_unique_values_to_be_between": _proportion,
}
_NUMERIC = {
    "expect_column_mean_to_be_between",
    "expect_column_stdev_to_be_between",
    "expect_column_median_to_be_between",
}
_OWN = {"expect_column_min_to_be_between", "expect_column_max_to_be_between"}
"""Their figure is a value of the column, and so may be a moment."""
