"""A flood of categories."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from perennial.quality.cardinality import categories, flood
from perennial.quality.rows import TableRows
from perennial.quality.scan import scan


def _flood(values: pa.Array) -> str | None:
    counted = categories("station", len(values))
    scan(TableRows(pa.table({"station": values})), [counted])
    finding = flood("station", counted, len(values))
    return finding.sentence if finding else None


@pytest.mark.parametrize(
    ("rows", "different"),
    [(24, 24), (1_000, 1_000), (40_000, 10_000), (300_000, 50_000)],
)
def test_categories_that_sort_rows_are_no_flood(rows: int, different: int) -> None:
    """Few of them whatever the rows, or four rows of each."""
    assert _flood(pa.array(np.arange(rows) % different).cast(pa.string())) is None


@pytest.mark.parametrize(
    ("rows", "different", "expected"),
    [
        (1_001, 1_001, "station: 1001 different values in 1001 rows, at most 1000 are taken [DATA_CARDINALITY]"),
        (39_999, 10_000, "station: 10000 different values in 39999 rows, at most 9999 are taken [DATA_CARDINALITY]"),
        (210_000, 50_001, "station: more than 50000 different values in 210000 rows, at most 50000 are taken [DATA_CARDINALITY]"),
    ],
)
def test_categories_that_name_rows_are_a_flood(rows: int, different: int, expected: str) -> None:
    """The sentence says how many there are and how many are taken."""
    assert _flood(pa.array(np.arange(rows) % different).cast(pa.string())) == expected


def test_missing_values_are_no_category() -> None:
    """A thousand texts beside a million gaps are a thousand texts."""
    assert _flood(pa.array([str(number) for number in range(1_000)] + [None] * 5_000)) is None
