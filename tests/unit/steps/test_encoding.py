"""How columns are written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perennial.steps.arrays import MOMENT
from perennial.steps.snapshots.encoding import encoding

ROWS = 20_000
RANDOM = np.random.default_rng(5)
GROUP = pa.table(
    {
        "text": pa.array([f"station-{n:05d}" for n in range(ROWS)]),
        "random": RANDOM.normal(size=ROWS),
        "rounded": np.round(RANDOM.normal(size=ROWS), 1),
        "missing": pa.array([None] * ROWS, pa.float64()),
        "count": RANDOM.integers(0, 50, ROWS),
        "at": pa.array([datetime(2024, 3, 1, tzinfo=UTC)] * ROWS, MOMENT),
        "open": pa.array([True] * ROWS),
        "day": pa.array([20_000] * ROWS, pa.int32()).cast(pa.date32()),
    }
)


def test_only_what_repeats_has_a_dictionary() -> None:
    """Dictionaries of random numbers cost four times what they are worth."""
    options = encoding(GROUP)
    assert options["use_dictionary"] == ["text", "rounded", "missing"]
    assert options["column_encoding"] == {
        "random": "BYTE_STREAM_SPLIT",
        "count": "DELTA_BINARY_PACKED",
        "at": "DELTA_BINARY_PACKED",
    }


@pytest.mark.parametrize("rows", [0, 1, ROWS])
def test_what_is_written_is_read_as_it_was(tmp_path: Path, rows: int) -> None:
    """Every kind of column, none of its rows, one, or all."""
    group = GROUP.slice(0, rows).combine_chunks()
    with pq.ParquetWriter(tmp_path / "part", group.schema, **encoding(group)) as writer:
        writer.write_table(group)
    assert group.equals(pq.read_table(tmp_path / "part"))


def test_an_odd_double_keeps_every_bit(tmp_path: Path) -> None:
    """Infinities, NaN, the smallest and the largest, whether in a dictionary or not."""
    odd = [float("inf"), float("-inf"), float("nan"), -0.0, 5e-324, 1.7976931348623157e308, 0.1]
    for values in (np.tile(odd, 100), np.append(RANDOM.normal(size=1000), odd)):
        group = pa.table({"x": values})
        with pq.ParquetWriter(tmp_path / "part", group.schema, **encoding(group)) as writer:
            writer.write_table(group)
        assert values.tobytes() == pq.read_table(tmp_path / "part").column("x").to_numpy().tobytes()
