"""As much of Thrift's compact protocol as the footer and the page headers of a Parquet file need.

References:
    Apache Thrift, thrift-compact-protocol.md; Apache Parquet, parquet.thrift.
"""

from __future__ import annotations

from typing import TypeAlias

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12
_LONG_LIST = 15
_MOST_BITS = 70
_MOST_DEPTH = 8
_MOST_IN_LIST = 50_000
"""Arrow spends up to 1.5 kB on an element that takes a few bytes in a file."""
Value: TypeAlias = "int | bool | bytes | list[Value] | Struct | None"
Struct = dict[int, Value]


class TooManyError(Exception):
    """A struct holds more values than memory should be spent on: one of a byte in a file takes up to 140 here."""


class Reader:
    """Reads one struct after another out of *data*.

    Raises:
        TooManyError: They hold more values than allowed.
        ValueError: The bytes are no struct.
        IndexError: The bytes end before the struct does.
    """

    def __init__(self, data: bytes, most: int) -> None:
        """Begin at the first byte of *data*, to read at most *most* values, those inside of lists and structs included."""
        self._data, self._left, self.at = data, most, 0

    def struct(self, depth: int = 0) -> Struct:
        """Return the next struct: its values by field number."""
        if depth > _MOST_DEPTH:
            raise ValueError(depth)
        fields: Struct = {}
        number = 0
        while head := self._byte():
            self._take(1)
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            kind = head & 15
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Value:
        if kind in (_I16, _I32, _I64):
            return self._zigzag()
        if kind in (_BYTE, _DOUBLE, _TRUE, _FALSE):  # in a list a truth value has a byte of its own
            return self._bytes(8 if kind == _DOUBLE else 1)
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind in (_LIST, _SET):
            return self._list(depth)
        if kind == _STRUCT:
            return self.struct(depth + 1)
        raise ValueError(kind)

    def _list(self, depth: int) -> list[Value]:
        head = self._byte()
        count = self._varint() if head >> 4 == _LONG_LIST else head >> 4
        if count > _MOST_IN_LIST:
            raise TooManyError
        self._take(count)
        return [self._value(head & 15, depth + 1) for _ in range(count)]

    def _take(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise TooManyError

    def _bytes(self, count: int) -> bytes:
        self._pass(count)
        return self._data[self.at - count : self.at]

    def _pass(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise IndexError(self.at)

    def _byte(self) -> int:
        self._pass(1)
        return self._data[self.at - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, _MOST_BITS, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:  # noqa: PLR2004 - the highest bit says that more follows
                return value
        raise ValueError(value)

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
