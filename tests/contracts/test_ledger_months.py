"""Predictions lie in months that come when they are needed and go as a whole: what only the database can show."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy import event, func, text, update
from sqlalchemy.exc import InternalError

from perennial.core.errors import UnavailableError
from perennial.core.interval import Interval
from perennial.core.receipts import BatchState, PredictionBatch, Role
from perennial.stores.ledger import PostgresLedger
from perennial.stores.ledger.batches import make_current, stage
from perennial.stores.ledger.months import add, keep
from perennial.stores.ledger.one_moment import one_moment
from perennial.stores.tables import prediction_batch
from perennial.testing.story import DAY, Story, day, night, predictions

MONTHS = "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'perennial.prediction'::regclass"
ALL = ("bike_demand", "all")
WRITERS = 8


@pytest.fixture
def ready(postgres_ledger: PostgresLedger, story: Story) -> PostgresLedger:
    """A ledger with a champion, the extracts of forty nights, and no months."""
    for name in months(postgres_ledger):
        execute(postgres_ledger, f"DROP TABLE perennial.{name}")
    story.keep_champion(postgres_ledger)
    for number in (0, 30, 31, 61):
        story.keep_night(postgres_ledger, number)
    return postgres_ledger


@pytest.fixture
def other(ledger_url: str) -> Iterator[psycopg.Connection]:
    """A connection that waits for a lock no longer than a moment."""
    with psycopg.connect(ledger_url.replace("+psycopg", ""), autocommit=True, options="-c lock_timeout=50ms") as connection:
        yield connection


def execute(ledger: PostgresLedger, statement: str) -> None:
    """Run one statement in a transaction of its own."""
    with ledger.engine.begin() as connection:
        connection.execute(text(statement))


def months(ledger: PostgresLedger) -> list[str]:
    """Return the names of the months that there are."""
    with ledger.engine.connect() as connection:
        return sorted(connection.scalars(text(MONTHS)))


def count(ledger: PostgresLedger) -> int:
    """Return how many predictions there are."""
    with ledger.engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM perennial.prediction")) or 0)


def at(story: Story, start: datetime) -> PredictionBatch:
    """Return a batch of the two hours from *start* on."""
    return story.batch(0).model_copy(update={"interval": Interval(start, start + timedelta(hours=2)), "id": f"at {start}"})


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), ["prediction_1970m01"]),
        (datetime(2200, 2, 28, 23, tzinfo=UTC), ["prediction_2200m02", "prediction_2200m03"]),
        (datetime(2023, 12, 31, 23, tzinfo=UTC), ["prediction_2023m12", "prediction_2024m01"]),
        (datetime(9999, 12, 31, 20, tzinfo=UTC), ["prediction_9999m12"]),
    ],
)
def test_a_month_is_made_when_it_is_needed(ready: PostgresLedger, story: Story, start: datetime, expected: list[str]) -> None:
    """Across the border of two, in any year."""
    batch = at(story, start)
    ready.publish(batch, predictions(batch.interval, 5))
    assert months(ready) == expected
    assert ready.predictions(story.model, within=batch.interval)["prediction"].to_pylist() == [5, 5, 6, 6]


def test_writers_that_need_one_month_at_once_all_get_it(ready: PostgresLedger, story: Story) -> None:
    """It is made once."""
    barrier = Barrier(WRITERS)

    def publish(number: int) -> PredictionBatch:
        barrier.wait()
        return ready.publish(story.batch(0, attempt=number), predictions(night(0)))

    with ThreadPoolExecutor(WRITERS) as pool:
        assert len(list(pool.map(publish, range(WRITERS)))) == WRITERS
    assert months(ready) == ["prediction_2024m03"]


def test_a_month_is_made_while_predictions_are_read(ready: PostgresLedger, story: Story) -> None:
    """A report that runs for hours holds nobody up."""
    ready.publish(story.batch(0), predictions(night(0)))
    with ready.engine.begin() as reader:
        assert reader.scalar(text("SELECT count(*) FROM perennial.prediction")) == 48
        ready.publish(story.batch(31), predictions(night(31)))
    assert months(ready) == ["prediction_2024m03", "prediction_2024m04"]


def test_a_month_that_cannot_be_made_soon_may_be_tried_again(
    ready: PostgresLedger, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where somebody works on the table, a writer does not wait for ever."""
    monkeypatch.setattr("perennial.stores.ledger.postgres._LOCK_TIMEOUT", text("SELECT set_config('lock_timeout', '100ms', true)"))
    with ready.engine.begin() as other:
        other.execute(text("LOCK TABLE perennial.prediction IN SHARE UPDATE EXCLUSIVE MODE"))
        with pytest.raises(UnavailableError) as caught:
            ready.publish(story.batch(0), predictions(night(0)))
    found = "the store could not answer (LockNotAvailable, SQLSTATE 55P03)"
    assert str(caught.value) == f"ledger: {found} [STORE_UNAVAILABLE]"
    assert ready.publish(story.batch(0), predictions(night(0))) == story.batch(0)


