"""Labels: the latest revision of each, and rows with theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.definition.models import Definition

Positions = npt.NDArray[np.int64]


def latest(labels: pa.Table, definition: Definition) -> pa.Table:
    """Return the last row per entity and event of *labels*, which are sorted by (event_at, entity, available_at)."""
    return pa.Table.from_batches(latest_batches(labels.combine_chunks().to_batches(), definition), labels.schema)


def latest_batches(labels: Iterable[pa.RecordBatch], definition: Definition) -> Iterator[pa.RecordBatch]:
    """Yield the last row per entity and event of *labels*, which are sorted by (event_at, entity, available_at).

    A row is held back until the next one shows that it was the last of its event, so one row is in memory beside each batch.
    """
    key = (*definition.labels.entity, definition.labels.event_at)
    held: pa.RecordBatch | None = None
    for batch in labels:
        if batch.num_rows == 0:
            continue
        if held is not None and _is_other(held, batch.slice(0, 1), key)[0]:
            yield held
        yield batch.slice(0, batch.num_rows - 1).filter(_is_other(batch.slice(0, batch.num_rows - 1), batch.slice(1), key))
        held = batch.slice(batch.num_rows - 1)
    if held is not None:
        yield held


def with_labels(definition: Definition, rows: pa.Table, labels: pa.Table) -> pa.Table:
    """Return those of *rows* that have a label, in their order, with the label column at the end.

    Args:
        definition: The model.
        rows: Rows of the source.
        labels: At most one per entity and event.

    Raises:
        DataError: SCHEMA_TYPE, the two do not name an event alike.
    """
    label_of = _label_of(definition, rows, labels)
    labelled = label_of >= 0
    kept = rows if labelled.all() else rows.filter(pa.array(labelled))
    column = labels.column(definition.label.column).combine_chunks().take(pa.array(label_of[labelled]))
    return kept.append_column(definition.label.column, column)


def unlabelled(rows: pa.Table | pa.RecordBatch, definition: Definition) -> pa.BooleanArray | pa.ChunkedArray:
    """Return whether the label of each row is empty, null or NaN, shape (rows,): there is none yet, or it was withdrawn."""
    return pc.is_null(rows.column(definition.label.column), nan_is_null=True)


def labelled(rows: pa.Table, definition: Definition) -> pa.Table:
    """Return those of *rows* whose label is not empty. What is infinite is no number, but a label all the same."""
    missing = unlabelled(rows, definition)
    return rows.filter(pc.invert(missing)) if pc.any(missing).as_py() else rows


def _label_of(definition: Definition, rows: pa.Table, labels: pa.Table) -> Positions:
    """Return the position of each row's label, or -1, shape (rows,). What is null in its key has none.

    Where each row and the label at its position have the same key, as where both come from one table, nothing is searched. Else a
    key becomes a number, column by column. That costs half of a join by Arrow, and nothing for its import.
    """
    mine, theirs = definition.source, definition.labels
    if _in_step(rows.select([mine.event_at, *mine.entity]), labels.select([theirs.event_at, *theirs.entity])):
        return np.arange(rows.num_rows)
    count, known = 1, np.ones(rows.num_rows + labels.num_rows, dtype=bool)
    codes = np.zeros(len(known), dtype=np.int64)
    for ours, other in zip((mine.event_at, *mine.entity), (theirs.event_at, *theirs.entity), strict=True):
        column = _codes([*_chunks(rows, ours), *_like(labels, other, rows.schema.field(ours).type)])
        known &= column.indices.is_valid().to_numpy(zero_copy_only=False)
        mixed = codes * len(column.dictionary) + column.indices.fill_null(0).to_numpy()
        encoded = _codes([pa.array(mixed)])
        codes, count = encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)
    label_at = np.full(count, -1)
    label_at[codes[rows.num_rows :][known[rows.num_rows :]]] = np.flatnonzero(known[rows.num_rows :])
    return np.where(known[: rows.num_rows], label_at[codes[: rows.num_rows]], -1)


def _in_step(ours: pa.Table, theirs: pa.Table) -> bool:
    """Return whether both have the same keys at the same positions, none of them null."""
    if ours.num_rows != theirs.num_rows or ours.schema.types != theirs.schema.types:
        return False
    return all(pc.all(pc.equal(*pair), skip_nulls=False).as_py() for pair in zip(ours.columns, theirs.columns, strict=True))


def _codes(chunks: Iterable[pa.Array]) -> pa.DictionaryArray:
    return pa.chunked_array(chunks).combine_chunks().dictionary_encode()


def _chunks(rows: pa.Table, name: str) -> list[pa.Array]:
    column = rows.column(name)
    return column.chunks or [pa.array([], column.type)]


def _like(labels: pa.Table, name: str, kind: pa.DataType) -> list[pa.Array]:
    found = labels.schema.field(name).type
    if found != kind:
        raise DataError(Code.SCHEMA_TYPE, f"must be {kind} as in the rows, is {found}", where=f"labels: {name}")
    return _chunks(labels, name)


def _is_other(rows: pa.RecordBatch, following: pa.RecordBatch, key: Iterable[str]) -> pa.BooleanArray:
    """Return whether each row is of another entity or event than the one that follows. What is null is never the same."""
    other = pa.array(np.zeros(rows.num_rows, dtype=bool))
    for name in key:
        differs = pc.fill_null(pc.not_equal(rows.column(name), following.column(name)), fill_value=True)
        other = pc.or_(other, differs)
    return other
