"""What every ledger does with prediction batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from sqlalchemy import func, update

from perennial.core.codes import Code
from perennial.core.errors import ConflictError, DataError, RejectedError
from perennial.core.receipts import BatchState, PredictionBatch, Role
from perennial.ports import Ledger
from perennial.stores.ledger import PostgresLedger
from perennial.stores.tables import prediction_batch
from perennial.testing import MemoryLedger
from perennial.testing.story import DAY, Story, day, night, predictions

MOMENT = pa.timestamp("us", "UTC")


@pytest.fixture
def ready(ledger: Ledger, story: Story) -> Ledger:
    """A ledger with a champion and the extracts of four nights."""
    story.keep_champion(ledger)
    for number in range(4):
        story.keep_night(ledger, number)
    return ledger


def values(ledger: Ledger, story: Story, number: int, role: Role = Role.CHAMPION) -> list[float]:
    """Return the current predictions of a night."""
    found: list[float] = ledger.predictions(story.model, role=role, within=night(number))["prediction"].to_pylist()
    return found


def rows(**columns: list[object]) -> list[pa.RecordBatch]:
    """Return one record batch with a good row, but for *columns*."""
    good: dict[str, list[object]] = {"entity": ["north"], "event_at": [day(0)], "prediction": [1.0]}
    types = {"entity": pa.string(), "event_at": MOMENT, "prediction": pa.float64()}
    chosen = good | columns
    return [pa.record_batch({name: pa.array(chosen[name], types[name]) for name in chosen})]


def age(ledger: Ledger, batch: PredictionBatch, by: timedelta) -> None:
    """Make the rows of *batch* look as if they had been written that much earlier."""
    if isinstance(ledger, MemoryLedger):
        rows = ledger.records.rows[batch.id]
        ledger.records.rows[batch.id] = replace(rows, written_at=rows.written_at - by)
    elif isinstance(ledger, PostgresLedger):
        with ledger.engine.begin() as connection:
            table = prediction_batch
            connection.execute(update(table).where(table.c.id == batch.id).values(written_at=func.now() - by))


def left_staged(ledger: Ledger, story: Story) -> PredictionBatch:
    """Leave a batch that never became current, for while it was written a current one came that covers part of its interval."""
    batch = story.batch(0)

    def meanwhile() -> Iterator[pa.RecordBatch]:
        ledger.publish(story.batch(0, nights=2), predictions(night(0, 2)))
        yield from predictions(night(0))

    with pytest.raises(ConflictError) as caught:
        ledger.publish(batch, meanwhile())
    assert caught.value.code is Code.INTERVAL_OVERLAP
    return batch


def test_published_predictions_are_read_back(ready: Ledger, story: Story) -> None:
    """By event and entity, with the version and the batch behind each."""
    batch = story.batch(0)
    assert ready.publish(batch, predictions(night(0), 0.1)) == batch
    found = ready.predictions(story.model, within=night(0))
    assert found.schema.names == ["entity", "event_at", "prediction", "low", "high", "version", "batch"]
    assert found.num_rows == 48
    bounds = {"low": None, "high": None}
    first = {"entity": "north", "event_at": day(0), "prediction": 0.1, **bounds, "version": batch.version, "batch": batch.id}
    assert found.slice(0, 2).to_pylist() == [first, first | {"entity": "south"}]


def test_the_receipt_counts_what_was_written(ready: Ledger, story: Story) -> None:
    """Whatever was announced."""
    published = ready.publish(story.batch(0), predictions(night(0), entities=("north",)))
    assert published == story.batch(0).model_copy(update={"rows": 24})
    assert ready.get(PredictionBatch, published.id) == published


def test_predictions_of_no_batch_are_an_empty_table(ready: Ledger, story: Story) -> None:
    """With its columns."""
    found = ready.predictions(story.model, within=night(0))
    assert found.num_rows == 0
    assert found.schema.names == ["entity", "event_at", "prediction", "low", "high", "version", "batch"]


def test_predictions_are_cut_at_the_interval_that_was_asked_for(ready: Ledger, story: Story) -> None:
    """Also through the middle of a batch."""
    for number in (0, 1):
        ready.publish(story.batch(number), predictions(night(number), entities=("north",)))
    found = ready.predictions(story.model, within=type(night(0))(day(0.5), day(1.25)))
    assert [day(hour / 24) for hour in range(12, 30)] == found["event_at"].to_pylist()


def test_a_later_batch_supersedes_the_earlier_one(ready: Ledger, story: Story) -> None:
    """Both stay, one is current."""
    first, second = story.batch(0, attempt=1), story.batch(0, attempt=2)
    ready.publish(first, predictions(night(0), 1))
    ready.publish(second, predictions(night(0), 100))
    assert values(ready, story, 0)[0] == 100
    assert ready.history(PredictionBatch, story.model) == [first, second]


def test_a_batch_that_is_current_is_left_as_it_is(ready: Ledger, story: Story) -> None:
    """Its predictions are not even read."""
    ready.publish(story.batch(0), predictions(night(0), 1))

    def unread() -> Iterator[pa.RecordBatch]:
        raise AssertionError
        yield

    assert ready.publish(story.batch(0), unread()) == story.batch(0)
    assert values(ready, story, 0)[0] == 1


def test_a_superseded_batch_becomes_current_again(ready: Ledger, story: Story) -> None:
    """Without being written again."""
    ready.publish(story.batch(0, attempt=1), predictions(night(0), 1))
    ready.publish(story.batch(0, attempt=2), predictions(night(0), 2))
    ready.publish(story.batch(0, attempt=1), [])
    assert values(ready, story, 0)[0] == 1
    assert ready.predictions(story.model, within=night(0)).num_rows == 48


def test_a_night_that_is_withdrawn_has_no_current_prediction(ready: Ledger, story: Story) -> None:
    """In no role; what was published stays, and other nights are left as they are. Doing it twice does it once."""
    first, base, other = story.batch(0), story.batch(0, role=Role.BASELINE), story.batch(1)
    for batch in (first, base, other):
        ready.publish(batch, predictions(batch.interval))
    assert [ready.withdraw(story.model, within=night(0)) for _ in range(2)] == [2, 0]
    assert [values(ready, story, 0, role) for role in Role] == [[], [], []]
    assert len(values(ready, story, 1)) == 48
    assert ready.history(PredictionBatch, story.model, within=night(0)) == [first, base]
    traced = ready.trace(story.model, "all", "north", day(0))
    assert [(line.batch, line.state) for line in traced] == [(base.id, BatchState.SUPERSEDED), (first.id, BatchState.SUPERSEDED)]


def test_what_was_withdrawn_becomes_current_again(ready: Ledger, story: Story) -> None:
    """Without being written again."""
    ready.publish(story.batch(0), predictions(night(0), 1))
    ready.withdraw(story.model, within=night(0))
    ready.publish(story.batch(0), [])
    assert values(ready, story, 0)[0] == 1


def test_only_what_covers_the_very_interval_is_withdrawn(ready: Ledger, story: Story) -> None:
    """A batch of two nights is no prediction of one of them."""
    ready.publish(story.batch(0, nights=2), predictions(night(0, 2)))
    assert ready.withdraw(story.model, within=night(0)) == 0
    assert len(values(ready, story, 0)) == 48


def test_what_was_withdrawn_is_in_nobodys_way(ready: Ledger, story: Story) -> None:
    """A batch of other nights may cover a part of its interval."""
    ready.publish(story.batch(1), predictions(night(1), 1))
    ready.withdraw(story.model, within=night(1))
    ready.publish(story.batch(0, nights=2), predictions(night(0, 2), 5))
    assert len(values(ready, story, 1)) == 48


def test_roles_have_their_own_batches(ready: Ledger, story: Story) -> None:
    """Neither supersedes the other."""
    for value, role in enumerate(Role):
        ready.publish(story.batch(0, role=role), predictions(night(0), value))
    assert [values(ready, story, 0, role)[0] for role in Role] == [0, 1, 2]


def test_promise_3_partly_overlapping_batches_are_refused(ready: Ledger, story: Story) -> None:
    """An event would have two current predictions."""
    ready.publish(story.batch(1), predictions(night(1), 1))
    with pytest.raises(ConflictError) as caught:
        ready.publish(story.batch(0, nights=2), predictions(night(0, 2), 5))
    place = "bike_demand/all/2024-03-01T00:00:00Z/2024-03-03T00:00:00Z/champion"
    found = "must not cover part of the current batch of 2024-03-02T00:00:00Z/2024-03-03T00:00:00Z"
    assert str(caught.value) == f"{place}: {found} [INTERVAL_OVERLAP]"
    assert ready.predictions(story.model, within=night(0, 3)).num_rows == 48


def test_adjacent_batches_do_not_overlap(ready: Ledger, story: Story) -> None:
    """Intervals are half-open."""
    for number in (1, 0, 2):
        ready.publish(story.batch(number), predictions(night(number)))
    assert ready.predictions(story.model, within=night(0, 3)).num_rows == 3 * 48


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"prediction": [float("nan")]}, Code.PREDICTION_NONFINITE),
        ({"prediction": [float("inf")]}, Code.PREDICTION_NONFINITE),
        ({"prediction": [None]}, Code.PREDICTION_NONFINITE),
        ({"event_at": [day(1)]}, Code.TIME_OUT_OF_INTERVAL),
        ({"event_at": [day(-0.1)]}, Code.TIME_OUT_OF_INTERVAL),
        ({"event_at": [None]}, Code.SCHEMA_TYPE),
        ({"entity": [None]}, Code.SCHEMA_TYPE),
        ({"entity": ["a", "a"], "event_at": [day(0)] * 2, "prediction": [1.0, 2.0]}, Code.DATA_DUPLICATE_KEY),
        ({"entity": [], "event_at": [], "prediction": []}, Code.DATA_EMPTY),
    ],
)
def test_bad_predictions_are_refused_whole(ready: Ledger, story: Story, columns: dict[str, list[object]], code: Code) -> None:
    """With their code, and what was current stays."""
    ready.publish(story.batch(0, attempt=1), predictions(night(0), 1))
    with pytest.raises(DataError) as caught:
        ready.publish(story.batch(0, attempt=2), rows(**columns))
    assert caught.value.code == code
    assert values(ready, story, 0)[0] == 1
    assert ready.history(PredictionBatch, story.model) == [story.batch(0, attempt=1)]


def test_missing_and_naive_columns_are_refused(ready: Ledger, story: Story) -> None:
    """Before anything is written."""
    naive = pa.record_batch({"entity": ["a"], "event_at": pa.array([datetime(2024, 3, 1)]), "prediction": [1.0]})  # noqa: DTZ001 - its subject
    missing = pa.record_batch({"entity": ["a"]})
    for bad, code in ((naive, Code.TIME_NAIVE), (missing, Code.SCHEMA_MISSING)):
        with pytest.raises(DataError) as caught:
            ready.publish(story.batch(0), [bad])
        assert caught.value.code == code


def test_a_duplicate_across_record_batches_is_found(ready: Ledger, story: Story) -> None:
    """The message holds no row."""
    with pytest.raises(DataError) as caught:
        ready.publish(story.batch(0), [*rows(), *rows()])
    place = "bike_demand/all/2024-03-01T00:00:00Z/2024-03-02T00:00:00Z/champion"
    assert str(caught.value) == f"{place}: must have one prediction per entity and event, got two of one [DATA_DUPLICATE_KEY]"


def test_promise_4_a_stream_that_breaks_leaves_nothing(ready: Ledger, story: Story) -> None:
    """An interval's predictions are all there or not there."""

    def broken() -> Iterator[pa.RecordBatch]:
        yield next(predictions(night(0)))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ready.publish(story.batch(0), broken())
    assert ready.predictions(story.model, within=night(0)).num_rows == 0
    assert ready.history(PredictionBatch, story.model) == []
    ready.publish(story.batch(0), predictions(night(0)))
    assert ready.predictions(story.model, within=night(0)).num_rows == 48


