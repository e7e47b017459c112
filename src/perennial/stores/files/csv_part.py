"""Lands the selected rows of one CSV file: reads all of it, says all that is wrong with it, and keeps what is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perennial.core.errors import DataError
from perennial.ports import Selection
from perennial.stores.arrow_selection import among_faults, deciding_columns, file_column_faults, instant_columns, rows_inside
from perennial.stores.arrow_types import INSTANT, type_faults
from perennial.stores.declared import declared_kind
from perennial.stores.files.csv_faults import CsvFaults
from perennial.stores.files.csv_guess import NAIVE, Guess
from perennial.stores.files.csv_header import csv_header
from perennial.stores.files.csv_text import CsvText
from perennial.stores.files.csv_values import values
from perennial.stores.files.landed import Landed, landing
from perennial.stores.files.part import FilePart

Positions = npt.NDArray[np.int64]


def land_csv(part: FilePart, selection: Selection, folder: Path) -> Landed:
    """Read a CSV file into a file in *folder* with the selected rows in canonical types.

    Only an empty field is missing, and in a column of text only one without quotes; ``NA``, ``nan`` and ``null`` are text, and
    a fault in any other column. The type of a column is the declared one, else the narrowest that holds every value of the file;
    to find it out, the file is read twice.

    Raises:
        DataError: CSV_RAGGED, DATA_ENCODING, DATA_NULL_TOKEN, DATA_DATE_AMBIGUOUS, DATA_INT_PRECISION, DATA_TOO_LARGE,
            FILE_CORRUPT, SCHEMA_MISSING, SCHEMA_EXTRA, SCHEMA_DUPLICATE, SCHEMA_TYPE, TIME_NAIVE; up to 20 faults at once.
    """
    names = csv_header(part)
    wrong = file_column_faults(names, selection, part.name)
    once = tuple(name for name in selection.columns if names.count(name) == 1)
    if len(names) == 1 or not once:
        raise DataError.of(wrong)
    text = CsvText(part, names, once)
    faults = CsvFaults(text, wrong)
    kinds = _kinds(text, selection, faults)
    path = folder / "rows.arrow"
    with landing(path, kinds) as write:
        for position, texts in text.batches():
            rows = _converted(_utf8(texts, faults), kinds, selection, faults, position)
            if rows is not None and not faults:
                write(rows)
    faults.refuse()
    return Landed(path, kinds)


def _kinds(text: CsvText, selection: Selection, faults: CsvFaults) -> dict[str, pa.DataType]:
    """Return the canonical type of each column: declared, a moment, or found out."""
    declared = selection.declared or {}
    known = {name: declared_kind(declared, name) for name in text.columns}
    known |= {name: INSTANT for name in instant_columns(selection) if name in known}
    unknown = [name for name, kind in known.items() if kind is None]
    found = _guessed(text, unknown, faults) if unknown else {}
    faults.say(type_faults({name: kind for name, kind in found.items() if kind == NAIVE}, (), text.part.name))
    # Text where the model needs numbers is read as numbers: that says which row is none, and why.
    found |= {name: pa.float64() for name in selection.numeric if found.get(name) == pa.string()}
    kinds = {name: found.get(name, kind) for name, kind in known.items() if found.get(name) != NAIVE}
    faults.say(among_faults(kinds, selection.among, text.part.name))
    return kinds


def _guessed(text: CsvText, columns: list[str], faults: CsvFaults) -> dict[str, pa.DataType]:
    guess = Guess(columns)
    for _, texts in text.batches():
        guess.add(_utf8(texts, faults))
    return guess.kinds()


def _utf8(texts: pa.RecordBatch, faults: CsvFaults) -> pa.RecordBatch:
    """Return *texts* if they are UTF-8; else nothing more can be read of the file."""
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        faults.refuse_encoding()
    return texts


def _converted(
    texts: pa.RecordBatch, kinds: dict[str, pa.DataType], selection: Selection, faults: CsvFaults, before: int
) -> pa.RecordBatch | None:
    """Return the selected rows of *texts*, or None where a value that decides about it is at fault."""
    every = np.arange(before, before + texts.num_rows)
    wanted = deciding_columns(selection)
    deciding = {name: _column(texts, name, kinds[name], faults, every) for name in wanted if name in kinds}
    if any(column is None for column in deciding.values()) or len(deciding) < len(wanted):
        inside, positions = None, every
    else:
        inside = rows_inside(pa.RecordBatch.from_pydict(deciding), selection)
        positions = every if inside is None else every[inside.to_numpy(zero_copy_only=False)]
    chosen = texts if inside is None else texts.filter(inside)
    found = {
        name: _column(chosen, name, kind, faults, positions) if name not in deciding else _chosen(deciding[name], inside)
        for name, kind in kinds.items()
    }
    if any(column is None for column in found.values()):
        return None
    return pa.RecordBatch.from_arrays(list(found.values()), schema=pa.schema(list(kinds.items())))


def _chosen(column: pa.Array | None, inside: pa.Array | None) -> pa.Array | None:
    return column if column is None or inside is None else column.filter(inside)


def _column(texts: pa.RecordBatch, name: str, kind: pa.DataType, faults: CsvFaults, positions: Positions) -> pa.Array | None:
    """Return a column's values, or None where one is at fault."""
    if faults.has(name):
        return None
    if pa.types.is_null(kind):
        return pa.nulls(texts.num_rows)
    found = values(texts.column(name), kind)
    if isinstance(found, list):
        faults.add(name, kind, found, lambda row: int(positions[row]))
        return None
    return found
