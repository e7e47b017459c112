"""The months that an interval has a part of."""

from __future__ import annotations

import pytest

from perennial.core.interval import Interval
from perennial.stores.ledger.months import months, partition


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("2024-02-28/2024-02-29", ["prediction_2024m02"]),
        ("2024-02-29/2024-03-01", ["prediction_2024m02"]),
        ("2024-02-29T23:00Z/2024-03-01T23:00Z", ["prediction_2024m02", "prediction_2024m03"]),
        ("2024-12-31/2025-01-02", ["prediction_2024m12", "prediction_2025m01"]),
        ("2024-03-01T00:30+01:00/2024-03-01T01:30+01:00", ["prediction_2024m02", "prediction_2024m03"]),
        ("1970-01-01/1970-01-02", ["prediction_1970m01"]),
        ("0001-01-01/0001-01-02", ["prediction_0001m01"]),
        ("9999-11-30/9999-12-31", ["prediction_9999m11", "prediction_9999m12"]),
    ],
)
def test_the_months_of_an_interval(interval: str, expected: list[str]) -> None:
    """In UTC, and without the one that begins where it ends."""
    assert [partition(month) for month in months(Interval.parse(interval))] == expected