def test_a_batch_needs_its_promotion(ready: Ledger, story: Story) -> None:
    """The epoch is a foreign key too."""
    with pytest.raises(RejectedError) as caught:
        ready.publish(story.batch(0, epoch=7), predictions(night(0)))
    assert caught.value.code == Code.STORE_REJECTED


def test_promise_9_a_prediction_is_traced_to_all_behind_it(ready: Ledger, story: Story) -> None:
    """Model version, promotion, approver, snapshot, validation, training run and code."""
    before = datetime.now(UTC)
    ready.publish(story.batch(0), predictions(night(0), 7))
    (found,) = ready.trace(story.model, "all", "north", day(0))
    assert before - DAY < found.predicted_at < before + DAY
    assert found.model_dump(exclude={"predicted_at"}) == {
        "model": "bike_demand",
        "segment": "all",
        "entity": "north",
        "event_at": day(0),
        "role": Role.CHAMPION,
        "state": BatchState.CURRENT,
        "prediction": 7.0,
        "batch": story.batch(0).id,
        "interval": {"start": day(0), "end": day(1)},
        "version": story.version(0).id,
        "epoch": 1,
        "promotion_reason": "promote of version 0",
        "promoted_by": "retrain",
        "approved_by": None,
        "evaluation": story.evaluation(0).id,
        "snapshot": story.snapshot(0).digest,
        "validation": story.validation(0).id,
        "training_run": "bike_demand-all-run-0",
        "training_snapshot": story.version(0).snapshot,
        "training_validation": story.version(0).validation,
        "code_version": "0.1.0",
    }


