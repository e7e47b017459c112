"""The public sets that backtests are measured on: their definitions, and their files where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

NAMES = sorted(path.stem for path in (Path(__file__).parents[2] / "benchmarks" / "backtests").glob("*.yml"))


@pytest.fixture(scope="module")
def sets(script: Any) -> Any:
    """The module that knows them."""
    return script("sets")


def test_each_set_has_a_definition(sets: Any) -> None:
    """Of those that the benchmark names."""
    assert [sets.definition(name).name for name in sets.names()] == NAMES
    assert {"bike_hourly", "elec2", "bank_marketing", "nyc_taxi_halfhourly", "metro_traffic", "beijing_pm25"} == {*NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_has_what_its_definition_reads(sets: Any, real: Path, name: str) -> None:
    """Skipped where the folder with the sets is absent."""
    if not (real / f"{name}.parquet").is_file():
        pytest.skip("the file is not there")
    definition, rows = sets.definition(name), sets.made_ready(name, real)
    read = {*definition.features.columns, *definition.source.entity, definition.source.event_at, definition.label.column}

    assert read <= {*rows.column_names}
    assert str(rows.schema.field("ts").type) == "timestamp[us, tz=UTC]"
