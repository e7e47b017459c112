"""Benjamini and Hochberg's rule: a list to look at, of which a known share is wrong in the mean."""

from __future__ import annotations

from collections.abc import Sequence


def false_discovery_level(p_values: Sequence[float], rate: float) -> float:
    """Return the level up to which tests are discoveries: exactly those with ``p <= level``.

    Of what is listed, at most the share *rate* is wrong in the mean. That is weaker than what an alarm asks for (see
    :func:`perennial.monitoring.holm.holm_level`), and holds for tests that are independent or depend on each other positively.

    Args:
        p_values: One per test.
        rate: The share of false ones among the discoveries, at most.

    Examples:
        >>> round(false_discovery_level([0.01, 0.02, 0.03, 0.5], 0.05), 4)
        0.0375

    References:
        Benjamini and Hochberg, Controlling the false discovery rate, 1995.
    """
    tests = len(p_values)
    found = [number for number, p in enumerate(sorted(p_values), start=1) if p <= rate * number / tests]
    return rate * max(found, default=1) / max(tests, 1)