def test_promise_9_a_prediction_names_who_approved(ready: Ledger, story: Story) -> None:
    """Where a person did."""
    story.keep_version(ready, 1)
    ready.record(story.approval(1))
    ready.promote(story.promotion(2, 1, approved=True))
    ready.publish(story.batch(2, version=1, epoch=2), predictions(night(2)))
    (found,) = ready.trace(story.model, "all", "north", day(2))
    assert found.approved_by == "ana"


def test_a_trace_has_all_roles_and_states_current_first(ready: Ledger, story: Story) -> None:
    """And nothing of other events."""
    for attempt in (1, 2, 3):
        ready.publish(story.batch(0, attempt=attempt), predictions(night(0)))
    ready.publish(story.batch(0, role=Role.BASELINE), predictions(night(0)))
    ready.publish(story.batch(1), predictions(night(1)))
    expected = [
        (Role.BASELINE, BatchState.CURRENT, story.batch(0, role=Role.BASELINE).id),
        (Role.CHAMPION, BatchState.CURRENT, story.batch(0, attempt=3).id),
        (Role.CHAMPION, BatchState.SUPERSEDED, story.batch(0, attempt=2).id),
        (Role.CHAMPION, BatchState.SUPERSEDED, story.batch(0, attempt=1).id),
    ]
    assert expected == [(found.role, found.state, found.batch) for found in ready.trace(story.model, "all", "north", day(0))]
    assert ready.trace(story.model, "all", "west", day(0)) == []


