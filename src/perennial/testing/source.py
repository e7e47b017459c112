"""A source whose tables are in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.ports import Selection
from perennial.stores.arrow_selection import ordered, select


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
        yield from ordered([select(table, selection, selection.relation)], selection, selection.relation)
