"""The public sets of the backtests: which folder they are in, and how their files are made ready for a source.

A set's file gets a column ``row``, as none of them names its entities, and its time becomes a moment in UTC.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from perennial.definition.loader import load
from perennial.definition.models import Definition

DEFINITIONS = Path(__file__).parent / "backtests"
_RENAMED = {"pm2.5": "pm25"}


def names() -> list[str]:
    """Return the sets that have a definition."""
    return sorted(path.stem for path in DEFINITIONS.glob("*.yml"))


def definition(name: str) -> Definition:
    """Return a set's definition."""
    return load(DEFINITIONS / f"{name}.yml")


def made_ready(name: str, data: Path) -> pa.Table:
    """Return the rows of a set in the folder *data*, as its definition reads them."""
    rows = pq.read_table(data / f"{name}.parquet")
    rows = rows.rename_columns([_RENAMED.get(column, column) for column in rows.column_names])
    at = rows.column("ts").cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    rows = rows.set_column(rows.schema.get_field_index("ts"), "ts", at)
    if "holiday" in rows.column_names and pa.types.is_string(rows.schema.field("holiday").type):
        rows = rows.set_column(rows.schema.get_field_index("holiday"), "holiday", rows.column("holiday").fill_null("none"))
    return rows.append_column("row", pa.array(range(rows.num_rows), pa.int64()))