def test_everything_that_a_row_names_is_referenced(ready: Ledger, story: Story) -> None:
    """Snapshots by their manifests, refused rows, models, definitions, profiles, also those of nights."""
    ready.record(story.measurement(0))
    nights = range(4)
    expected = {
        *(story.snapshot(number).digest for number in nights),
        *(story.validation(number).quarantine for number in nights),
        story.version(0).snapshot,
        "bike_demand-all-quarantine-train-0",
        story.version(0).artifact,
        story.version(0).baseline,
        story.version(0).profile,
        story.version(0).definition_digest,
        story.measurement(0).profile,
        story.measurement(0).outlook,
        story.version(0).sample,
    }
    assert ready.referenced() == expected


def test_the_manifests_are_those_of_snapshots_models_and_baselines(ready: Ledger, story: Story) -> None:
    """Nothing else names artifacts in turn, so nothing else need be read to know what is reachable."""
    ready.record(story.measurement(0))
    version = story.version(0)
    expected = {*(story.snapshot(number).digest for number in range(4)), version.snapshot, version.artifact, version.baseline}
    assert ready.manifests() == expected


def test_old_predictions_expire_but_their_batches_stay(ready: Ledger, story: Story) -> None:
    """Rows before the moment go, in all states."""
    ready.publish(story.batch(0, attempt=1), predictions(night(0)))
    ready.publish(story.batch(0, attempt=2), predictions(night(0)))
    ready.publish(story.batch(1), predictions(night(1)))
    assert ready.expired_predictions({(story.model, "all"): day(1.5)}) == 3 * 48 - 24
    assert ready.expire_predictions({(story.model, "all"): day(1.5)}) == 3 * 48 - 24
    assert ready.expired_predictions({(story.model, "all"): day(1.5)}) == 0
    assert ready.expire_predictions({(story.model, "other"): day(9)}) == 0
    assert ready.predictions(story.model, within=night(0, 2)).num_rows == 24
    assert len(ready.history(PredictionBatch, story.model)) == 3


