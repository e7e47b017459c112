"""The history: extracted once, and read as the source itself would be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from perennial.backtest.history import History
from perennial.core.errors import RejectedError
from perennial.core.interval import Interval
from perennial.core.receipts import ALL, Purpose
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.extract import extract, row_selection
from perennial.testing import MemoryArtifacts, MemoryLedger, MemorySource
from perennial.testing.story import day, night


@pytest.fixture
def stores(history: MemorySource, tmp_path: Path) -> Stores:
    """Stores over the source itself."""
    return Stores(
        source=lambda _: history, artifacts=MemoryArtifacts(), ledger=MemoryLedger(), signing_key=bytes(32), scratch=tmp_path
    )


@pytest.fixture
def extracted(definition: Definition, stores: Stores, tmp_path: Path) -> History:
    """Thirty days of it."""
    return History.extracted(definition, Interval(day(0), day(30)), stores, tmp_path)


def test_windows_and_nights_are_those_of_the_source(definition: Definition, stores: Stores, extracted: History) -> None:
    """Their snapshots have the same digests: rows, labels, and what was not yet available at the cut-off."""
    over = replace(stores, source=lambda _: extracted)
    for interval, purpose in ((night(12), Purpose.SCORE), (Interval(day(3), day(20)), Purpose.TRAIN)):
        found, expected = (extract(definition, interval, each, purpose=purpose, as_of=interval.end) for each in (over, stores))
        assert found == expected


def test_a_time_without_rows_has_none(definition: Definition, extracted: History) -> None:
    """But their columns are known."""
    selection = row_selection(definition, Interval(day(50), day(51)), as_of=day(51), segment=ALL)
    rows = pa.Table.from_batches(extracted.read(selection))

    assert (rows.num_rows, rows.column_names) == (0, list(selection.columns))


def test_what_was_not_extracted_is_refused(definition: Definition, extracted: History) -> None:
    """No other relation is read by accident."""
    selection = replace(row_selection(definition, night(3), as_of=day(4), segment=ALL), relation="others")

    with pytest.raises(RejectedError, match="was not extracted"):
        list(extracted.read(selection))


def test_another_row_gives_another_digest(definition: Definition, stores: Stores, extracted: History, tmp_path: Path) -> None:
    """What was found of one history is not found of another."""
    (tmp_path / "shorter").mkdir()
    shorter = History.extracted(definition, Interval(day(0), day(30) - timedelta(hours=1)), stores, tmp_path / "shorter")

    assert shorter.digest != extracted.digest
