"""What the footer of a Parquet file says of its row groups, read with care.

pyarrow's own view of a damaged footer ends the process: what its C++ throws passes its Python edge in some places.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.stores.files.thrift_compact import Reader, Struct, TooManyError, Value

TAIL_BYTES = 8
"""The footer's length, and the letters PAR1."""
MOST_BYTES = 16 << 20
MOST_VALUES = 2_000_000
"""Some 40 for each column of each row group, so 500 columns in 100 row groups. They take at most 260 MB, for a moment."""
_INT64 = 2


@dataclass(frozen=True, slots=True)
class Chunk:
    """The values of one column in one row group.

    Attributes:
        start: Where its first page begins in the file.
        length: How many bytes its pages have.
        bounds: The least and the greatest value where they are whole numbers of 64 bits and the footer tells them.
    """

    start: int
    length: int
    bounds: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Group:
    """A row group: how many rows it has, and its columns by name (those inside of other columns with dots)."""

    rows: int
    chunks: dict[str, Chunk]


def footer_groups(path: Path, where: str) -> list[Group]:
    """Return the row groups of the Parquet file at *path*.

    Args:
        path: The file.
        where: Its name, for messages.

    Raises:
        DataError: DATA_TOO_LARGE.
        ValueError: The footer is none.
        IndexError: It ends before it should.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL_BYTES))
        length = int.from_bytes(file.read(4), "little")
        if length > size - TAIL_BYTES:
            raise ValueError(length)
        if length > MOST_BYTES:
            raise _too_large(where)
        file.seek(size - TAIL_BYTES - length)
        try:
            found = Reader(file.read(length), MOST_VALUES).struct()
        except TooManyError:
            raise _too_large(where) from None
    return [_group(_struct(group), size) for group in _list(found.get(4))]


def _too_large(where: str) -> DataError:
    allowed = f"must have a footer of at most {MOST_BYTES >> 20} MB and {MOST_VALUES} values"
    return DataError(Code.DATA_TOO_LARGE, f"{allowed}, has a larger one: write fewer row groups", where=where)


def _group(group: Struct, size: int) -> Group:
    chunks = [_chunk(_struct(_struct(chunk).get(3)), size) for chunk in _list(group.get(1))]
    return Group(_whole(group.get(3)), dict(chunks))


def _chunk(column: Struct, size: int) -> tuple[str, Chunk]:
    name = b".".join(_bytes(part) for part in _list(column.get(3))).decode()
    dictionary = column.get(11)
    starts = [_whole(column.get(9)), *([dictionary] if isinstance(dictionary, int) and dictionary > 0 else [])]
    start, length = min(starts), _whole(column.get(7))
    if start + length > size:
        raise ValueError(start)
    return name, Chunk(start, length, _bounds(column.get(12)) if column.get(1) == _INT64 else None)


def _bounds(statistics: Value) -> tuple[int, int] | None:
    least, greatest = (statistics.get(number) if isinstance(statistics, dict) else None for number in (6, 5))
    if not (isinstance(least, bytes) and isinstance(greatest, bytes) and len(least) == len(greatest) == 8):  # noqa: PLR2004 - 64 bits
        return None
    return int.from_bytes(least, "little", signed=True), int.from_bytes(greatest, "little", signed=True)


def _struct(value: Value) -> Struct:
    if isinstance(value, dict):
        return value
    raise ValueError(type(value))


def _list(value: Value) -> list[Value]:
    if isinstance(value, list):
        return value
    raise ValueError(type(value))


def _bytes(value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    raise ValueError(type(value))


def _whole(value: Value) -> int:
    if isinstance(value, int) and value >= 0:
        return value
    raise ValueError(type(value))