@pytest.mark.parametrize("left", [0.5, 1], ids=["in part", "whole"])
@pytest.mark.parametrize("superseded", [True, False])
def test_promise_4_a_batch_whose_rows_expired_is_written_again(
    ready: Ledger, story: Story, left: float, *, superseded: bool
) -> None:
    """When its night is scored again it is current and whole, whatever was left of it."""
    first = story.batch(0, attempt=1)
    ready.publish(first, predictions(night(0), 1))
    if superseded:
        ready.publish(story.batch(0, attempt=2), predictions(night(0), 2))
    ready.expire_predictions({(story.model, "all"): day(left)})
    assert ready.publish(first, predictions(night(0), 1)) == first
    found = ready.predictions(story.model, within=night(0))
    assert (found.num_rows, set(found["batch"].to_pylist()), values(ready, story, 0)[0]) == (48, {first.id}, 1)


def test_rows_that_are_written_again_say_when(ready: Ledger, story: Story) -> None:
    """And those of a batch that is still whole, when they were written first."""
    batch = story.batch(0)
    ready.publish(batch, predictions(night(0)))
    age(ready, batch, 10 * DAY)
    first = ready.trace(story.model, "all", "north", day(0.5))[0].predicted_at
    ready.publish(batch, predictions(night(0)))
    assert ready.trace(story.model, "all", "north", day(0.5))[0].predicted_at == first
    ready.expire_predictions({(story.model, "all"): day(0.5)})
    ready.publish(batch, predictions(night(0)))
    assert ready.trace(story.model, "all", "north", day(0.5))[0].predicted_at > first + 9 * DAY


def test_a_batch_that_is_written_again_comes_last(ready: Ledger, story: Story) -> None:
    """Among those of its interval, as what was recorded last."""
    first, second = story.batch(0, attempt=1), story.batch(0, attempt=2)
    for batch in (first, second):
        ready.publish(batch, predictions(night(0)))
    ready.expire_predictions({(story.model, "all"): day(0.5)})
    ready.publish(first, predictions(night(0)))
    assert ready.history(PredictionBatch, story.model) == [second, first]


