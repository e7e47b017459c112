"""Reads a SQLite table through ADBC, straight into Arrow.

SQLite has no timestamps, and nothing keeps a table from holding anything anywhere. So every row's moments are looked at first, and
only a table in which all are moments is read here. Whatever else there is, the plain stream reads or refuses.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa
from adbc_driver_manager import Error
from adbc_driver_manager.dbapi import Cursor
from adbc_driver_sqlite import StatementOptions, dbapi

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault
from perennial.core.read_ahead import read_ahead
from perennial.ports import Selection
from perennial.stores.arrow_selection import ROWS_PER_BATCH, among_faults, instant_columns, select_rows
from perennial.stores.arrow_types import INSTANT
from perennial.stores.sql.adbc_errors import adbc_errors
from perennial.stores.sql.adbc_stream import adbc_batches
from perennial.stores.sql.batches import settled_batches
from perennial.stores.sql.sqlite_moments import Writing
from perennial.stores.sql.sqlite_statement import key_scan, row_scan, text_scan
from perennial.stores.sql.sqlite_survey import ROW, Survey, survey
from perennial.stores.sql.sqlite_table import declared_types, kind_of, raw_kind
from perennial.stores.sql.statement import is_table

_MISMATCH = re.compile(r"Type mismatch in column (\d+)")


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a table is read: the statement (None where no row is selected), and the canonical types of its columns."""

    statement: str | None
    kinds: Mapping[str, pa.DataType]


@contextmanager
def scanning(engine: sa.Engine, selection: Selection, where: str) -> Iterator[Iterator[pa.RecordBatch] | None]:
    """Lend the selected rows in order, or None where the plain stream must read. All happens in one transaction.

    Args:
        engine: From ``reading_engine``.
        selection: What is asked for.
        where: The table, for error messages.

    Raises:
        DataError: SCHEMA_TYPE, TIME_NAIVE, DATA_ENCODING, DATA_INT_PRECISION.
        UnavailableError: STORE_UNAVAILABLE.
    """
    with ExitStack() as stack:
        cursor, plan = None, None
        try:
            cursor = _cursor(engine.url, selection, stack)
            plan = _plan(cursor, selection, where) if cursor else None
        except (Error, OSError):
            pass  # what is wrong, the stream says in its own driver's words
        if cursor is None or plan is None:
            stack.close()  # before the stream opens the file: to close a file drops all locks that its process has on it
            yield None
        else:
            found = _rows(cursor, plan, selection, where)
            yield stack.enter_context(closing(read_ahead(found, cancel=lambda: _cancel(cursor))))


def _cursor(url: sa.URL, selection: Selection, stack: ExitStack) -> Cursor | None:
    """Open the file behind *url*, or return None where it is none, or is to be opened in a way of its own."""
    path = url.database or ""
    if url.query or path in ("", ":memory:") or not is_table(selection.relation) or "." in selection.relation:
        return None
    connection = stack.enter_context(dbapi.connect(f"file:{quote(path)}?mode=ro"))
    cursor: Cursor = stack.enter_context(connection.cursor())
    cursor.adbc_statement.set_options(**{StatementOptions.BATCH_ROWS.value: str(ROWS_PER_BATCH)})
    return cursor


def _plan(cursor: Cursor, selection: Selection, where: str) -> _Plan | None:
    """Return how to read, or None where only values tell a type, a moment is none, or texts do not sort as their moments do.

    Raises:
        DataError: SCHEMA_TYPE.
    """
    types = declared_types(cursor, selection.relation) or {}
    kinds = {name: kind_of(types.get(name, "")) for name in selection.columns} | dict.fromkeys(instant_columns(selection), INSTANT)
    known = {name: kind for name, kind in kinds.items() if kind is not None and name in types}
    if len(known) < len(kinds):
        return None
    if faults := among_faults(known, selection.among, where):
        raise DataError.of(faults)
    with closing(adbc_batches(cursor, key_scan(selection))) as batches:
        found = survey(batches, selection)
    if found is None:
        return None
    if found.rows is None:
        return _Plan(None, known)
    if found.ordered and found.unbroken:
        return _Plan(row_scan(selection, types, known, found.rows), known)
    writings = {name: writing for name, writing in found.writings.items() if writing}
    return _by_text(selection, types, known, found, writings) if len(writings) == len(found.writings) else None


def _by_text(
    selection: Selection,
    types: Mapping[str, str],
    kinds: Mapping[str, pa.DataType],
    found: Survey,
    writings: Mapping[str, Writing],
) -> _Plan | None:
    """Return how to leave out at once what is not selected: what is wrong with such a row is nobody's concern yet."""
    try:
        if found.rows and found.ordered:
            return _Plan(row_scan(selection, types, kinds, found.rows, writings), kinds)
        return _Plan(text_scan(selection, types, kinds, writings), kinds)
    except OverflowError:
        return None


def _rows(cursor: Cursor, plan: _Plan, selection: Selection, where: str) -> Generator[pa.RecordBatch]:
    schema = pa.schema(list(plan.kinds.items()))
    for batch in settled_batches(_raw(cursor, plan, where), schema, where):
        yield select_rows(batch, selection)


def _raw(cursor: Cursor, plan: _Plan, where: str) -> Iterator[pa.RecordBatch]:
    if plan.statement is None:
        return
    skipped = 1  # the row that leads
    with adbc_errors(where), _mismatches(plan.kinds, where):
        for batch in adbc_batches(cursor, plan.statement):
            columns = batch.drop_columns([ROW]) if ROW in batch.schema.names else batch
            _require_raw(columns.schema, plan.kinds, where)
            yield columns.slice(skipped)
            skipped = 0


def _require_raw(schema: pa.Schema, kinds: Mapping[str, pa.DataType], where: str) -> None:
    """Refuse columns whose first rows hold something else than they declare: ADBC then took another type for them."""
    odd = [name for name, kind in kinds.items() if schema.field(name).type != raw_kind(kind)]
    if odd:
        raise DataError.of(_fault(name, kinds[name], where) for name in odd)


@contextmanager
def _mismatches(kinds: Mapping[str, pa.DataType], where: str) -> Iterator[None]:
    """Refuse a column of which a later row holds something else. ADBC says which by its place in the statement."""
    columns = list(kinds)
    try:
        yield
    except (Error, OSError) as error:
        found = _MISMATCH.search(str(error))
        if found is None:
            raise
        name = columns[int(found[1])]
    else:
        return
    raise DataError.of([_fault(name, kinds[name], where)])


def _fault(name: str, kind: pa.DataType, where: str) -> Fault:
    return Fault(Code.SCHEMA_TYPE, f"must be {kind}, holds a value that is not", f"{where}: {name}")


def _cancel(cursor: Cursor) -> None:
    with suppress(Error):  # nothing runs any more
        cursor.adbc_cancel()
