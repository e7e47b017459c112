"""Reads the selected rows out of one CSV file, and refuses what other readers guess."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault
from perennial.ports import Selection
from perennial.stores.arrow_selection import instant_columns, require_columns, select

_MOST_FAULTS = 20


def read_csv_part(path: Path, selection: Selection, where: str) -> pa.Table:
    """Return the selected columns and rows of *path*, in canonical types.

    Only an empty field without quotes is null; ``NA``, ``nan`` and ``null`` are text.

    Raises:
        DataError: CSV_RAGGED (up to 20 rows at once), FILE_CORRUPT, SCHEMA_MISSING, SCHEMA_DUPLICATE, SCHEMA_TYPE, TIME_NAIVE.
    """
    require_columns(_header(path, where), selection, where)
    table = _read(path, selection, where)
    if broken := [field.name for field in table.schema if pa.types.is_binary(field.type)]:
        raise DataError.of(Fault(Code.FILE_CORRUPT, "must be UTF-8", f"{where}: {name}") for name in broken)
    return select(table, selection, where)


def _header(path: Path, where: str) -> list[str]:
    try:
        # Rows behind the header may be decoded with it; whether they are UTF-8 is found out when they are read.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            return next(csv.reader(file, strict=True), [])
    except csv.Error as error:
        raise DataError(Code.FILE_CORRUPT, "has a header that cannot be read", where=where) from error


def _read(path: Path, selection: Selection, where: str) -> pa.Table:
    ragged: list[pa_csv.InvalidRow] = []
    try:
        table = pa_csv.read_csv(
            path,
            read_options=pa_csv.ReadOptions(use_threads=False),  # only then are rows numbered
            parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=lambda row: _keep(row, ragged)),
            convert_options=_convert_options(selection),
        )
    except pa.ArrowInvalid:
        raise DataError(Code.FILE_CORRUPT, "is no CSV file that can be read", where=where) from None  # the cause quotes the row
    if ragged:
        raise DataError.of(_ragged_fault(row, where) for row in ragged[:_MOST_FAULTS])
    return table


def _convert_options(selection: Selection) -> pa_csv.ConvertOptions:
    return pa_csv.ConvertOptions(
        include_columns=list(selection.columns),
        column_types=dict.fromkeys(instant_columns(selection), pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["true", "True", "TRUE"],
        false_values=["false", "False", "FALSE"],
    )


def _keep(row: pa_csv.InvalidRow, ragged: list[pa_csv.InvalidRow]) -> str:
    ragged.append(row)
    return "skip"


def _ragged_fault(row: pa_csv.InvalidRow, where: str) -> Fault:
    found = f"must have {row.expected_columns} fields like the header, has {row.actual_columns}"
    return Fault(Code.CSV_RAGGED, found, f"{where}: row {row.number} (the header is row 1)")
