"""What only a database can promise: many writers at once, killed sessions, rows that SQL may not touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy import text

from perennial.core.errors import ConflictError, PerennialError, RejectedError, UnavailableError
from perennial.core.receipts import PredictionBatch, Promotion, RetrainRequest, Role
from perennial.stores.ledger import PostgresLedger
from perennial.stores.ledger.batches import stage
from perennial.testing.story import DAY, Story, day, night, outcomes, predictions

WRITERS = 20
ORPHANS = text("""
    SELECT (SELECT count(*) FROM perennial.prediction) - (SELECT count(*) FROM perennial.prediction_lineage)
        + (SELECT count(*) FROM perennial.prediction_lineage
           WHERE num_nulls(model_version, promotion_epoch, snapshot, validation, training_run, training_snapshot,
                           training_validation, code_version) > 0)
""")


@pytest.fixture
def ready(postgres_ledger: PostgresLedger, story: Story) -> PostgresLedger:
    """A ledger with a champion and a night."""
    story.keep_champion(postgres_ledger)
    story.keep_night(postgres_ledger, 0)
    return postgres_ledger


def at_once(action: Callable[[int], object]) -> list[object]:
    """Run *action* in 20 threads that start together; return results, and errors of ours as results."""
    barrier = Barrier(WRITERS)

    def run(number: int) -> object:
        barrier.wait()
        try:
            return action(number)
        except PerennialError as error:
            return error

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(run, range(WRITERS)))


def rows(ledger: PostgresLedger, query: str) -> list[tuple[object, ...]]:
    """Return the rows of *query*, as an analyst would get them."""
    with ledger.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_promise_5_of_racing_promotions_one_wins(ready: PostgresLedger, story: Story) -> None:
    """And the others are told."""
    for number in range(1, WRITERS + 1):
        story.keep_version(ready, number)
    results = at_once(lambda number: ready.promote(story.promotion(2, number + 1)))
    won = [result for result in results if isinstance(result, Promotion)]
    told = [result for result in results if isinstance(result, ConflictError)]
    assert (len(won), len(told)) == (1, WRITERS - 1)
    assert ready.history(Promotion, story.model)[1:] == won


def test_promise_3_one_current_prediction_under_many_writers(ready: PostgresLedger, story: Story) -> None:
    """Twenty attempts at one night: one is current, the others superseded, none lost."""
    results = at_once(lambda number: ready.publish(story.batch(0, attempt=number), predictions(night(0), number)))
    assert [result for result in results if not isinstance(result, PredictionBatch)] == []
    states = "SELECT state, count(*) FROM perennial.prediction_batch GROUP BY state ORDER BY state"
    assert rows(ready, states) == [("current", 1), ("superseded", WRITERS - 1)]
    twice = "SELECT 1 FROM perennial.current_prediction GROUP BY model, segment, role, entity, event_at HAVING count(*) > 1"
    assert rows(ready, twice) == []
    assert rows(ready, "SELECT count(*) FROM perennial.current_prediction") == [(48,)]


def test_promise_3_overlapping_writers_exclude_each_other(ready: PostgresLedger, story: Story) -> None:
    """Nights and pairs of nights at once: whatever wins, no event has two current predictions."""
    for number in range(1, 4):
        story.keep_night(ready, number)

    def publish(number: int) -> object:
        start, nights = number % 3, 1 + number % 2
        return ready.publish(story.batch(start, attempt=number, nights=nights), predictions(night(start, nights)))

    results = at_once(publish)
    assert {type(result) for result in results} <= {PredictionBatch, ConflictError}
    twice = "SELECT 1 FROM perennial.current_prediction GROUP BY model, segment, role, entity, event_at HAVING count(*) > 1"
    assert rows(ready, twice) == []


def test_promise_4_the_same_batch_from_many_writers_is_written_once(ready: PostgresLedger, story: Story) -> None:
    """An attempt that was thought dead and its successor."""
    results = at_once(lambda _: ready.publish(story.batch(0), predictions(night(0))))
    assert results == [story.batch(0)] * WRITERS
    assert rows(ready, "SELECT count(*) FROM perennial.prediction") == [(48,)]


def test_promise_7_of_a_hundred_callers_one_files(postgres_ledger: PostgresLedger, story: Story) -> None:
    """Over twenty connections, each with a request of its own."""
    ledger = postgres_ledger

    def ask(number: int) -> list[RetrainRequest | None]:
        made = [story.request(part + number / WRITERS) for part in range(5)]
        return [ledger.request_retraining(request, cooldown=DAY, max_per_30d=None)[0] for request in made]

    results = at_once(ask)
    assert [result for result in results if not isinstance(result, list)] == []
    filed = [one for result in results if isinstance(result, list) for one in result if one is not None]
    assert ledger.history(RetrainRequest, story.model) == filed
    assert len(filed) == 1


def test_of_racing_claims_one_wins(postgres_ledger: PostgresLedger, story: Story) -> None:
    """The others go without."""
    postgres_ledger.request_retraining(story.request(1), cooldown=DAY, max_per_30d=None)
    results = at_once(lambda number: postgres_ledger.claim_request(story.model, "all", f"run {number}", at=day(1)))
    assert len([result for result in results if result is not None]) == 1


def test_racing_deliveries_of_labels_count_once(postgres_ledger: PostgresLedger) -> None:
    """In opposite orders too, without a deadlock."""

    def deliver(number: int) -> object:
        batches = list(outcomes(night(0, 20)))
        return postgres_ledger.record_outcomes("m", "all", batches if number % 2 else batches[::-1])

    results = at_once(deliver)
    assert [result for result in results if not isinstance(result, int)] == []
    assert sum(result for result in results if isinstance(result, int)) == 20 * 48


def test_promise_4_a_killed_session_leaves_the_old_predictions(ready: PostgresLedger, story: Story) -> None:
    """The server ends the writer's session in the middle of its copy."""
    ready.publish(story.batch(0, attempt=1), predictions(night(0), 1))

    def killed() -> Iterator[pa.RecordBatch]:
        first, second = predictions(night(0), 2)
        yield first
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND datname = current_database()"
        assert rows(ready, kill) == [(True,)]
        for _ in range(2000):  # more than the socket's buffer takes
            yield second

    with pytest.raises(UnavailableError):
        ready.publish(story.batch(0, attempt=2), killed())
    found = ready.predictions(story.model, within=night(0))
    assert found["prediction"].to_pylist()[:1] == [1.0]
    assert ready.history(PredictionBatch, story.model) == [story.batch(0, attempt=1)]
    ready.publish(story.batch(0, attempt=2), predictions(night(0), 2))
    assert ready.predictions(story.model, within=night(0))["prediction"].to_pylist()[:1] == [2.0]