def test_what_never_became_current_goes_after_a_day(ready: Ledger, story: Story) -> None:
    """But not while somebody holds a lease of the model; the batch stays, and says that it has no rows."""
    batch = left_staged(ready, story)
    assert (ready.expired_predictions({}), ready.expire_predictions({})) == (0, 0)
    age(ready, batch, 2 * DAY)
    with ready.lease(story.model, "all", "score", "a run", DAY):
        assert (ready.expired_predictions({}), ready.expire_predictions({})) == (0, 0)
    assert (ready.expired_predictions({}), ready.expire_predictions({}), ready.expire_predictions({})) == (48, 48, 0)
    assert [found.state for found in ready.trace(story.model, "all", "north", day(0))] == [BatchState.CURRENT]
    assert ready.get(PredictionBatch, batch.id).rows == 0


def test_what_is_old_and_never_became_current_is_counted_once(ready: Ledger, story: Story) -> None:
    """A dry run says what goes, and no more."""
    age(ready, left_staged(ready, story), 2 * DAY)
    horizons = {(story.model, "all"): day(1.5)}
    assert (ready.expired_predictions(horizons), ready.expire_predictions(horizons)) == (48 + 72, 48 + 72)


def test_an_expired_batch_that_cannot_be_written_again_is_left_as_it_was(ready: Ledger, story: Story) -> None:
    """It does not become current, and what was left of it stays."""
    first, second = story.batch(0, attempt=1), story.batch(0, attempt=2)
    ready.publish(first, predictions(night(0), 1))
    ready.expire_predictions({(story.model, "all"): day(0.5)})
    ready.publish(second, predictions(night(0), 2))
    with pytest.raises(DataError) as caught:
        ready.publish(first, [])
    assert caught.value.code is Code.DATA_EMPTY
    assert set(ready.predictions(story.model, within=night(0))["batch"].to_pylist()) == {second.id}
    assert [found.batch for found in ready.trace(story.model, "all", "north", day(0.5))] == [second.id, first.id]


def test_promise_13_nights_in_any_order_and_twice_are_the_same_ledger(ledger: Ledger) -> None:
    """Three nights forwards, backwards and twice."""

    def run(story: Story, nights: list[int]) -> list[object]:
        story.keep_champion(ledger)
        for number in nights:
            story.keep_night(ledger, number)
            ledger.publish(story.batch(number), predictions(night(number), number))
            ledger.record(story.measurement(number))
            ledger.record(story.decision(number))
        table = ledger.predictions(story.model, within=night(0, 3)).drop_columns(["version", "batch"])
        return [table.to_pylist(), len(ledger.history(PredictionBatch, story.model)), len(ledger.referenced())]

    forwards = run(Story(model="forwards"), [0, 1, 2])
    digests = forwards.pop()
    assert isinstance(digests, int)
    for times, (name, nights) in enumerate({"backwards": [2, 1, 0], "twice": [0, 1, 2, 2, 0, 1]}.items(), start=2):
        assert run(Story(model=name), nights) == [*forwards, times * digests]


def test_the_interval_around_a_prediction_is_kept(ready: Ledger, story: Story) -> None:
    """Where the model gives one, for some rows or for all."""
    (batch,) = rows(entity=["a", "b", "c"], event_at=[day(0)] * 3, prediction=[1.0, 2.0, 3.0])
    bounds = {"low": [0.5, None, -3.0], "high": [1.5, None, -3.0]}
    for name, column in bounds.items():
        batch = batch.append_column(name, pa.array(column, pa.float64()))
    ready.publish(story.batch(0), [batch])
    found = ready.predictions(story.model, within=night(0))
    assert {name: found[name].to_pylist() for name in bounds} == bounds


@pytest.mark.parametrize(
    ("low", "high"),
    [(None, 1.0), (1.0, None), (2.0, 1.0), (float("nan"), 1.0), (1.0, float("inf")), (float("-inf"), 1.0)],
)
def test_an_interval_that_is_none_is_refused(ready: Ledger, story: Story, low: float | None, high: float | None) -> None:
    """Both ends or neither, finite and in order."""
    (batch,) = rows()
    for name, value in (("low", low), ("high", high)):
        batch = batch.append_column(name, pa.array([value], pa.float64()))
    with pytest.raises(DataError) as caught:
        ready.publish(story.batch(0), [*predictions(night(0)), batch])
    place = "bike_demand/all/2024-03-01T00:00:00Z/2024-03-02T00:00:00Z/champion"
    found = "low and high must be finite and in this order, got 1 of 1 rows that are not"
    assert str(caught.value) == f"{place}: {found} [PREDICTION_NONFINITE]"
    assert ready.predictions(story.model, within=night(0)).num_rows == 0


