"""What every ledger does with predictions that come in several streams."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pyarrow as pa
import pytest
from sqlalchemy import func, select, text, update

from perennial.core.codes import Code
from perennial.core.errors import ConflictError, DataError, UnavailableError
from perennial.core.receipts import PredictionBatch
from perennial.ports import Ledger
from perennial.stores.database import LOCK_TIMEOUT_S
from perennial.stores.ledger import PostgresLedger, batches
from perennial.stores.ledger.faults import LINEAGE
from perennial.stores.tables import prediction, prediction_batch
from perennial.testing.story import Story, night, predictions

PATIENCE_S = 120
IDLE_S = 1
"""How long the server of a test lets a transaction be idle."""
_WAITING = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
_IDLE = text("""
    SELECT max(extract(epoch FROM clock_timestamp() - state_change)) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'idle in transaction'
""")


@pytest.fixture
def standing(postgres_ledger: PostgresLedger, story: Story) -> PostgresLedger:
    """A ledger in PostgreSQL with a champion and the extract of a night."""
    story.keep_champion(postgres_ledger)
    story.keep_night(postgres_ledger, 0)
    return postgres_ledger


@pytest.fixture
def impatient(standing: PostgresLedger) -> Iterator[PostgresLedger]:
    """The same, in a database that ends transactions which are idle."""
    name = standing.engine.url.database

    def limit(change: str) -> None:
        with standing.engine.begin() as connection:
            connection.execute(text(f"ALTER DATABASE {name} {change}"))
        standing.engine.dispose()  # a limit is for who connects from now on

    limit(f"SET idle_in_transaction_session_timeout = '{IDLE_S}s'")
    yield standing
    limit("RESET idle_in_transaction_session_timeout")


@pytest.fixture
def ready(ledger: Ledger, story: Story) -> Ledger:
    """A ledger with a champion and the extract of a night."""
    story.keep_champion(ledger)
    story.keep_night(ledger, 0)
    return ledger


def streams(value: float = 0.1) -> list[Iterator[pa.RecordBatch]]:
    """Return the predictions of a night in four streams, one of which is empty."""
    whole = pa.Table.from_batches(predictions(night(0), value)).combine_chunks()
    return [iter(whole.slice(start, rows).to_batches()) for start, rows in ((0, 10), (10, 0), (10, 30), (40, 8))]


def _written(value: float) -> pa.Table:
    return pa.Table.from_batches(predictions(night(0), value)).sort_by([("event_at", "ascending"), ("entity", "ascending")])


def _read(ledger: Ledger, story: Story) -> pa.Table:
    return ledger.predictions(story.model, within=night(0)).select(["entity", "event_at", "prediction"]).combine_chunks()


class _Held:
    """Streams of predictions that are asked for, and come when they are let go."""

    def __init__(self) -> None:
        self.begun, self.go = Event(), Event()

    def streams(self) -> list[Iterator[pa.RecordBatch]]:
        return [self._one(stream) for stream in streams()]

    def _one(self, stream: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        self.begun.set()
        assert self.go.wait(PATIENCE_S)
        yield from stream


def _until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _waiting(ledger: PostgresLedger) -> list[int]:
    """Return the server's processes that wait for a lock."""
    with ledger.engine.connect() as connection:
        return list(connection.scalars(_WAITING))


def _remove(ledger: PostgresLedger, batch: PredictionBatch) -> None:
    with ledger._copying(batch) as connection:
        batches.remove(connection, batch)


def _begun(ledger: PostgresLedger, story: Story) -> int:
    """Leave what an attempt leaves that is killed before it has copied anything."""
    with ledger._copying(story.batch(0)) as connection:
        number = batches.begin(connection, story.batch(0), rows=0)
    assert number is not None
    return number


def _interrupted(ledger: PostgresLedger, story: Story) -> int:
    """Leave what an attempt leaves that is killed when it has copied one stream of several."""
    number = _begun(ledger, story)
    with ledger._copying(story.batch(0)) as connection:
        batches.copy(connection, number, story.batch(0), streams(0.7)[0])
    return number


