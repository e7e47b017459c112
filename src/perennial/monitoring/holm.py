"""Holm's step-down rule: many tests, one error budget, whatever their dependence."""

from __future__ import annotations

from collections.abc import Sequence


def holm_level(p_values: Sequence[float], budget: float) -> float:
    """Return the one level to which Holm's steps lead: exactly the tests with ``p <= level`` are rejected.

    With r of m rejected, each rejected p lies at or below ``budget / (m - r)``, and each other one above it.

    Args:
        p_values: One per test.
        budget: The chance of any false rejection, at most.

    Examples:
        >>> holm_level([0.01, 0.04, 0.03, 0.005], 0.05)
        0.025

    References:
        Holm, A simple sequentially rejective multiple test procedure, 1979.
    """
    left = len(p_values)
    for p in sorted(p_values):
        if p > budget / left:
            break
        left -= 1
    return budget / max(left, 1)
