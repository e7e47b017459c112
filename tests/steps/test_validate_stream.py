"""Validation streams: whatever is refused, it goes batch by batch, and each row is kept with its place and its reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perennial.core.interval import Interval
from perennial.core.receipts import Purpose, Validation, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.collect import collect
from perennial.steps.extract import extract
from perennial.steps.snapshots.rows import open_rows
from perennial.steps.validate import validate
from perennial.testing import MemoryArtifacts

Define = Callable[..., Definition]
START = datetime(2024, 4, 1, tzinfo=UTC)
NIGHT = Interval(START, START + timedelta(days=1))
ROWS = 250_000


def _conditions(model: dict[str, pa.Table], **columns: Any) -> pa.Table:
    """Return a night of 250,000 rows: many cities, each once, in three row groups."""
    at = pa.array((np.arange(ROWS) // 100_000 * 3_600_000_000) + int(START.timestamp()) * 1_000_000, pa.timestamp("us", "UTC"))
    plain: dict[str, Any] = {
        "city": pa.array(np.char.add("c", np.arange(ROWS).astype(str))),
        "event_at": at,
        "available_at": at,
        "temperature": np.full(ROWS, 10.0),
    }
    zero = {
        field.name: pa.array(np.zeros(ROWS)).cast(field.type) for field in model["conditions"].schema if field.name not in plain
    }
    return pa.table({**zero, **plain, **columns}).select(model["conditions"].column_names)


def _validated(definition: Definition, stores: Stores) -> Validation:
    snapshot = extract(definition, NIGHT, stores, purpose=Purpose.SCORE, as_of=NIGHT.end)
    return validate(definition, NIGHT, stores, snapshot=snapshot)


@pytest.fixture
def large(define: Define) -> Definition:
    """A definition that looks at one column."""
    limits = {
        "type": "expect_column_values_to_be_between",
        "arguments": {"column": "temperature", "min_value": -25, "max_value": 35},
    }
    return define(expectations=[limits], quality={"minimum_rows": 1})


def test_rows_of_every_row_group_are_kept_with_their_positions(
    large: Definition, stores: Stores, tables: dict[str, pa.Table]
) -> None:
    """The first, the last, and both sides of a border; and exactly the others are read afterwards."""
    wrong = [0, 99_999, 100_000, 249_999]
    temperatures = np.full(ROWS, 10.0)
    temperatures[wrong] = -200.0
    tables["conditions"] = _conditions(tables, temperature=temperatures)

    validation = _validated(large, stores)

    snapshot = extract(large, NIGHT, stores, purpose=Purpose.SCORE, as_of=NIGHT.end)
    with stores.artifacts.fetch(validation.quarantine or "") as path:
        kept = pq.read_table(path)
    with open_rows(large, stores, snapshot) as rows:
        everything = pa.Table.from_batches(rows.batches())
    assert kept.drop(["_position", "_reasons"]) == everything.take(kept["_position"])
    assert kept["temperature"].to_pylist() == [-200.0] * 4
    assert kept["_reasons"].to_pylist() == [["temperature is outside -25 .. 35"]] * 4
    assert (validation.verdict, validation.quarantined, validation.rows) == (Verdict.PASS, 4, ROWS)
    with open_rows(large, stores, snapshot, validation) as rows:
        assert sum(batch.num_rows for batch in rows.batches(["city"])) == ROWS - 4


def test_the_last_rows_of_a_batch_and_the_first_of_the_next_may_be_twins(
    large: Definition, stores: Stores, tables: dict[str, pa.Table]
) -> None:
    """A key that stands twice is found across a border of batches, and has both reasons where both apply."""
    at = np.full(ROWS, int(START.timestamp()) * 1_000_000)
    cities = np.sort(np.char.add("c", np.arange(ROWS).astype(str)))
    cities[100_000] = cities[99_999]
    temperatures = np.full(ROWS, 10.0)
    temperatures[100_000] = 90.0
    moments = pa.array(at, pa.timestamp("us", "UTC"))
    tables["conditions"] = _conditions(
        tables, city=pa.array(cities), temperature=temperatures, event_at=moments, available_at=moments
    )

    validation = _validated(large, stores)

    with stores.artifacts.fetch(validation.quarantine or "") as path:
        reasons = pq.read_table(path)["_reasons"].to_pylist()
    twice = "the same entity and event stand twice"
    assert sorted(reasons) == [["temperature is outside -25 .. 35", twice], [twice]]


def test_a_night_of_which_every_row_is_refused_is_kept_whole(
    large: Definition, stores: Stores, tables: dict[str, pa.Table]
) -> None:
    """And fails."""
    tables["conditions"] = _conditions(tables, temperature=np.full(ROWS, -200.0))

    validation = _validated(large, stores)

    assert (validation.verdict, validation.quarantined) == (Verdict.FAIL, ROWS)
    with stores.artifacts.fetch(validation.quarantine or "") as path:
        assert pq.ParquetFile(path).metadata.num_rows == ROWS


def test_a_flood_of_categories_is_a_data_fault(define: Define, stores: Stores, tables: dict[str, pa.Table]) -> None:
    """A categorical feature that suddenly has a value for every row neither scores nor trains."""
    limits = {"type": "expect_column_values_to_be_between", "arguments": {"column": "temperature", "min_value": -25}}
    flooded = define(expectations=[limits], quality={"minimum_rows": 1}, features={"categorical": ["city"]})
    tables["conditions"] = _conditions(tables)

    validation = _validated(flooded, stores)

    assert validation.verdict is Verdict.FAIL
    assert [
        (finding.column, finding.sentence) for finding in validation.findings if finding.expectation == "quality.cardinality"
    ] == [("city", f"city: more than 50000 different values in {ROWS} rows, at most 50000 are taken [DATA_CARDINALITY]")]


def test_the_same_snapshot_gives_the_same_validation(large: Definition, stores: Stores, tables: dict[str, pa.Table]) -> None:
    """Its id is a digest of what was found and of what was kept."""
    tables["conditions"] = _conditions(tables, temperature=np.where(np.arange(ROWS) % 1000, 10.0, -200.0))

    assert _validated(large, stores) == _validated(large, stores)


def test_what_a_killed_validation_leaves_is_collected(large: Definition, stores: Stores, tables: dict[str, pa.Table]) -> None:
    """The refused rows do not lie about for good: their temporary folder is one that collections know."""
    left: list[list[str]] = []

    class Looking(MemoryArtifacts):
        def put(self, content: bytes | Path) -> str:
            if isinstance(content, Path) and content.name == "quarantine.parquet":
                digest = super().put(content)
                collect([], stores, now=datetime.now(UTC) + timedelta(days=2))
                left.append([path.name for path in stores.scratch.iterdir()])
                content.parent.mkdir()  # for whoever lent it
                return digest
            return super().put(content)

    tables["conditions"] = _conditions(tables, temperature=np.full(ROWS, -200.0)).slice(0, 5)
    _validated(large, replace(stores, artifacts=Looking()))
    assert left == [[]]
