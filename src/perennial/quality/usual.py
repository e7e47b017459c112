"""What is usual: the figures of the nights that a champion learnt of, one row a night in a Parquet file."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError
from perennial.quality.night_figures import LEVELS, Night, Numbers

Figures = npt.NDArray[np.float64]

FEWEST_NIGHTS = 14
"""With fewer nights than this nobody can say what is usual: two of each weekday."""
_STRETCH = 3.0
_ODD_NIGHTS = 30
"""One night in so many may be odd at either end without making odd nights usual."""
_TITLE = {b"perennial": b"usual nights 1"}
_OWN = ("start", "rows", "tail", "hole", "copies")
_GAP, _LOW, _HIGH, _MOST, _QUANTILES = 0, 1, 2, 3, 4
_WIDTH = _QUANTILES + len(LEVELS)


@dataclass(frozen=True, slots=True)
class UsualNumbers:
    """Where a column's numbers lay, by night. Nights in which it had none are left out.

    Attributes:
        low: Shape (nights,), the least number of each.
        high: Shape (nights,), the greatest.
        most: Shape (nights,), the share of the most frequent value.
        quantiles: Shape (nights, 5), at ``LEVELS``.
    """

    low: Figures
    high: Figures
    most: Figures
    quantiles: Figures


@dataclass(frozen=True, slots=True)
class Usual:
    """The figures of usual nights, in the order of time.

    Attributes:
        starts_us: Shape (nights,), when each began, microseconds since 1970.
        rows: Shape (nights,).
        tail: Shape (nights,), hours, as in :class:`Night`.
        hole: Shape (nights,), hours.
        copies: Shape (nights,), NaN where nothing was looked at.
        columns: Shape (nights, 9) by column: longest gap in hours, least, greatest, share of the most frequent value, quantiles.
    """

    starts_us: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    tail: Figures
    hole: Figures
    copies: Figures
    columns: Mapping[str, Figures]

    @property
    def nights(self) -> int:
        """How many nights there are."""
        return len(self.starts_us)

    def gaps(self, column: str) -> Figures:
        """Return the longest time without a value of *column*, hours, shape (nights,); empty where it was not looked at."""
        return self.columns[column][:, _GAP] if column in self.columns else np.empty(0)

    def numbers(self, column: str) -> UsualNumbers | None:
        """Return where the numbers of *column* lay; None where too few nights had any."""
        found = self.columns.get(column, np.empty((0, _WIDTH)))
        found = found[np.isfinite(found[:, _LOW])]
        if len(found) < FEWEST_NIGHTS:
            return None
        return UsualNumbers(found[:, _LOW], found[:, _HIGH], found[:, _MOST], found[:, _QUANTILES:])

    def to_parquet(self) -> bytes:
        """Return the figures as a Parquet file; equal figures give equal bytes."""
        lists = {name: pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), _WIDTH) for name, rows in self.columns.items()}
        own = [self.starts_us, self.rows, self.tail, self.hole, self.copies]
        names = [*_OWN, *(f"column {name}" for name in lists)]
        table = pa.Table.from_arrays([*map(pa.array, own), *lists.values()], names=names).replace_schema_metadata(_TITLE)
        file = io.BytesIO()
        pq.write_table(table, file, compression="zstd")
        return file.getvalue()

    @classmethod
    def from_parquet(cls, content: bytes) -> Usual:
        """Return what :meth:`to_parquet` wrote.

        Raises:
            ArtifactError: ARTIFACT_FORMAT.
        """
        try:
            table = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
        except pa.ArrowException as error:
            raise ArtifactError(Code.ARTIFACT_FORMAT, "must be a Parquet file of usual nights", where="usual") from error
        if (table.schema.metadata or {}).get(b"perennial") != _TITLE[b"perennial"]:
            raise ArtifactError(Code.ARTIFACT_FORMAT, "must be a Parquet file of usual nights, version 1", where="usual")
        starts_us, rows, tail, hole, copies = (table.column(name).to_numpy() for name in _OWN)
        columns = {name.removeprefix("column "): _rows(table.column(name)) for name in table.column_names[len(_OWN) :]}
        return cls(starts_us, rows, tail, hole, copies, columns)


def usual(nights: Sequence[tuple[int, Night]], columns: Sequence[str]) -> Usual:
    """Return the figures of *nights*, each with its start in microseconds since 1970, for *columns*."""
    each = [night for _, night in nights]
    return Usual(
        starts_us=np.array([start for start, _ in nights], np.int64),
        rows=np.array([night.rows for night in each], np.int64),
        tail=np.array([night.tail for night in each], np.float64),
        hole=np.array([night.hole for night in each], np.float64),
        copies=np.array([np.nan if night.copies is None else night.copies for night in each], np.float64),
        columns={name: np.array([_row(night, name) for night in each], np.float64).reshape(-1, _WIDTH) for name in columns},
    )


def ends(values: Figures) -> tuple[float, float]:
    """Return between which two figures usual nights lie: all of *values*, shape (nights,), but the oddest thirtieth at each end.

    Examples:
        >>> ends(np.array([3.0, 1.0, 2.0]))
        (1.0, 3.0)
    """
    ordered = np.sort(values[np.isfinite(values)])
    odd = len(ordered) // _ODD_NIGHTS
    return float(ordered[odd]), float(ordered[-1 - odd])


def limit(values: Figures, least: float) -> float:
    """Return the figure above which a night is no usual one.

    It lies three times as far above the median as the greatest usual figure, for some night will always be the greatest. Of what
    comes at random, the longest waits of nights are so far apart (Gumbel) that one good night in several thousands lies above.

    Args:
        values: Shape (nights,), of usual nights.
        least: What is never a fault.

    Examples:
        >>> limit(np.array([1.0, 1.0, 3.0]), 0.0)
        7.0
    """
    _, high = ends(values)
    middle = float(np.nanmedian(values))
    return max(least, middle + _STRETCH * (high - middle))


def _row(night: Night, column: str) -> list[float]:
    found: Numbers | None = night.numbers.get(column)
    told = [np.nan] * (_WIDTH - 1) if found is None else [found.low, found.high, found.most, *found.quantiles]
    return [night.gaps[column], *told]


def _rows(column: pa.ChunkedArray) -> Figures:
    whole = column.combine_chunks()
    return np.asarray(whole.flatten().to_numpy(zero_copy_only=False), np.float64).reshape(-1, _WIDTH)
