"""Rows in a temporary file, from which they can be read again, any column of them, without memory for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from perennial.core.file_errors import file_errors
from perennial.core.scratch import WHERE


@dataclass(frozen=True, slots=True)
class Landed:
    """The rows in an Arrow IPC file.

    Attributes:
        path: The file.
        kinds: The type by column, in the order of the file.
    """

    path: Path
    kinds: dict[str, pa.DataType]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield *columns* of the rows."""
        names = list(self.kinds)
        wanted = pa.ipc.IpcReadOptions(included_fields=sorted(names.index(name) for name in columns))
        with file_errors(WHERE), pa.OSFile(str(self.path)) as file, pa.ipc.open_file(file, options=wanted) as reader:
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number).select(list(columns))


@contextmanager
def landing(path: Path, kinds: dict[str, pa.DataType]) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Lend a function that adds rows to a new file that ``Landed`` reads.

    Raises:
        RejectedError: STORE_FULL, STORE_DENIED; of this file only, and not of where the rows come from.
        UnavailableError: STORE_UNAVAILABLE.
    """
    with file_errors(WHERE):
        file = pa.OSFile(str(path), "wb")
        writer = pa.ipc.new_file(file, pa.schema(list(kinds.items())))

    def write(rows: pa.RecordBatch) -> None:
        with file_errors(WHERE):
            writer.write_batch(rows)

    try:
        yield write
    finally:
        with file_errors(WHERE), file:
            writer.close()