def test_a_month_goes_as_a_whole_when_all_in_it_has_expired(ready: PostgresLedger, story: Story) -> None:
    """What lies in the next one stays; and what is scored again gets its month again."""
    for number in (0, 30, 31):
        ready.publish(story.batch(number), predictions(night(number), number))
    assert ready.expired_predictions({ALL: day(31)}) == 2 * 48
    assert ready.expire_predictions({ALL: day(31)}) == 2 * 48
    assert months(ready) == ["prediction_2024m04"]
    assert ready.expire_predictions({ALL: day(31)}) == 0
    assert len(ready.history(PredictionBatch, story.model)) == 3
    assert ready.publish(story.batch(0), predictions(night(0), 7)) == story.batch(0)
    assert ready.predictions(story.model, within=night(0))["prediction"].to_pylist()[:1] == [7]


def test_a_month_stays_where_another_model_has_rows_in_it(ready: PostgresLedger, story: Story) -> None:
    """Of a model that keeps its predictions longer, or for good; the expired rows go all the same."""
    other = Story(model="other")
    other.keep_champion(ready)
    other.keep_night(ready, 0)
    ready.publish(story.batch(0), predictions(night(0)))
    ready.publish(other.batch(0), predictions(night(0)))
    for horizons in ({ALL: day(90)}, {ALL: day(90), ("other", "all"): day(0)}):
        ready.expire_predictions(horizons)
        assert (months(ready), count(ready)) == (["prediction_2024m03"], 48)
    assert ready.expire_predictions({ALL: day(90), ("other", "all"): day(90)}) == 48
    assert months(ready) == []


def test_a_month_of_which_a_part_has_expired_loses_that_part(ready: PostgresLedger, story: Story) -> None:
    """Also where a batch reaches over its border."""
    ready.publish(story.batch(30, nights=2), predictions(night(30, 2)))
    assert ready.expire_predictions({ALL: day(31.5)}) == 48 + 24
    assert months(ready) == ["prediction_2024m04"]
    assert count(ready) == 24


def test_the_last_month_that_there_is_stops_no_collection(ready: PostgresLedger, story: Story) -> None:
    """It is never over, so it stays; what is old in it, and in other months, goes."""
    last = at(story, datetime(9999, 12, 31, 20, tzinfo=UTC))
    ready.publish(last, predictions(last.interval))
    ready.publish(story.batch(0), predictions(night(0)))
    assert (ready.expired_predictions({ALL: day(90)}), ready.expire_predictions({ALL: day(90)})) == (48, 48)
    assert months(ready) == ["prediction_9999m12"]
    assert ready.expire_predictions({ALL: last.interval.end}) == 4
    assert (months(ready), count(ready)) == (["prediction_9999m12"], 0)


