"""A flood of categories: a column whose values were meant to be few, and are not."""

from __future__ import annotations

from perennial.core.codes import Code
from perennial.core.receipts import Finding
from perennial.quality.distinct import Distinct

EXPECTATION = "quality.cardinality"
FEW = 1_000
"""So many different values are no flood, however few rows there are."""
MOST = 50_000
"""More different values than this are a flood, however many rows there are."""
ROWS_PER_VALUE = 4
"""Between the two, a flood has fewer rows per different value than this: the column names rows rather than sorts them."""


def categories(column: str, rows: int) -> Distinct:
    """Return who counts the different values of a categorical column, up to one more than are ever taken."""
    return Distinct(column, rows, limit=MOST)


def flood(column: str, counted: Distinct, rows: int) -> Finding | None:
    """Return the finding that a categorical column has too many different values; None where it has not.

    Every model and every profile grows with them, and nothing can be learnt of a value that hardly any row has.

    Args:
        column: Its name.
        counted: Its different values, counted.
        rows: How many rows there are.
    """
    allowed = min(MOST, max(FEW, counted.values // ROWS_PER_VALUE))
    if counted.count <= allowed:
        return None
    found = f"more than {MOST}" if counted.count > MOST else str(counted.count)
    sentence = f"{column}: {found} different values in {counted.values} rows, at most {allowed} are taken [{Code.DATA_CARDINALITY}]"
    return Finding(
        expectation=EXPECTATION, column=column, success=False, rows=rows, unexpected=counted.count - allowed, sentence=sentence
    )