def _left(ledger: PostgresLedger) -> tuple[int, int]:
    """Return how many batches and how many rows there are."""
    with ledger.engine.connect() as connection:
        return tuple(connection.scalar(select(func.count()).select_from(table)) or 0 for table in (prediction_batch, prediction))  # type: ignore[return-value] # two of them


def test_streams_are_one_batch(ready: Ledger, story: Story) -> None:
    """What is read is what one stream would have written."""
    assert ready.publish(story.batch(0), *streams()) == story.batch(0)
    assert _read(ready, story).equals(_written(0.1))


def test_a_batch_that_stands_is_not_read_again(ready: Ledger, story: Story) -> None:
    """Its streams are left alone."""
    ready.publish(story.batch(0), *streams())

    def unread() -> Iterator[pa.RecordBatch]:
        pytest.fail("was read")
        yield

    assert ready.publish(story.batch(0), unread(), unread()) == story.batch(0)


@pytest.mark.parametrize("number", [1, 2])
def test_what_overlaps_is_refused_before_it_is_read(ready: Ledger, story: Story, number: int) -> None:
    """Nothing of it is written, whether it comes in one stream or in several."""
    ready.publish(story.batch(0), *streams())

    def unread() -> Iterator[pa.RecordBatch]:
        pytest.fail("was read")
        yield

    with pytest.raises(ConflictError) as caught:
        ready.publish(story.batch(0, nights=2), *(unread() for _ in range(number)))
    assert caught.value.code is Code.INTERVAL_OVERLAP
    assert ready.history(PredictionBatch, story.model) == [story.batch(0)]


def test_no_predictions_in_any_stream_are_an_error(ready: Ledger, story: Story) -> None:
    """As in one."""
    with pytest.raises(DataError) as caught:
        ready.publish(story.batch(0), iter(()), iter(()))
    assert caught.value.code is Code.DATA_EMPTY
    assert ready.history(PredictionBatch, story.model) == []


def test_an_event_that_stands_in_two_streams_is_an_error(ready: Ledger, story: Story) -> None:
    """Nothing of the batch is left."""
    with pytest.raises(DataError) as caught:
        ready.publish(story.batch(0), predictions(night(0)), predictions(night(0), 0.2))
    assert caught.value.code is Code.DATA_DUPLICATE_KEY
    assert ready.history(PredictionBatch, story.model) == []
    if isinstance(ready, PostgresLedger):
        assert _left(ready) == (0, 0)


