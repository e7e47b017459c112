"""The bytes of a CSV file, unpacked and counted, and its quotes looked at."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.stores.files.csv_quotes import Quotes
from perennial.stores.files.inflation import Inflation
from perennial.stores.files.part import FilePart, compression


class _Counted(io.RawIOBase):
    """Reads another stream, and looks at what comes out."""

    def __init__(self, stream: BinaryIO | pa.NativeFile, inflation: Inflation | None, quotes: Quotes | None) -> None:
        self._stream, self._inflation, self._quotes = stream, inflation, quotes

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content: bytes = self._stream.read(size)
        if self._inflation:
            self._inflation.count(len(content))
        if self._quotes:
            self._quotes.check(content)
        return content


@contextmanager
def csv_stream(part: FilePart, *, quotes: bool = False) -> Iterator[BinaryIO]:
    """Open a CSV file, whatever its compression.

    Args:
        part: The file.
        quotes: Refuse quotes that stand where none may. For those who read to the end.

    Raises:
        DataError: DATA_TOO_LARGE, while reading, from where it unpacks to more than is allowed; FILE_CORRUPT.
    """
    codec = compression(part.name)
    with packed_errors(part.name), part.opened() as file:
        stream = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), codec) if codec else file
        inflation = Inflation(part.size, part.name) if codec else None
        yield _Counted(stream, inflation, Quotes(part.name) if quotes else None)  # type: ignore[misc] # all that is used of one


@contextmanager
def packed_errors(where: str) -> Iterator[None]:
    """Turn what Arrow says about bytes that cannot be unpacked into FILE_CORRUPT; leave what the operating system says."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            raise
        raise DataError(Code.FILE_CORRUPT, "cannot be unpacked", where=where) from None