@pytest.fixture
def full_disk(postgres_ledger: PostgresLedger) -> Iterator[None]:
    """The server says that its disk is full, at the fortieth row of any copy of predictions."""
    function = """
        CREATE FUNCTION perennial.full() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.event_at >= '2024-03-01 19:00Z' THEN
                RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full';
            END IF;
            RETURN NEW;
        END $$
    """
    trigger = "CREATE TRIGGER full_disk BEFORE INSERT ON perennial.prediction FOR EACH ROW EXECUTE FUNCTION perennial.full()"
    with postgres_ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(function))
        connection.execute(text(trigger))
        yield
        connection.execute(text("DROP FUNCTION perennial.full CASCADE"))


def test_promise_2_a_full_disk_leaves_the_old_predictions(
    ready: PostgresLedger, story: Story, request: pytest.FixtureRequest
) -> None:
    """In the middle of the copy; whoever keeps the store is told."""
    ready.publish(story.batch(0, attempt=1), predictions(night(0), 1))
    request.getfixturevalue("full_disk")
    with pytest.raises(RejectedError) as caught:
        ready.publish(story.batch(0, attempt=2), predictions(night(0), 2))
    assert str(caught.value) == "ledger: the store has no space left (DiskFull, SQLSTATE 53100) [STORE_FULL]"
    found = ready.predictions(story.model, within=night(0))
    assert (found.num_rows, found["prediction"].to_pylist()[:1]) == (48, [1.0])
    assert ready.history(PredictionBatch, story.model) == [story.batch(0, attempt=1)]


def test_promise_4_a_batch_left_staged_is_completed(ready: PostgresLedger, story: Story) -> None:
    """An attempt was killed between its two transactions: all rows are there, and are not written again."""
    with ready._writing_to([day(0)]) as connection:
        stage(connection, story.batch(0), predictions(night(0), 5))
    assert ready.predictions(story.model, within=night(0)).num_rows == 0
    ready.publish(story.batch(0), [])
    assert ready.predictions(story.model, within=night(0))["prediction"].to_pylist()[:1] == [5.0]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE perennial.promotion SET actor = 'x'", "DELETE FROM perennial.promotion", "TRUNCATE perennial.promotion CASCADE"],
)
def test_promotions_are_append_only(ready: PostgresLedger, story: Story, statement: str) -> None:
    """Also for who has a password and psql."""
    driver = ready.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(driver) as connection, pytest.raises(psycopg.errors.IntegrityConstraintViolation) as caught:
        connection.execute(statement)
    assert caught.value.diag.message_primary == "promotion is append-only"
    assert ready.champion(story.model) == story.promotion(1, 0)


def test_promise_9_no_prediction_is_an_orphan(ready: PostgresLedger, story: Story) -> None:
    """Every row joins to version, promotion, snapshot, validation and training run."""
    for role in Role:
        ready.publish(story.batch(0, role=role), predictions(night(0)))
    ready.publish(story.batch(0, attempt=2), predictions(night(0)))
    with ready.engine.connect() as connection:
        assert connection.scalar(ORPHANS) == 0
    assert rows(ready, "SELECT count(*) FROM perennial.prediction_lineage") == [(4 * 48,)]


def test_analysts_read_the_champion_only(ready: PostgresLedger, story: Story) -> None:
    """One row per entity and event, whatever else predicts alongside."""
    for value, role in enumerate(Role):
        ready.publish(story.batch(0, role=role), predictions(night(0), value))
    query = "SELECT model, segment, role, entity, prediction, model_version, batch FROM perennial.current_prediction"
    first = "bike_demand", "all", "champion", "north", 0.0, story.version(0).id, story.batch(0).id
    assert rows(ready, f"{query} WHERE event_at = '2024-03-01 00:00+00' ORDER BY entity") == [
        first,
        (*first[:3], "south", *first[4:]),
    ]


def test_every_column_of_a_view_is_explained(postgres_ledger: PostgresLedger) -> None:
    """In the database, where an analyst sees it."""
    silent = """
        SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'perennial'::regnamespace AND c.relkind = 'v'
            AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)
    """
    assert rows(postgres_ledger, silent) == []