def test_streams_are_copied_at_the_same_time(postgres_ledger: PostgresLedger, story: Story) -> None:
    """Each of them is read while the others are."""
    story.keep_champion(postgres_ledger)
    story.keep_night(postgres_ledger, 0)
    together = Barrier(4)

    def waiting(stream: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        together.wait(PATIENCE_S)
        yield from stream

    assert postgres_ledger.publish(story.batch(0), *map(waiting, streams())) == story.batch(0)


def test_what_a_killed_attempt_left_is_written_again(postgres_ledger: PostgresLedger, story: Story) -> None:
    """It had copied one stream of two; nobody saw that, and the next attempt publishes the whole night."""
    story.keep_champion(postgres_ledger)
    story.keep_night(postgres_ledger, 0)
    _interrupted(postgres_ledger, story)
    assert postgres_ledger.predictions(story.model, within=night(0)).num_rows == 0
    assert not [fault for fault in postgres_ledger.audit().faults if fault.promise != LINEAGE]
    assert postgres_ledger.publish(story.batch(0), *streams()) == story.batch(0)
    assert _read(postgres_ledger, story).equals(_written(0.1))
    assert _left(postgres_ledger) == (1, 48)


def test_a_later_attempt_keeps_an_earlier_one_from_copying(postgres_ledger: PostgresLedger, story: Story) -> None:
    """The lease is taken over while the streams are read: none of them is written, and the later attempt publishes its own."""
    story.keep_champion(postgres_ledger)
    story.keep_night(postgres_ledger, 0)
    hour = timedelta(hours=1)

    def meanwhile() -> Iterator[pa.RecordBatch]:
        first, *others = predictions(night(0), 0.7)
        yield first
        with postgres_ledger.lease(story.model, "all", "score", "a run", hour):
            pass
        yield from others

    with postgres_ledger.lease(story.model, "all", "score", "a run", hour) as earlier, pytest.raises(ConflictError) as caught:
        earlier.publish(story.batch(0), meanwhile(), iter(()))
    assert caught.value.code is Code.LEASE_LOST
    assert postgres_ledger.publish(story.batch(0), *streams()) == story.batch(0)
    assert _read(postgres_ledger, story).equals(_written(0.1))


def test_what_a_killed_attempt_left_goes_after_a_day(postgres_ledger: PostgresLedger, story: Story) -> None:
    """Where nobody writes it again; the batch stays, and says that it has no rows."""
    story.keep_champion(postgres_ledger)
    story.keep_night(postgres_ledger, 0)
    _interrupted(postgres_ledger, story)
    assert (postgres_ledger.expired_predictions({}), postgres_ledger.expire_predictions({})) == (0, 0)
    with postgres_ledger.engine.begin() as connection:
        connection.execute(update(prediction_batch).values(written_at=func.now() - timedelta(days=2)))
    assert (postgres_ledger.expired_predictions({}), postgres_ledger.expire_predictions({})) == (10, 10)
    assert _left(postgres_ledger) == (1, 0)


def test_whoever_is_stopped_from_outside_leaves_nothing(
    standing: PostgresLedger, story: Story, stopped_from_outside: type[BaseException]
) -> None:
    """As Airflow's timeout and Ctrl-C do it, in the main thread: one stream has been committed by then, two would never end."""
    over = Event()
    main = threading.main_thread().ident
    assert main is not None

    def endless(stream: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        first = next(stream)
        yield first
        while not over.wait(0.01):
            yield first.slice(0, 0)

    def stopping(stream: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        _until(lambda: _left(standing) == (1, 10))
        signal.pthread_kill(main, signal.SIGUSR1)
        yield from stream

    one, _, two, three = streams()
    try:
        with pytest.raises(stopped_from_outside):
            standing.publish(story.batch(0), one, endless(two), stopping(endless(three)))
        assert _left(standing) == (0, 0)
        assert [thread for thread in threading.enumerate() if thread.name.startswith("copy")] == []
    finally:
        over.set()


@pytest.mark.parametrize("leave", [_begun, _interrupted])
def test_who_fails_after_a_killed_attempt_removes_both(
    standing: PostgresLedger, story: Story, leave: Callable[[PostgresLedger, Story], int]
) -> None:
    """Whether the killed one had copied nothing or a stream."""
    leave(standing, story)
    with pytest.raises(DataError) as caught:
        standing.publish(story.batch(0), predictions(night(0)), predictions(night(0), 0.2))
    assert caught.value.code is Code.DATA_DUPLICATE_KEY
    assert _left(standing) == (0, 0)


def test_nobody_removes_what_another_attempt_copies(standing: PostgresLedger, story: Story) -> None:
    """Whoever wants to waits, and then finds it whole."""
    held = _Held()
    with ThreadPoolExecutor(2) as pool:
        copying = pool.submit(standing.publish, story.batch(0), *held.streams())
        assert held.begun.wait(PATIENCE_S)
        removing = pool.submit(_remove, standing, story.batch(0))
        _until(lambda: _waiting(standing))
        held.go.set()
        assert (copying.result(), removing.result()) == (story.batch(0), None)
    assert _read(standing, story).equals(_written(0.1))


def test_who_never_had_the_batch_leaves_it_to_who_has(standing: PostgresLedger, story: Story) -> None:
    """Two attempts at the same time: the second one waits, is ended by the server, and does not wait a second time to remove it."""
    held = _Held()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(standing.publish, story.batch(0), *held.streams())
        try:
            assert held.begun.wait(PATIENCE_S)
            second = pool.submit(standing.publish, story.batch(0), *streams(0.7))
            _until(lambda: _waiting(standing))
            with standing.engine.connect() as connection:
                connection.execute(select(func.pg_cancel_backend(*_waiting(standing))))
            assert isinstance(second.exception(LOCK_TIMEOUT_S / 2), UnavailableError)
        finally:
            held.go.set()
        assert first.result() == story.batch(0)
    assert _read(standing, story).equals(_written(0.1))


def test_two_attempts_at_the_same_time_are_one_batch(standing: PostgresLedger, story: Story) -> None:
    """The second one waits for the first, and does not even read its own."""
    held = _Held()

    def unread() -> Iterator[pa.RecordBatch]:
        pytest.fail("was read")
        yield

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(standing.publish, story.batch(0), *held.streams())
        assert held.begun.wait(PATIENCE_S)
        second = pool.submit(standing.publish, story.batch(0), unread(), unread())
        _until(lambda: _waiting(standing))
        held.go.set()
        assert (first.result(), second.result()) == (story.batch(0), story.batch(0))
    assert _left(standing) == (1, 48)


@pytest.mark.parametrize("number", [1, 2])
def test_who_waits_for_a_batch_that_is_removed_may_try_again(standing: PostgresLedger, story: Story, number: int) -> None:
    """The first attempt failed and removed it, just when the second one had found it."""
    _begun(standing, story)
    with ThreadPoolExecutor(1) as pool:
        with standing._copying(story.batch(0)) as connection:
            batches.claim(connection, story.batch(0))
            second = pool.submit(standing.publish, story.batch(0), *streams()[:number])
            _until(lambda: _waiting(standing))
            batches.remove(connection, story.batch(0))
        error = second.exception()
    assert isinstance(error, UnavailableError)
    assert error.code is Code.STORE_UNAVAILABLE
    assert standing.publish(story.batch(0), *streams()) == story.batch(0)


def test_a_removal_waits_for_who_still_copies(standing: PostgresLedger, story: Story) -> None:
    """And takes those rows, too; the database keeps a batch as long as it has some."""
    number = _begun(standing, story)
    with ThreadPoolExecutor(1) as pool:
        with standing._copying(story.batch(0)) as connection:
            batches.hold(connection, number, story.batch(0))
            batches.copy(connection, number, story.batch(0), streams()[0])
            removing = pool.submit(_remove, standing, story.batch(0))
            _until(lambda: _waiting(standing))
        assert removing.exception() is None
    assert _left(standing) == (0, 0)


def test_nothing_is_copied_into_a_batch_that_was_removed(standing: PostgresLedger, story: Story) -> None:
    """Whoever removed it did so between the two looks at it."""
    number = _begun(standing, story)
    _remove(standing, story.batch(0))
    with pytest.raises(UnavailableError) as caught, standing._copying(story.batch(0)) as connection:
        batches.hold(connection, number, story.batch(0))
    assert caught.value.code is Code.STORE_UNAVAILABLE


def test_slow_streams_outlast_the_patience_of_the_server(impatient: PostgresLedger, story: Story) -> None:
    """The transaction that has the batch locked says nothing while others copy, for longer than the server lets it be idle."""

    def outlasted() -> bool:
        with impatient.engine.connect() as connection:
            idle = connection.scalar(_IDLE)
        return idle is None or idle > 2 * IDLE_S  # None: the server has ended it

    def slow(stream: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        _until(outlasted)
        yield from stream

    one, *others = streams()
    assert impatient.publish(story.batch(0), slow(one), *others) == story.batch(0)
