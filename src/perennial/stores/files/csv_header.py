"""The names of a CSV file's columns."""

from __future__ import annotations

import csv
import io

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.stores.files.csv_encoding import not_utf8
from perennial.stores.files.csv_stream import csv_stream
from perennial.stores.files.part import FilePart

_FIRST_ESCAPED, _LAST_ESCAPED = "\udc80", "\udcff"  # PEP 383
MOST_BYTES = 1 << 20
"""A header is shorter than this, or it is none."""


def csv_header(part: FilePart) -> list[str]:
    """Return the names in the first row; an empty file has none.

    Raises:
        DataError: FILE_CORRUPT, DATA_TOO_LARGE, DATA_ENCODING.
    """
    head = _head(part)
    try:
        # Rows behind the header may be cut off in the middle; whether they are UTF-8 is found out when they are read.
        text = io.StringIO(head.decode("utf-8-sig", errors="surrogateescape"), newline="")
        names = next(csv.reader(text, strict=len(head) < MOST_BYTES), [])
    except csv.Error:
        raise DataError(Code.FILE_CORRUPT, "has a header that cannot be read", where=part.name) from None
    if len(head) >= MOST_BYTES and text.tell() >= len(text.getvalue()):
        raise DataError(Code.DATA_TOO_LARGE, f"must have a header of less than {MOST_BYTES >> 20} MB", where=part.name)
    if any(_FIRST_ESCAPED <= sign <= _LAST_ESCAPED for name in names for sign in name):
        raise not_utf8(part)
    return names


def _head(part: FilePart) -> bytes:
    head = b""
    with csv_stream(part) as stream:
        while len(head) < MOST_BYTES and (more := stream.read(MOST_BYTES - len(head))):
            head += more
    return head