def test_a_month_that_somebody_reads_is_emptied_instead(
    ready: PostgresLedger, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads is not waited for longer than a moment, and what has expired is gone nevertheless."""
    monkeypatch.setattr("perennial.stores.ledger.expiry._NOT_FOR_LONG", text("SELECT set_config('lock_timeout', '50ms', true)"))
    ready.publish(story.batch(0), predictions(night(0)))
    with ready.engine.begin() as reader:
        reader.execute(text("SELECT count(*) FROM perennial.prediction"))
        assert ready.expire_predictions({ALL: day(90)}) == 48
    assert (months(ready), count(ready)) == (["prediction_2024m03"], 0)
    assert ready.expire_predictions({ALL: day(90)}) == 0
    assert months(ready) == []


def test_promise_4_predictions_that_expire_while_they_are_streamed_are_all_there(
    ready: PostgresLedger, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collection in the middle neither ends the stream early nor waits for its end."""
    monkeypatch.setattr("perennial.stores.ledger.expiry._NOT_FOR_LONG", text("SELECT set_config('lock_timeout', '50ms', true)"))
    for number in (0, 31):
        ready.publish(story.batch(number), predictions(night(number)))
    stream = ready.stream_predictions(story.model, within=night(0, 32))
    first = next(stream)
    assert ready.expire_predictions({ALL: day(90)}) == 2 * 48
    assert [part["batch"][0].as_py() for part in (first, *stream)] == [story.batch(0).id, story.batch(31).id]
    assert ready.predictions(story.model, within=night(0, 32)).num_rows == 0


def test_promise_4_no_month_goes_between_looking_for_the_batches_and_reading_their_rows(
    ready: PostgresLedger, story: Story, other: psycopg.Connection
) -> None:
    """Which month there is, the view of one moment alone would not hold."""
    for number in (0, 31):
        ready.publish(story.batch(number), predictions(night(number)))
    refused: list[type[Exception]] = []

    @event.listens_for(ready.engine, "after_cursor_execute")
    def detach(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM perennial.prediction_batch" in statement:
            try:
                other.execute("ALTER TABLE perennial.prediction DETACH PARTITION perennial.prediction_2024m04")
            except psycopg.errors.LockNotAvailable as error:
                refused.append(type(error))

    found = ready.predictions(story.model, within=night(0, 32))
    assert (found.num_rows, refused) == (2 * 48, [psycopg.errors.LockNotAvailable])


def test_reading_predictions_cannot_write(ready: PostgresLedger, story: Story) -> None:
    """Its transaction is read only."""
    ready.publish(story.batch(0), predictions(night(0)))
    with one_moment(ready.engine) as connection, pytest.raises(InternalError) as caught:
        connection.execute(text("DELETE FROM perennial.prediction"))
    assert isinstance(caught.value.orig, psycopg.errors.ReadOnlySqlTransaction)
    assert count(ready) == 48


def test_promise_4_a_month_that_is_written_to_is_not_dropped(ready: PostgresLedger, story: Story) -> None:
    """Its writer would lose rows that were acknowledged."""
    other = Story(model="other")
    other.keep_champion(ready)
    other.keep_night(ready, 0)
    ready.publish(story.batch(0), predictions(night(0)))

    def meanwhile() -> Iterator[pa.RecordBatch]:
        assert ready.expire_predictions({ALL: day(90)}) == 48
        yield from predictions(night(0))

    ready.publish(other.batch(0), meanwhile())
    assert ready.predictions("other", within=night(0)).num_rows == 48


def test_a_batch_is_kept_as_long_as_it_has_predictions(ready: PostgresLedger, story: Story) -> None:
    """Though no foreign key says so, for it would be asked for every row."""
    ready.publish(story.batch(0), predictions(night(0)))
    driver = ready.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    for statement in ("DELETE FROM perennial.prediction_batch", "TRUNCATE perennial.prediction_batch"):
        with psycopg.connect(driver) as connection, pytest.raises(psycopg.errors.ForeignKeyViolation) as caught:
            connection.execute(statement.encode())
        assert caught.value.diag.message_primary == "a prediction batch is kept as long as it has predictions"
    execute(ready, "DELETE FROM perennial.prediction")
    execute(ready, "DELETE FROM perennial.prediction_batch")
    assert ready.history(PredictionBatch, story.model) == []


def test_orphans_are_found(ready: PostgresLedger, story: Story) -> None:
    """By whoever looks, such as doctor: batches that are not there and have predictions."""
    assert ready.orphans() == 0
    for role in Role:
        ready.publish(story.batch(0, role=role), predictions(night(0)))
    assert ready.orphans() == 0
    execute(ready, "INSERT INTO perennial.prediction (batch, entity, event_at, prediction) VALUES (999, 'x', '2024-03-05Z', 1)")
    execute(ready, "INSERT INTO perennial.prediction (batch, entity, event_at, prediction) VALUES (-1, 'x', '2024-03-05Z', 1)")
    assert ready.orphans() == 2


def until_one_waits(ledger: PostgresLedger) -> None:
    """Return when somebody waits for a lock in this database."""
    query = text("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
    for _ in range(1_000):
        with ledger.engine.connect() as connection:
            if connection.scalar(query):
                return
            connection.execute(text("SELECT pg_sleep(0.01)"))
    pytest.fail("nobody waits")


def left_staged(ledger: PostgresLedger, story: Story, age: timedelta) -> None:
    """Leave a batch as an attempt does that was killed between its two transactions, that long ago."""
    with ledger._writing_to([day(0)]) as connection:
        stage(connection, story.batch(0), predictions(night(0)))
    with ledger.engine.begin() as connection:
        connection.execute(update(prediction_batch).values(written_at=func.now() - age))


def test_what_was_left_staged_is_cleared_away_after_a_day(ready: PostgresLedger, story: Story) -> None:
    """The batch stays, without its rows; whoever still wants it publishes it anew."""
    left_staged(ready, story, age=DAY / 2)
    assert ready.expire_predictions({}) == 0
    left_staged(ready, story, age=2 * DAY)
    assert ready.expired_predictions({}) == 48
    assert ready.expire_predictions({}) == 48
    assert (count(ready), ready.expired_predictions({})) == (0, 0)
    assert ready.publish(story.batch(0), predictions(night(0), 3)) == story.batch(0)
    assert ready.predictions(story.model, within=night(0))["prediction"].to_pylist()[:1] == [3]


def test_promise_4_what_is_written_again_while_a_collection_waits_is_whole(ready: PostgresLedger, story: Story) -> None:
    """The collection sees what the writer did: it neither takes the new rows for old ones, nor leaves rows of an empty batch."""
    left_staged(ready, story, age=2 * DAY)
    execute(ready, "DELETE FROM perennial.prediction WHERE event_at < '2024-03-01T12:00:00Z'")
    with ThreadPoolExecutor(1) as pool:
        with ready._writing_to([day(0)]) as connection:
            stage(connection, story.batch(0), predictions(night(0), 3))
            collected = pool.submit(ready.expire_predictions, {})
            until_one_waits(ready)
        assert collected.result() == 0
    with ready._writing() as connection:
        assert make_current(connection, story.batch(0)) == story.batch(0)
    assert count(ready) == 48


def test_what_a_run_may_still_make_current_is_not_cleared_away(ready: PostgresLedger, story: Story) -> None:
    """As long as somebody holds a lease of the model."""
    left_staged(ready, story, age=2 * DAY)
    with ready.lease(story.model, "all", "score", "a run", timedelta(hours=1)):
        assert ready.expire_predictions({}) == 0
    assert ready.expire_predictions({}) == 48


def test_promise_4_what_was_cleared_away_does_not_become_current(ready: PostgresLedger, story: Story) -> None:
    """A computer that slept for a day between the two transactions is told to publish again."""
    left_staged(ready, story, age=2 * DAY)
    ready.expire_predictions({})
    with pytest.raises(UnavailableError) as caught, ready._writing() as connection:
        make_current(connection, story.batch(0))
    place = "bike_demand/all/2024-03-01T00:00:00Z/2024-03-02T00:00:00Z/champion"
    found = "its predictions were cleared away before it became current; publish it again"
    assert str(caught.value) == f"{place}: {found} [STORE_UNAVAILABLE]"
    with ready.engine.connect() as connection:
        states = connection.scalars(text("SELECT state FROM perennial.prediction_batch")).all()
    assert states == [BatchState.STAGED]


def test_a_month_that_another_writer_made_just_before_is_there(ready: PostgresLedger) -> None:
    """Also for a connection that remembers that there was none, and has not been told yet."""
    third, fourth = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)
    with ready.engine.connect() as slow, ready.engine.connect() as fast:
        for _ in range(2):  # what the server prepares at first, it looks up anew
            with slow.begin():
                add(slow, third)
                assert keep(slow, [fourth]) == [fourth]
        with slow.begin():
            assert keep(slow, [fourth]) == [fourth]
            with fast.begin():
                add(fast, fourth)
            add(slow, fourth)
            assert keep(slow, [fourth]) == []
    assert months(ready) == ["prediction_2024m03", "prediction_2024m04"]
