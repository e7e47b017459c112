"""One quick look at every row's moments and key in a SQLite table, before its rows are read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perennial.ports import Selection
from perennial.stores.arrow_selection import deciding_columns, instant_columns, rows_inside, sort_columns
from perennial.stores.arrow_types import INSTANT
from perennial.stores.key_order import KeyOrder
from perennial.stores.sql.sqlite_moments import Writing

ROW, ODD = "perennial_row", "perennial_odd"
"""The number that SQLite gives a row; whether a moment of it is bytes, which ADBC would give as text."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of a table.

    Attributes:
        rows: The numbers of the first and of the last selected row; None where none is.
        unbroken: All rows from the first to the last selected one are selected.
        ordered: The selected rows stand in the promised order, and no two have the same key.
        writings: How each column of moments is written; None where in more than one way.
    """

    rows: tuple[int, int] | None
    unbroken: bool
    ordered: bool
    writings: dict[str, Writing | None]


def key_columns(selection: Selection) -> tuple[str, ...]:
    """Return event_at, the entity and available_at, in the order they sort."""
    first = (*selection.entity, *instant_columns(selection))
    return tuple(name for name in sort_columns(selection) if name in first)


def surveyed_columns(selection: Selection) -> tuple[str, ...]:
    """Return the columns that are looked at: those of the key, and those that say whether a row is selected."""
    return tuple(dict.fromkeys((*key_columns(selection), *deciding_columns(selection))))


def survey(batches: Iterable[pa.RecordBatch], selection: Selection) -> Survey | None:
    """Return what a look at all rows shows, or None where a moment cannot be read at once.

    Args:
        batches: Of ``ROW``, ``ODD`` and ``surveyed_columns``, in the order of ``ROW``; moments are text.
        selection: What will be read.
    """
    moments, keys = instant_columns(selection), key_columns(selection)
    order, stretch, writings = KeyOrder(keys), _Stretch(), _Writings(moments)
    for batch in batches:
        parsed = _parsed(batch, moments)
        if parsed is None:
            return None
        writings.add(batch)
        inside = rows_inside(parsed, selection)
        chosen = parsed if inside is None else parsed.filter(inside)
        order.add(chosen.select(keys))
        stretch.add(batch.num_rows, inside, chosen.column(ROW))
    return Survey(stretch.rows, stretch.is_unbroken(), order.strict, writings.found)


def _parsed(batch: pa.RecordBatch, moments: tuple[str, ...]) -> pa.RecordBatch | None:
    """Return *batch* with its moments as such, or None where one is in no form that Arrow reads, or no text."""
    if pc.max(batch.column(ODD)).as_py():
        return None
    for name in moments:
        column = batch.column(name)
        if column.type != pa.string() and column.null_count < len(column):
            return None
        try:
            column.validate(full=True)
            parsed = (column if column.type == pa.string() else pa.nulls(len(column), pa.string())).cast(INSTANT)
        except pa.ArrowInvalid:
            return None
        batch = batch.set_column(batch.schema.get_field_index(name), name, parsed)
    return batch


class _Stretch:
    """From where to where the selected rows lie among those seen, and how many they are."""

    def __init__(self) -> None:
        self.rows: tuple[int, int] | None = None
        self._seen, self._selected, self._first, self._last = 0, 0, 0, 0

    def add(self, number: int, inside: pa.Array | None, selected: pa.Array) -> None:
        """Go on with *number* rows, of which those *inside* (None: all) are selected; these are in SQLite *selected*."""
        if len(selected):
            places = (0, number - 1) if inside is None else np.flatnonzero(inside.to_numpy(zero_copy_only=False))[[0, -1]]
            if self.rows is None:
                self.rows, self._first = (selected[0].as_py(),) * 2, self._seen + int(places[0])
            self.rows, self._last = (self.rows[0], selected[-1].as_py()), self._seen + int(places[1])
        self._seen += number
        self._selected += len(selected)

    def is_unbroken(self) -> bool:
        """Return whether no row that is not selected stands between two that are."""
        return self._last - self._first + 1 == self._selected


class _Writings:
    """The one way in which each column is written, as far as rows were seen."""

    def __init__(self, moments: tuple[str, ...]) -> None:
        self.found: dict[str, Writing | None] = dict.fromkeys(moments)
        self._open = set(moments)
        self._seen: set[str] = set()

    def add(self, batch: pa.RecordBatch) -> None:
        """Go on with the texts of *batch*."""
        for name in sorted(self._open):
            texts = batch.column(name).drop_null()
            if len(texts) and not self._fits(name, texts):
                self._open.discard(name)
                self.found[name] = None

    def _fits(self, name: str, texts: pa.StringArray) -> bool:
        if name not in self._seen:
            self._seen.add(name)
            self.found[name] = Writing.of(texts[0].as_py())
        writing = self.found[name]
        return writing is not None and writing.is_of_all(texts)
