"""Predictions that come in several streams: each is copied by a connection of its own, all under one staged batch.

A transaction ends for each of them by itself, so rows of a batch may be there and others not. Nobody sees them: the batch is not
current, and becomes so only after one transaction, which had it locked all the while, has said how many there are. Who was
stopped in between leaves a staged batch of 0 rows with some; the next attempt removes them, and so does a collection after a day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, suppress
from itertools import chain
from threading import Event
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from perennial.core.errors import PerennialError
from perennial.core.receipts import PredictionBatch
from perennial.stores.ledger import batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from sqlalchemy import Connection

    Streams = Sequence[Iterable[pa.RecordBatch]]

Writing = Callable[[], AbstractContextManager["Connection"]]
"""Begins a transaction in which the batch's months are there, and which ends only where this attempt may still write."""

_IDLE_FOR_LONG = func.set_config("idle_in_transaction_session_timeout", "0", True)  # noqa: FBT003 - until its end
"""For the transaction that says nothing while the streams are copied. Those that copy are never idle, however slow a stream is."""


def stage_side_by_side(writing: Writing, batch: PredictionBatch, streams: Streams) -> None:
    """Write *batch* and the predictions of all *streams* in the state ``staged``; see :func:`batches.stage`.

    Raises:
        ConflictError: INTERVAL_OVERLAP, LEASE_LOST.
        DataError: As ``batches.stage``. What was written is removed again, with what an earlier attempt has left.
        UnavailableError: STORE_UNAVAILABLE, also where an earlier attempt removes the batch at this moment.
    """
    with writing() as connection:
        batches.refuse_overlap(connection, batch)
        batches.begin(connection, batch, rows=0)
    claimed = False
    try:
        with writing() as connection:
            number = batches.claim(connection, batch)
            claimed = True
            if number is None:  # an earlier attempt has written some, or all: what is to be done then is done in one transaction
                batches.stage(connection, batch, chain.from_iterable(streams))
            else:
                connection.execute(select(_IDLE_FOR_LONG))
                batches.end(connection, number, batch, _copied(writing, number, batch, streams))
    except BaseException:
        if claimed:  # whoever else has it removes it, or makes it whole
            with suppress(PerennialError), writing() as connection:  # else the next attempt does it, or a collection
                batches.remove(connection, batch)
        raise


def _copied(writing: Writing, number: int, batch: PredictionBatch, streams: Streams) -> int:
    """Copy each stream in a transaction of its own, and return how many rows there were.

    Where one fails, or this thread is stopped by a signal (Airflow's timeout, Ctrl-C), the others end early.
    """
    failed = Event()

    def one(stream: Iterable[pa.RecordBatch]) -> int:
        try:
            with writing() as connection:
                batches.hold(connection, number, batch)
                return batches.copy(connection, number, batch, _unless(failed, stream))
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(len(streams), thread_name_prefix="copy") as pool:
        try:
            copying = [pool.submit(one, stream) for stream in streams]
            wait(copying)
        except BaseException:
            failed.set()  # before the pool waits for its threads
            raise
    errors = [error for copied in copying if (error := copied.exception()) is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, _StoppedError)):  # first the one that stopped the others
        raise error
    return sum(copied.result() for copied in copying)


class _StoppedError(Exception):
    """Another stream has failed."""


def _unless(failed: Event, stream: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for one in stream:
        if failed.is_set():
            raise _StoppedError
        yield one