@pytest.mark.parametrize(
    ("entity", "found", "code"),
    [
        (b"a\0b", "entity must not have a NUL character, got 1 of 2 rows that are not", Code.DATA_NUL),
        (b"caf\xe9", "entity must be UTF-8", Code.DATA_ENCODING),
        (b"x" * 1001, "entity must be at most 1000 bytes, got 1 of 2 rows that are not", Code.DATA_TOO_LARGE),
    ],
)
def test_an_entity_that_cannot_be_kept_is_refused(ready: Ledger, story: Story, entity: bytes, found: str, code: Code) -> None:
    """Of predictions and of labels, by a message that does not repeat it."""
    text = pa.array([b"fine", entity], pa.binary()).view(pa.string())
    at, values = pa.array([day(0)] * 2, MOMENT), pa.array([1.0, 1.0])
    with pytest.raises(DataError) as caught:
        ready.publish(story.batch(0), [pa.record_batch([text, at, values], ["entity", "event_at", "prediction"])])
    assert str(caught.value) == f"bike_demand/all/2024-03-01T00:00:00Z/2024-03-02T00:00:00Z/champion: {found} [{code}]"
    with pytest.raises(DataError) as caught:
        ready.record_outcomes(
            "m", "all", [pa.record_batch([text, at, values, at], ["entity", "event_at", "value", "available_at"])]
        )
    assert str(caught.value) == f"m/all: {found} [{code}]"


def test_the_longest_entity_and_any_character_are_kept(ready: Ledger, story: Story) -> None:
    """Texts that do not compress, too."""
    entities = ["".join(chr(0x4E00 + (at * 7919 + start) % 20_000) for at in range(333)) for start in range(3)] + [
        "",
        "'",
        "\\N",
        "\t",
    ]
    ready.publish(story.batch(0), rows(entity=list(entities), event_at=[day(0)] * 7, prediction=[1.0] * 7))
    assert ready.predictions(story.model, within=night(0))["entity"].to_pylist() == sorted(entities)


def test_predictions_are_streamed_in_the_order_of_time(ready: Ledger, story: Story) -> None:
    """Night after night, what is current when the reading begins."""
    for number in (1, 0):
        ready.publish(story.batch(number), predictions(night(number), number))
    stream = ready.stream_predictions(story.model, within=night(0, 2))
    batches = [next(stream)]
    ready.publish(story.batch(1, attempt=2), predictions(night(1), 100))
    batches += stream
    found = pa.Table.from_batches(batches)
    assert found.num_rows == 2 * 48
    assert found["event_at"].to_pylist() == sorted(found["event_at"].to_pylist())
    assert found["prediction"].to_pylist()[-1] == 24
    assert found.schema == ready.predictions(story.model, within=night(0, 2)).schema


def test_every_model_has_its_own_horizon(ledger: Ledger) -> None:
    """And one that has none keeps all."""
    stories = [Story(model=name) for name in ("long", "short", "for_good")]
    for story in stories:
        story.keep_champion(ledger)
        for number in (0, 1):
            story.keep_night(ledger, number)
            ledger.publish(story.batch(number), predictions(night(number)))
    horizons = {("long", "all"): day(0.5), ("short", "all"): day(2)}
    assert ledger.expired_predictions(horizons) == 24 + 96
    assert ledger.expire_predictions(horizons) == 24 + 96
    assert [ledger.predictions(story.model, within=night(0, 2)).num_rows for story in stories] == [72, 0, 96]
