"""Records as CSV that a spreadsheet opens without taking a text for a formula."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import pyarrow as pa
from fastapi.responses import Response

from perennial.stores.exporting.format import write
from perennial.stores.exporting.kind import Format

_MOMENT = pa.timestamp("us", "UTC")


def csv(name: str, columns: Mapping[str, pa.DataType], rows: Iterable[Sequence[object]]) -> Response:
    """Return *rows* as a file called *name*.

    Args:
        name: Letters, digits, hyphens and underscores.
        columns: The type of each column, by name; ``MOMENT``, ``TEXT`` and the like.
        rows: Values, as many as there are columns.
    """
    content = [[_plain(value) for value in row] for row in rows]
    parts = list(zip(*content, strict=True)) if content else [() for _ in columns]
    schema = pa.schema(columns.items())
    batch = pa.record_batch([pa.array(part, kind) for part, kind in zip(parts, schema.types, strict=True)], schema=schema)
    file = io.BytesIO()
    write(file, Format.CSV, schema, [batch])
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(file.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


TEXT, FIGURE, WHOLE, MOMENT = pa.string(), pa.float64(), pa.int64(), _MOMENT


def _plain(value: object) -> object:
    if isinstance(value, StrEnum):
        return value.value
    return value if value is None or isinstance(value, datetime | int | float | str) else str(value)
