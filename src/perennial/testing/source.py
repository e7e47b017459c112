"""A source whose tables are in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import DataError, RejectedError
from perennial.ports import Selection
from perennial.stores.arrow_selection import (
    ROWS_PER_BATCH,
    convert_batch,
    file_column_faults,
    select_rows,
    selected_kinds,
    settled,
    sort_columns,
)


class MemorySource:
    """Arrow tables by name, for tests. It passes the same contract tests as the sources over SQL and files."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        """Serve *tables*, each under the relation's name; what the caller adds later is served too."""
        self.tables = tables

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Yield the selected rows in order; see ``ports.Source``."""
        table = self.tables.get(selection.relation)
        if table is None:
            raise RejectedError(Code.STORE_REJECTED, "is not there", where=selection.relation)
        yield from _ordered(_selected(table, selection), selection)


def _selected(table: pa.Table, selection: Selection) -> pa.Table:
    """Return the selected columns and rows of *table*, in canonical types and in the order they stand."""
    where = selection.relation
    if faults := file_column_faults(table.column_names, selection, where):
        raise DataError.of(faults)
    table = table.select(selection.columns)
    schema = settled([selected_kinds({field.name: field.type for field in table.schema}, selection, where)], where)
    found = [select_rows(convert_batch(batch, schema, where), selection) for batch in table.combine_chunks().to_batches()]
    return pa.Table.from_batches(found, schema=schema)


def _ordered(table: pa.Table, selection: Selection) -> Iterator[pa.RecordBatch]:
    """Yield the rows in order, in batches of one schema; at least one batch."""
    rows = table.sort_by([(name, "ascending") for name in sort_columns(selection)]).combine_chunks()
    yield from rows.to_batches(max_chunksize=ROWS_PER_BATCH) or [pa.RecordBatch.from_pylist([], schema=table.schema)]
