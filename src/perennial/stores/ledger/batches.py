"""Publishes prediction batches whole: rows under a staged batch first, then one small transaction that makes it current."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import psycopg
import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from perennial.core.codes import Code
from perennial.core.errors import ConflictError, DataError, UnavailableError
from perennial.core.interval import Interval
from perennial.core.receipts import BatchState, PredictionBatch, Role
from perennial.stores.driver_errors import constraint
from perennial.stores.ledger.copying import copy_in
from perennial.stores.ledger.frames import PREDICTED, checked_predictions
from perennial.stores.ledger.reading import read_batch
from perennial.stores.ledger.receipts import get
from perennial.stores.ledger.rows import to_row
from perennial.stores.ledger.sorted_runs import sorted_runs
from perennial.stores.tables import prediction
from perennial.stores.tables import prediction_batch as table

CURRENT_SCHEMA = pa.schema([*PREDICTED, ("version", pa.string()), ("batch", pa.string())])


def stage(connection: Connection, batch: PredictionBatch, predictions: Iterable[pa.RecordBatch]) -> None:
    """Write *batch* and all *predictions* in the state ``staged``.

    A batch that is there already came with all its rows, in one transaction; then *predictions* are not read. But where some of
    its rows have expired, all are written again, as of now: a batch is never current in part.

    Raises:
        ConflictError: INTERVAL_OVERLAP.
        DataError: DATA_EMPTY, DATA_DUPLICATE_KEY, and what checked_predictions raises.
        UnavailableError: STORE_UNAVAILABLE, an earlier attempt removes the batch at this moment.
    """
    refuse_overlap(connection, batch)
    number = begin(connection, batch, rows=batch.rows)
    if number is None:
        number = _clear_unless_whole(connection, batch)
    if number is not None:
        end(connection, number, batch, copy(connection, number, batch, predictions))


def begin(connection: Connection, batch: PredictionBatch, *, rows: int) -> int | None:
    """Write *batch* in the state ``staged`` and return its number; None where it is there already.

    Args:
        connection: An open transaction.
        batch: The batch.
        rows: How many predictions it will have when this transaction ends: a batch of none never becomes current.
    """
    row = {**to_row(batch), "state": BatchState.STAGED.value, "rows": rows}
    statement = insert(table).values(row).on_conflict_do_nothing(index_elements=["id"]).returning(table.c.number)
    number: int | None = connection.scalar(statement)
    return number


def end(connection: Connection, number: int, batch: PredictionBatch, rows: int) -> None:
    """Say of *batch*, whose predictions were all written by now, that they are *rows*.

    Raises:
        DataError: DATA_EMPTY.
    """
    if rows == 0:
        raise DataError(Code.DATA_EMPTY, "a batch must have predictions, got none", where=where(batch))
    differs = (table.c.rows != rows) | (table.c.written_at != func.now())
    written = {"rows": rows, "expired": 0, "written_at": func.now()}
    connection.execute(update(table).where(table.c.number == number, differs).values(written))


def make_current(connection: Connection, batch: PredictionBatch) -> PredictionBatch:
    """Make the staged or superseded *batch* current and the one before it superseded, and return it as it stands.

    Raises:
        ConflictError: INTERVAL_OVERLAP.
        RejectedError: MODEL_UNKNOWN, it was not staged.
        UnavailableError: STORE_UNAVAILABLE, it was staged so long ago that its rows were cleared away.
    """
    _lock_lane(connection, batch.model, batch.segment, batch.role)
    refuse_overlap(connection, batch)
    earlier = (*_same_key(batch), table.c.state == BatchState.CURRENT.value, table.c.id != batch.id)
    _lock_batches(connection, and_(*earlier) | (table.c.id == batch.id))
    _set_state(connection, BatchState.SUPERSEDED, *earlier)
    if _set_state(connection, BatchState.CURRENT, table.c.id == batch.id, table.c.rows > 0) != 1:
        get(connection, PredictionBatch, batch.id)
        raise cleared(batch)
    return get(connection, PredictionBatch, batch.id)


def withdraw(connection: Connection, model: str, segment: str, within: Interval) -> int:
    """Make the current batches of the interval *within* superseded, in every role, and return how many there were."""
    for role in sorted(Role):
        _lock_lane(connection, model, segment, role)
    standing = (
        table.c.model == model,
        table.c.segment == segment,
        table.c.interval_start == within.start,
        table.c.interval_end == within.end,
        table.c.state == BatchState.CURRENT.value,
    )
    _lock_batches(connection, and_(*standing))
    return _set_state(connection, BatchState.SUPERSEDED, *standing)


def refuse_overlap(connection: Connection, batch: PredictionBatch) -> None:
    """Refuse *batch* where a current batch of its model, segment and role covers part of its interval, but not just all of it.

    Raises:
        ConflictError: INTERVAL_OVERLAP.
    """
    found = connection.execute(last_other(batch)).first()
    if found is not None and found.interval_end > batch.interval.start:
        raise overlap(batch, Interval(found.interval_start, found.interval_end))


def last_other(batch: PredictionBatch) -> Select[tuple[datetime, datetime]]:
    """Return a query for the last other interval with a current batch in the lane of *batch* that begins before its end.

    Current batches do not overlap, so if any of them covers part of the interval, that one does. It is one step by the index,
    however many nights there were.
    """
    start, end = batch.interval.start, batch.interval.end
    return (
        select(table.c.interval_start, table.c.interval_end)
        .where(*_same_lane(batch), table.c.state == BatchState.CURRENT.value, table.c.interval_start < end)
        .where((table.c.interval_start != start) | (table.c.interval_end != end))
        .order_by(table.c.interval_start.desc())
        .limit(1)
    )


def overlap(batch: PredictionBatch, other: Interval) -> ConflictError:
    """Return the error for a *batch* whose interval shares a part with that of a current one, *other*."""
    return ConflictError(Code.INTERVAL_OVERLAP, f"must not cover part of the current batch of {other}", where=where(batch))


def duplicate(batch: PredictionBatch) -> DataError:
    """Return the error for a *batch* with two predictions of one event."""
    return DataError(Code.DATA_DUPLICATE_KEY, "must have one prediction per entity and event, got two of one", where=where(batch))


def cleared(batch: PredictionBatch) -> UnavailableError:
    """Return the error for a *batch* whose rows went between being written and becoming current."""
    message = "its predictions were cleared away before it became current; publish it again"
    return UnavailableError(Code.STORE_UNAVAILABLE, message, where=where(batch))


def where(batch: PredictionBatch) -> str:
    """Return the place of a fault in *batch*."""
    return f"{batch.model}/{batch.segment}/{batch.interval}/{batch.role}"


def current(connection: Connection, model: str, segment: str, role: Role, within: Interval) -> Iterator[pa.RecordBatch]:
    """Yield the current predictions with ``event_at`` inside *within*, by event and entity.

    Current batches do not overlap, so one after the other they are in order.
    """
    query = (
        select(table.c.number, table.c.id, table.c.version)
        .where(table.c.model == model, table.c.segment == segment, table.c.role == role.value)
        .where(table.c.state == BatchState.CURRENT.value)
        .where(table.c.interval_start < within.end, table.c.interval_end > within.start)
        .order_by(table.c.interval_start)
    )
    for batch in connection.execute(query).all():
        for rows in read_batch(connection, batch.number, within):
            named = (pa.repeat(name, rows.num_rows) for name in (batch.version, batch.id))
            yield pa.record_batch([*rows.columns, *named], schema=CURRENT_SCHEMA)


def claim(connection: Connection, batch: PredictionBatch) -> int | None:
    """Lock the stored *batch* until the end of the transaction, and return its number; None where it has predictions.

    Raises:
        UnavailableError: STORE_UNAVAILABLE, it is not there any more.
    """
    found = _locked(connection, batch)
    empty = found.rows == 0 and not connection.scalar(select(func.count()).where(*_of_batch(found.number, batch)))
    return int(found.number) if empty else None


def _clear_unless_whole(connection: Connection, batch: PredictionBatch) -> int | None:
    """Return the number of the stored *batch*, cleared of the rows that are left of it; None where all are there."""
    found = _locked(connection, batch)
    of_batch = _of_batch(found.number, batch)
    if found.rows > 0 and connection.scalar(select(func.count()).where(*of_batch)) == found.rows:
        return None
    connection.execute(delete(prediction).where(*of_batch))
    return int(found.number)


def _locked(connection: Connection, batch: PredictionBatch, *, held: bool = True) -> Any:  # noqa: ANN401 - a row
    """Return number and rows of the stored *batch*. One writer at a time may look; readers neither wait nor are waited for.

    Args:
        connection: An open transaction.
        batch: The batch.
        held: Whether others may :func:`hold` it meanwhile; else they are waited for.

    Raises:
        UnavailableError: STORE_UNAVAILABLE, somebody has removed it.
    """
    stored = select(table.c.number, table.c.rows).where(table.c.id == batch.id)
    found = connection.execute(stored.with_for_update(key_share=held)).one_or_none()
    if found is None:
        raise cleared(batch)
    return found


def _of_batch(number: int, batch: PredictionBatch) -> tuple[ColumnElement[bool], ...]:
    at = prediction.c.event_at
    return prediction.c.batch == number, at >= batch.interval.start, at < batch.interval.end


def remove(connection: Connection, batch: PredictionBatch) -> None:
    """Remove a *batch* that was begun and not ended, with what is there of it when all who copy into it have ended.

    Where the role may delete predictions and no batches, as the one of tasks in docs/operations.md, the batch stays, of no rows.

    Raises:
        UnavailableError: STORE_UNAVAILABLE, it is not there any more.
    """
    found = _locked(connection, batch, held=False)
    if found.rows == 0:
        connection.execute(delete(prediction).where(*_of_batch(found.number, batch)))
        if connection.scalar(select(func.has_table_privilege(table.fullname, "DELETE"))):
            connection.execute(delete(table).where(table.c.number == found.number, table.c.state == BatchState.STAGED.value))


def hold(connection: Connection, number: int, batch: PredictionBatch) -> None:
    """See to it that *batch* stays as long as this transaction, while another one has it locked for writing.

    Raises:
        UnavailableError: STORE_UNAVAILABLE, it is not there any more.
    """
    stored = select(table.c.number).where(table.c.number == number)
    if connection.scalar(stored.with_for_update(read=True, key_share=True)) is None:
        raise cleared(batch)


def copy(connection: Connection, number: int, batch: PredictionBatch, predictions: Iterable[pa.RecordBatch]) -> int:
    """Append *predictions* to the batch *number*, and return how many there were.

    Raises:
        DataError: DATA_DUPLICATE_KEY, and what checked_predictions raises.
    """
    runs = sorted_runs(checked_predictions(predictions, batch.interval, where(batch)))
    numbered = (run.add_column(0, "batch", pa.repeat(number, run.num_rows)) for run in runs)
    try:
        return copy_in(connection, prediction.fullname, ["batch", *PREDICTED.names], numbered)
    except psycopg.errors.UniqueViolation as error:
        if not (constraint(error) or "").startswith("prediction_"):
            raise
        raise duplicate(batch) from None  # the driver's message quotes the row


def _lock_lane(connection: Connection, model: str, segment: str, role: Role) -> None:
    """Let one writer at a time say which batches of a role are current."""
    key = f"publish/{model}/{segment}/{role}"
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})


def _lock_batches(connection: Connection, which: ColumnElement[bool]) -> None:
    """Lock batches in the order in which retention does, so that neither waits for the other for ever."""
    connection.execute(select(table.c.number).where(which).order_by(table.c.number).with_for_update(key_share=True))


def _set_state(connection: Connection, state: BatchState, *which: ColumnElement[bool]) -> int:
    return connection.execute(update(table).where(*which).values(state=state.value)).rowcount


def _same_lane(batch: PredictionBatch) -> tuple[ColumnElement[bool], ...]:
    return table.c.model == batch.model, table.c.segment == batch.segment, table.c.role == batch.role.value


def _same_key(batch: PredictionBatch) -> tuple[ColumnElement[Any], ...]:
    same = (table.c.interval_start == batch.interval.start, table.c.interval_end == batch.interval.end)
    return *_same_lane(batch), *same
