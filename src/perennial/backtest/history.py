"""The history of a model, extracted once into files, and read from there as often as nights and windows ask for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.digest import digest_json
from perennial.core.errors import RejectedError
from perennial.core.file_errors import file_errors
from perennial.core.interval import Interval
from perennial.core.receipts import ALL
from perennial.definition.models import Definition
from perennial.ports import Selection, Stores
from perennial.steps.arrays import microseconds
from perennial.steps.extract import read_history
from perennial.stores.arrow_selection import select_rows

_WHERE = "history"


@dataclass(frozen=True, slots=True)
class _File:
    """Rows in the order of time, mapped into memory: *batches*, and in each when its first and its last row happened."""

    batches: tuple[pa.RecordBatch, ...]
    firsts: npt.NDArray[np.int64]
    lasts: npt.NDArray[np.int64]
    schema: pa.Schema


@dataclass(frozen=True, slots=True)
class History:
    """The port ``Source`` over what was extracted.

    Attributes:
        files: By relation and columns.
        digest: SHA-256 of every row.
        rows: How many there are of the source.
    """

    files: dict[tuple[str, tuple[str, ...]], _File]
    digest: str
    rows: int

    @classmethod
    def extracted(cls, definition: Definition, within: Interval, stores: Stores, folder: Path, *, segment: str = ALL) -> Self:
        """Extract all that the definition reads of *within*, as of its end, into *folder*.

        Raises:
            DataError: As the source.
            RejectedError: STORE_FULL, STORE_DENIED.
        """
        files, digests, rows = {}, [], 0
        for number, (selection, batches) in enumerate(read_history(definition, within, stores, segment=segment)):
            path = folder / f"history-{number}.arrow"
            digest, count = _written(path, batches)
            files[selection.relation, selection.columns] = _mapped(path, selection.event_at)
            digests.append(digest)
            rows = rows or count
        return cls(files, digest_json(digests), rows)

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Yield the selected rows in order; see ``ports.Source``."""
        file = self.files.get((selection.relation, selection.columns))
        if file is None:
            raise RejectedError(Code.STORE_REJECTED, "was not extracted", where=selection.relation)
        start, end = microseconds(selection.interval.start), microseconds(selection.interval.end)
        found = False
        for number in range(int(np.searchsorted(file.lasts, start)), int(np.searchsorted(file.firsts, end))):
            batch = file.batches[number]
            at = _moments(batch, selection.event_at)
            first, until = np.searchsorted(at, [start, end])
            if until > first:
                found = True
                yield select_rows(batch.slice(first, until - first), selection)
        if not found:
            yield pa.RecordBatch.from_pylist([], schema=file.schema)


def _written(path: Path, batches: Iterator[pa.RecordBatch]) -> tuple[str, int]:
    hashed, count = hashlib.sha256(), 0
    with file_errors(_WHERE):
        first = next(batches)
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, first.schema) as out:
            for batch in chain([first], batches):
                if batch.num_rows:
                    out.write_batch(batch)
                    hashed.update(batch.serialize())
                    count += batch.num_rows
    return hashed.hexdigest(), count


def _mapped(path: Path, event_at: str) -> _File:
    with file_errors(_WHERE):
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        batches = tuple(reader.get_batch(number) for number in range(reader.num_record_batches))
    ends = np.array([_moments(batch, event_at)[[0, -1]] for batch in batches], np.int64).reshape(-1, 2)
    return _File(batches, ends[:, 0], ends[:, 1], reader.schema)


def _moments(batch: pa.RecordBatch, name: str) -> npt.NDArray[np.int64]:
    return np.asarray(batch.column(name).cast(pa.int64()).to_numpy(zero_copy_only=False), np.int64)
