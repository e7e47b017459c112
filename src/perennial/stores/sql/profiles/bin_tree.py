"""A binary search as nested CASE: a bin is found in as many comparisons as the logarithm of their number."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

Bin = sa.ColumnElement[int]


def bin_tree(leaves: Sequence[Bin], reaches: Callable[[int], sa.ColumnElement[bool]]) -> Bin:
    """Return the expression that gives the right one of *leaves*.

    Args:
        leaves: What to give, in the order of the values; at least one.
        reaches: Returns the condition that a value reaches the leaf of this position (from 1 on) or one after it.
    """
    return _between(leaves, reaches, 0, len(leaves))


def _between(leaves: Sequence[Bin], reaches: Callable[[int], sa.ColumnElement[bool]], first: int, end: int) -> Bin:
    if end - first == 1:
        return leaves[first]
    middle = (first + end) // 2
    return sa.case((reaches(middle), _between(leaves, reaches, middle, end)), else_=_between(leaves, reaches, first, middle))
