"""Reads rows out of Parquet and CSV files below one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.ports import Selection
from perennial.stores.arrow_selection import ordered
from perennial.stores.csv_part import read_csv_part
from perennial.stores.file_errors import file_errors
from perennial.stores.parquet_part import read_parquet_part

_READERS: dict[str, Callable[[Path, Selection, str], pa.Table]] = {".parquet": read_parquet_part, ".csv": read_csv_part}


class FileSource:
    """A folder of Parquet or CSV files, or of folders that hold the parts of one relation.

    Sorting holds the selected rows in memory; what lies outside the interval is dropped part by part, and in Parquet not even read
    where the file's statistics say so.
    """

    def __init__(self, root: Path) -> None:
        """Remember the folder below which everything must lie."""
        self._root = root.resolve()

    def __repr__(self) -> str:
        """Return the folder."""
        return f"FileSource({str(self._root)!r})"

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Yield the selected rows in order, at most 50 000 a batch; see ``ports.Source``."""
        with file_errors(selection.relation):
            parts = self._parts(selection.relation)
            tables = [_READERS[part.suffix](part, selection, self._name(part)) for part in parts]
        yield from ordered(tables, selection, selection.relation)

    def _parts(self, relation: str) -> list[Path]:
        path = self._inside(self._root / relation, relation)
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        parts = [self._inside(part, relation) for part in found if part.suffix in _READERS and not self._is_hidden(part, path)]
        if not any(part.is_file() for part in parts):
            raise RejectedError(Code.STORE_REJECTED, "must be a .parquet or .csv file, or a folder that holds some", where=relation)
        return [part for part in parts if part.is_file()]

    def _inside(self, path: Path, relation: str) -> Path:
        resolved = path.resolve()
        if not resolved.is_relative_to(self._root):
            raise RejectedError(Code.STORE_ESCAPE, "must lie below the connection's folder", where=relation)
        return resolved

    def _is_hidden(self, part: Path, folder: Path) -> bool:
        # Writers mark what is not data, or not finished, by a dot or an underscore.
        return part != folder and any(name.startswith((".", "_")) for name in part.relative_to(folder).parts)

    def _name(self, part: Path) -> str:
        return str(part.relative_to(self._root))
