"""Where in a CSV file the bytes stop being UTF-8."""

from __future__ import annotations

import codecs

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault
from perennial.stores.files.csv_stream import csv_stream
from perennial.stores.files.part import FilePart

_CHUNK_BYTES = 1 << 20


def not_utf8(part: FilePart) -> DataError:
    """Return the error for a file of which some bytes are no UTF-8."""
    return DataError.of([encoding_fault(part)])


def encoding_fault(part: FilePart) -> Fault:
    """Return DATA_ENCODING with the offset (in the unpacked bytes, from 0) and the row of the first byte that is no UTF-8."""
    offset, row = _first_fault(part)
    message = f"must be UTF-8, is not at byte {offset}"
    return Fault(Code.DATA_ENCODING, message, f"{part.name}: row {row} (the header is row 1)")


def _first_fault(part: FilePart) -> tuple[int, int]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, rows, quoted = 0, 1, False
    with csv_stream(part) as stream:
        while True:
            held = decoder.getstate()[0]
            chunk = stream.read(_CHUNK_BYTES)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                good = chunk[: max(0, error.start - len(held))]
                return offset - len(held) + error.start, rows + _ended(good, quoted)[0]
            if not chunk:
                return offset, rows
            ended, quoted = _ended(chunk, quoted)
            rows, offset = rows + ended, offset + len(chunk)


def _ended(chunk: bytes, quoted: bool) -> tuple[int, bool]:
    """Return how many rows end in *chunk*, and whether it ends inside of quotes; a line break inside of them ends no row."""
    pieces = chunk.split(b'"')
    outside = pieces[1::2] if quoted else pieces[0::2]
    return sum(piece.count(b"\n") for piece in outside), quoted ^ (len(pieces) % 2 == 0)
