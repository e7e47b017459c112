"""The public sets that backtests are measured on: their definitions, and their files where they are."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
DATA = Path(os.environ.get("PERENNIAL_REAL_DATA") or Path(__file__).parents[3] / "shared" / "data")
NAMES = sorted(path.stem for path in (FOLDER / "backtests").glob("*.yml"))


@pytest.fixture(scope="module")
def sets() -> Iterator[Any]:
    """The module that knows them."""
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module("sets")
    sys.path.remove(str(FOLDER))
    sys.modules.pop("sets", None)


def test_each_set_has_a_definition(sets: Any) -> None:
    """Of those that the benchmark names."""
    assert [sets.definition(name).name for name in sets.names()] == NAMES
    assert {"bike_hourly", "elec2", "bank_marketing", "nyc_taxi_halfhourly", "metro_traffic", "beijing_pm25"} == {*NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_has_what_its_definition_reads(sets: Any, name: str) -> None:
    """Skipped where the folder with the sets is absent."""
    if not (DATA / f"{name}.parquet").is_file():
        pytest.skip("the file is not there")
    definition, rows = sets.definition(name), sets.made_ready(name, DATA)
    read = {*definition.features.columns, *definition.source.entity, definition.source.event_at, definition.label.column}

    assert read <= {*rows.column_names}
    assert str(rows.schema.field("ts").type) == "timestamp[us, tz=UTC]"
