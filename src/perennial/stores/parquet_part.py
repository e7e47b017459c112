"""Reads the selected rows out of one Parquet file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as pads

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.ports import Selection
from perennial.stores.arrow_selection import instant_columns, require_columns, rows, select


def read_parquet_part(path: Path, selection: Selection, where: str) -> pa.Table:
    """Return the selected columns and rows of *path*, in canonical types.

    Raises:
        DataError: FILE_CORRUPT, SCHEMA_MISSING, SCHEMA_DUPLICATE, SCHEMA_TYPE, TIME_NAIVE.
    """
    try:
        dataset = pads.dataset(path, format="parquet")
        require_columns(dataset.schema.names, selection, where)
        table = dataset.to_table(columns=list(selection.columns), filter=_filter(dataset.schema, selection), use_threads=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(Code.FILE_CORRUPT, "is no Parquet file that can be read", where=where) from error
    except OSError as error:
        if error.errno is not None:
            raise  # the operating system's, for our caller
        raise DataError(Code.FILE_CORRUPT, "is no Parquet file that can be read", where=where) from error
    return select(table, selection, where)


def _filter(schema: pa.Schema, selection: Selection) -> pa.compute.Expression | None:
    """Return what lets the reader skip parts of the file; moments in text are only compared once they are read."""
    kinds = [schema.field(name).type for name in instant_columns(selection)]
    if not all(pa.types.is_timestamp(kind) and kind.tz for kind in kinds):
        return None
    try:
        return rows(selection, kinds[0], kinds[-1])
    except pa.ArrowInvalid:  # a bound has no equal in the file's unit; ``select`` compares in microseconds
        return None
