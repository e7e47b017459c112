"""Whether DuckDB had no space for its temporary files. It has no code for that, so its words must tell."""

from __future__ import annotations

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.scratch import WHERE

_KINDS = ("IO Error: ", "Out of Memory Error: ")
"""How the errors begin that quote no value, in which anything might be written. In the middle of a read all are OSErrors."""
_WORDS = ("No space left", "Disk quota exceeded", "File too large", "max_temp_directory_size")
"""The operating system's words for what cannot be written, and DuckDB's own: it stops by itself short of a full disk."""


def space_error(error: Exception) -> RejectedError | None:
    """Return our error where *error* of DuckDB says that a disk or a quota is full, or else None."""
    if str(error).startswith(_KINDS) and any(words in str(error) for words in _WORDS):
        return RejectedError(
            Code.STORE_FULL, "has no space left to sort in", where=WHERE, fix="Free some space, or run perennial gc."
        )
    return None
