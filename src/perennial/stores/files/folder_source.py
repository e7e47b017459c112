"""Reads rows out of Parquet and CSV files below one folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.file_errors import file_errors
from perennial.ports import Selection
from perennial.stores.files.part import ALLOWED, DiskPart, is_data
from perennial.stores.files.rows import file_rows


class FileSource:
    """A folder of Parquet or CSV files, or of folders that hold the parts of one relation.

    Memory is bounded, whatever the files hold. Parquet that is in order is streamed as it lies; CSV is checked whole before its
    first row is given away, through a temporary file; what is out of order is sorted, on disk where it is large.

    A file that is written to or replaced while it is read is refused, and a retry may help. A CSV that somebody stopped writing
    between two rows, without touching it from the beginning of the read to its end, looks whole: nothing in it says how many rows
    there should be. So a writer gives a file its name when it is whole; what begins with a dot or an underscore is not read.
    """

    def __init__(self, root: Path, *, scratch: Path | None = None) -> None:
        """Remember where the files are.

        Args:
            root: The folder below which everything must lie.
            scratch: The folder for temporary files; by default the system's.
        """
        self._root, self._scratch = root.resolve(), scratch

    def __repr__(self) -> str:
        """Return the folder."""
        return f"FileSource({str(self._root)!r})"

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Yield the selected rows in order, at most 50 000 a batch; see ``ports.Source``."""
        with file_errors(selection.relation):
            yield from file_rows(self._parts(selection.relation), selection, self._scratch)

    def _parts(self, relation: str) -> list[DiskPart]:
        path = self._inside(self._root / relation, relation)
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        inside = [self._inside(part, relation) for part in found if is_data(part.name) and not self._is_hidden(part, path)]
        parts = [DiskPart(str(part.relative_to(self._root)), part, part.stat()) for part in inside if part.is_file()]
        if not parts:
            raise RejectedError(Code.STORE_REJECTED, ALLOWED, where=relation)
        return parts

    def _inside(self, path: Path, relation: str) -> Path:
        resolved = path.resolve()
        if not resolved.is_relative_to(self._root):
            raise RejectedError(Code.STORE_ESCAPE, "must lie below the connection's folder", where=relation)
        return resolved

    def _is_hidden(self, part: Path, folder: Path) -> bool:
        # Writers mark what is not data, or not finished, by a dot or an underscore.
        return part != folder and any(name.startswith((".", "_")) for name in part.relative_to(folder).parts)
