"""What the pages of a Parquet file unpack to, as their own headers say it, which the reader holds them to.

The footer's sizes bind nobody: a file whose footer says 0 MB can hold pages of 2 GB, and Arrow allocates what a page's header says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.stores.files.parquet_footer import Chunk
from perennial.stores.files.thrift_compact import Reader, Struct, TooManyError

MOST_PAGE_BYTES = 256 << 20
"""Unpacked, the largest pages of all columns of a row group together: all are in memory at once. Writers make pages of 1 MB."""
_HEADER_BYTES = 16 << 10
_LONGEST_HEADER = 16 << 20
"""A header may carry the least and the greatest value of its page."""
_MOST_IN_HEADER = 1_000
"""A header has some 20 values."""
_DICTIONARY_PAGE = 2
_DELTA_BYTE_ARRAY = 7


@dataclass(slots=True)
class Pages:
    """What the pages of one column chunk unpack to.

    Attributes:
        unpacked: Bytes of all pages.
        largest: Bytes of the largest page, and of the dictionary beside it.
        dictionary: Whether it has a dictionary, so that few bytes can stand for many.
        delta: Whether a value may consist of the one before and a little more, so that few bytes can stand for many.
    """

    unpacked: int = 0
    largest: int = 0
    dictionary: int = 0
    delta: bool = False


def column_pages(file: BinaryIO, chunk: Chunk, where: str) -> Pages:
    """Return what the pages of *chunk* unpack to, by their headers in *file*.

    Raises:
        DataError: FILE_CORRUPT, DATA_TOO_LARGE.
    """
    found = Pages()
    data = 0
    for header in _headers(file, chunk, where):
        unpacked = _number(header, 2)
        found.unpacked += unpacked
        if header.get(1) == _DICTIONARY_PAGE:
            found.dictionary = max(found.dictionary, unpacked)
        else:
            data = max(data, unpacked)
        found.delta |= _DELTA_BYTE_ARRAY in (_encoding(header, 5, 2), _encoding(header, 8, 4))
    found.largest = found.dictionary + data
    if found.largest > MOST_PAGE_BYTES:
        raise too_large(where)
    return found


def too_large(where: str) -> DataError:
    """Return the error for pages that no memory should be spent on."""
    return DataError(
        Code.DATA_TOO_LARGE, f"must have pages of at most {MOST_PAGE_BYTES >> 20} MB unpacked, has larger", where=where
    )


def _headers(file: BinaryIO, chunk: Chunk, where: str) -> Iterator[Struct]:
    at, end = chunk.start, chunk.start + chunk.length
    while at < end:
        header, size = _header(file, at, where)
        packed = _number(header, 3)
        if packed < 0 or _number(header, 2) < 0:
            raise corrupt(where)
        yield header
        at += size + packed


def _header(file: BinaryIO, at: int, where: str) -> tuple[Struct, int]:
    for length in (_HEADER_BYTES, _LONGEST_HEADER):
        file.seek(at)
        reader = Reader(file.read(length), _MOST_IN_HEADER)
        try:
            return reader.struct(), reader.at
        except IndexError:
            continue
        except (ValueError, TooManyError):
            break
    raise corrupt(where)


def corrupt(where: str) -> DataError:
    """Return the error for a file that cannot be read."""
    return DataError(Code.FILE_CORRUPT, "is no Parquet file that can be read", where=where)


def _number(header: Struct, field: int) -> int:
    value = header.get(field)
    return value if isinstance(value, int) else -1


def _encoding(header: Struct, part: int, field: int) -> int:
    inner = header.get(part)
    return _number(inner, field) if isinstance(inner, dict) else -1
