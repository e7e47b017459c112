"""The rows of a CSV file as texts, each row with its number, and the rows that are none."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.csv as pa_csv

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault
from perennial.stores.files.csv_stream import csv_stream
from perennial.stores.files.part import FilePart

BLOCK_BYTES = 4 << 20
"""What is parsed at once, and so the longest row."""
MOST_RAGGED = 10_000
"""After so many rows with too many or too few fields a file is not read on: nothing of it is taken anyway."""
_FIRST = 2
"""The number of the first row behind the header."""


@dataclass(slots=True)
class CsvText:
    """The texts of some columns of one file.

    Attributes:
        part: The file.
        names: What its columns are called.
        columns: Those that are read.
        ragged: The rows with too many or too few fields that were met so far: number and fields; at most 10 000.
    """

    part: FilePart
    names: list[str]
    columns: tuple[str, ...]
    ragged: list[tuple[int, int]] = field(default_factory=list)

    def batches(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield how many good rows were there before, and the next ones, whose texts may not be UTF-8; null is an empty field.

        This ends early where there are too many ragged rows.

        Raises:
            DataError: FILE_CORRUPT, DATA_TOO_LARGE.
        """
        self.ragged.clear()
        position = 0
        with csv_stream(self.part, quotes=True) as stream, _parse_errors(self):
            reader = pa_csv.open_csv(
                stream,
                read_options=pa_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),  # only then are rows numbered
                parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=self._keep),
                convert_options=self._convert_options(),
            )
            for batch in reader:
                yield position, batch
                position += batch.num_rows

    def number(self, position: int) -> int:
        """Return the number of the good row at *position* among all rows; the header is row 1, and empty lines do not count."""
        number = position + _FIRST
        while (found := position + _FIRST + bisect_right(self.ragged, (number, sys.maxsize))) != number:
            number = found
        return number

    def ragged_faults(self, most: int) -> list[Fault]:
        """Return a CSV_RAGGED for each of the first *most* rows with too many or too few fields."""
        allowed = f"must have {len(self.names)} fields like the header"
        return [Fault(Code.CSV_RAGGED, f"{allowed}, has {found}", self.place(row)) for row, found in self.ragged[:most]]

    def is_given_up(self) -> bool:
        """Return whether there are so many ragged rows that the file is not read on."""
        return len(self.ragged) >= MOST_RAGGED

    def place(self, row: int) -> str:
        """Return where row *row* is."""
        return f"{self.part.name}: row {row} (the header is row 1)"

    def _keep(self, row: pa_csv.InvalidRow) -> str:
        if self.is_given_up():
            return "error"
        self.ragged.append((row.number, row.actual_columns))
        return "skip"

    def _convert_options(self) -> pa_csv.ConvertOptions:
        return pa_csv.ConvertOptions(
            include_columns=list(self.columns),
            column_types=dict.fromkeys(self.columns, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            check_utf8=False,  # a column that is not is named with its row, later
        )


class _parse_errors:  # noqa: N801 - a context manager that generators can hold open
    """Turns what Arrow says about a CSV file into our errors; its own words quote the row."""

    def __init__(self, text: CsvText) -> None:
        self._text = text

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        """Raise our error instead of Arrow's, but for the one that we caused."""
        if not isinstance(error, pa.ArrowInvalid):
            return False
        if self._text.is_given_up():
            return True
        if "straddl" in str(error):
            message = f"must have rows of at most {BLOCK_BYTES >> 20} MB, has a longer one, or a quote that is never closed"
            raise DataError(Code.DATA_TOO_LARGE, message, where=self._text.part.name) from None
        raise DataError(Code.FILE_CORRUPT, "is no CSV file that can be read", where=self._text.part.name) from None
