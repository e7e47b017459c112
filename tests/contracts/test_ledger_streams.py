"""What every ledger does with predictions that come in several streams."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Barrier

import pyarrow as pa
import pytest
from sqlalchemy import func, select, update

from perennial.core.codes import Code
from perennial.core.errors import ConflictError, DataError
from perennial.core.receipts import PredictionBatch
from perennial.ports import Ledger
from perennial.stores.ledger import PostgresLedger, batches
from perennial.stores.ledger.faults import LINEAGE
from perennial.stores.tables import prediction, prediction_batch
from perennial.testing.story import Story, night, predictions

PATIENCE_S = 120


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


def _interrupted(ledger: PostgresLedger, story: Story) -> None:
    """Leave what an attempt leaves that is killed when it has copied one stream of several."""
    with ledger._copying(story.batch(0)) as connection:
        number = batches.begin(connection, story.batch(0), rows=0)
        assert number is not None
        batches.copy(connection, number, story.batch(0), streams(0.7)[0])


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
