"""How much a file may unpack to, found by counting what comes out and never by what the file says of itself."""

from __future__ import annotations

from perennial.core.codes import Code
from perennial.core.errors import DataError

FREE_BYTES = 512 << 20
"""So much may come out of any file: a night of this size is ordinary, and it is never in memory at once."""
MOST_TIMES = 200
"""Beyond that, so many times what is stored. Gzip gives text 5 to 20 times, Parquet a column of few values some 100 times; a file
that was made to do harm gives 1 000 (gzip) or 4 000 times (Parquet, measured)."""


class Inflation:
    """Counts the bytes that come out of one file."""

    def __init__(self, stored: int, where: str) -> None:
        """Count for a file of *stored* bytes."""
        self._left, self._stored, self._where = FREE_BYTES + MOST_TIMES * stored, stored, where

    def count(self, unpacked: int) -> None:
        """Add *unpacked* bytes.

        Raises:
            DataError: DATA_TOO_LARGE.
        """
        self._left -= unpacked
        if self._left < 0:
            allowed = f"{FREE_BYTES >> 20} MB and {MOST_TIMES} times its size"
            raise DataError(Code.DATA_TOO_LARGE, f"must unpack to at most {allowed}, has {self._stored} bytes", where=self._where)
