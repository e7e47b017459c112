"""Whether the quotes of a CSV file stand where quotes may, so that no reader swallows rows between two of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from perennial.core.codes import Code
from perennial.core.errors import DataError

_QUOTE = ord('"')
_BESIDE = np.zeros(256, dtype=bool)
_BESIDE[list(b',\r\n"')] = True
"""What may stand before a quote that opens and after one that closes: a comma, a line break; or a quote, and two are one."""
_MARK = b"\xef\xbb\xbf"


class Quotes:
    """Looks at a file's bytes, piece by piece: a quote stands around a whole value, and inside of one it is doubled (RFC 4180)."""

    def __init__(self, where: str) -> None:
        """Begin at the start of the file *where*."""
        self._where, self._seen, self._count, self._before = where, 0, 0, b"\n"

    def check(self, piece: bytes) -> None:
        """Look at the next bytes; none at all are the end.

        Raises:
            DataError: FILE_CORRUPT.
        """
        if not piece and self._count % 2:
            raise DataError(Code.FILE_CORRUPT, "ends inside of quotes", where=self._where)
        if self._seen == 0 and piece.startswith(_MARK):
            piece, self._seen = piece[len(_MARK) :], len(_MARK)
        if b'"' in piece or self._before == b'"':
            self._look(np.frombuffer(self._before + piece, dtype=np.uint8))
        self._seen += len(piece)
        self._before = piece[-1:] or self._before

    def _look(self, found: npt.NDArray[np.uint8]) -> None:
        """Look at *found*, of which the first byte was there before."""
        quotes = np.flatnonzero(found[1:] == _QUOTE) + 1
        opens = (np.arange(len(quotes)) + self._count) % 2 == 0
        closes = quotes[~opens]
        if found[0] == _QUOTE and self._count % 2 == 0:
            closes = np.concatenate([[0], closes])
        wrong = [*quotes[opens][~_BESIDE[found[quotes[opens] - 1]]]]
        closes = closes[closes < len(found) - 1]
        wrong += [*closes[~_BESIDE[found[closes + 1]]]]
        if wrong:
            message = "must have quotes only around whole values, and doubled inside of them; has another"
            raise DataError(Code.FILE_CORRUPT, f"{message} at byte {self._seen + min(wrong) - 1}", where=self._where)
        self._count += len(quotes)
