"""What every ledger does with labels, and the losses it draws from them."""

from __future__ import annotations

import math
from datetime import timedelta

import pyarrow as pa
import pytest

from perennial.core.codes import Code
from perennial.core.errors import DataError, RejectedError
from perennial.core.interval import Interval
from perennial.core.receipts import NightLoss, Role
from perennial.ports import Ledger
from perennial.stores.ledger.known_outcomes import KNOWN
from perennial.testing.story import DAY, Story, day, night, outcomes, predictions

NORTH = ("north",)
LATER = day(99)


@pytest.fixture
def ready(ledger: Ledger, story: Story) -> Ledger:
    """A ledger with a champion that predicted three nights for one entity: 1, 2, ... each night."""
    story.keep_champion(ledger)
    for number in range(3):
        story.keep_night(ledger, number)
        ledger.publish(story.batch(number), predictions(night(number), 1, NORTH))
    return ledger


def losses(
    ledger: Ledger, story: Story, loss: str = "absolute", nights: int = 1, as_of: float = 99, matured: float = 99
) -> list[NightLoss]:
    """Return the losses of the first *nights*."""
    bounds = {"within": night(0, nights), "as_of": day(as_of), "matured_before": day(matured)}
    return ledger.losses(story.model, story.segment, loss=loss, **bounds)  # type: ignore[arg-type] # each has its own type


def expected(number: int, labelled: int, loss: float | None, role: Role = Role.CHAMPION) -> NightLoss:
    """Return the loss of a night whose rows all have the same one."""
    version, square = Story().version(0).id, None if loss is None else loss**2
    return NightLoss(interval=night(number), role=role, version=version, predicted=24, labelled=labelled, loss=loss, square=square)


def test_labels_are_appended_once(ledger: Ledger) -> None:
    """The count says how many were new."""
    assert ledger.record_outcomes("m", "all", outcomes(night(0))) == 48
    assert ledger.record_outcomes("m", "all", outcomes(night(0))) == 0
    assert ledger.record_outcomes("m", "all", outcomes(night(0, 2))) == 48
    assert ledger.record_outcomes("other", "all", outcomes(night(0))) == 48


def test_a_label_twice_in_one_delivery_is_one(ledger: Ledger) -> None:
    """A night delivered twice."""
    assert ledger.record_outcomes("m", "all", [*outcomes(night(0)), *outcomes(night(0))]) == 48


def test_a_revision_is_a_row_of_its_own(ledger: Ledger) -> None:
    """Known later, beside the earlier one."""
    ledger.record_outcomes("m", "all", outcomes(night(0), 1))
    assert ledger.record_outcomes("m", "all", outcomes(night(0), 2, available_at=day(5))) == 48


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_label_without_a_value_is_refused(ledger: Ledger, value: float | None) -> None:
    """And with it the whole delivery."""
    moment = pa.array([day(0)], pa.timestamp("us", "UTC"))
    bad = pa.record_batch({"entity": ["x"], "event_at": moment, "value": pa.array([value], pa.float64()), "available_at": moment})
    with pytest.raises(DataError) as caught:
        ledger.record_outcomes("m", "all", [*outcomes(night(0)), bad])
    assert str(caught.value) == "m/all: labels must be finite, got 1 of 1 rows that are not [DATA_NONFINITE]"
    assert ledger.record_outcomes("m", "all", outcomes(night(0))) == 48


@pytest.mark.parametrize(("loss", "mean"), [("absolute", 3.0), ("squared", 9.0)])
def test_the_mean_loss_of_a_night(ready: Ledger, story: Story, loss: str, mean: float) -> None:
    """Every label is 3 above its prediction."""
    ready.record_outcomes(story.model, "all", outcomes(night(0), 4, NORTH))
    assert losses(ready, story, loss) == [expected(0, 24, mean)]


def test_the_log_loss_of_a_night(ledger: Ledger, story: Story) -> None:
    """By hand: a label of 1 predicted with 0.8, then one of 0 predicted with 1, which is clipped."""
    story.keep_champion(ledger)
    story.keep_night(ledger, 0)
    moments = pa.array([day(0), day(0.5)], pa.timestamp("us", "UTC"))
    predicted = pa.record_batch({"entity": ["a", "a"], "event_at": moments, "prediction": [0.8, 1.0]})
    labels = pa.record_batch({"entity": ["a", "a"], "event_at": moments, "value": [1.0, 0.0], "available_at": moments})
    ledger.publish(story.batch(0), [predicted])
    ledger.record_outcomes(story.model, "all", [labels])
    (found,) = losses(ledger, story, "log")
    each = (-math.log(0.8), -math.log(1 - (1 - 1e-15)))
    assert (found.loss, found.square) == pytest.approx((sum(each) / 2, sum(one**2 for one in each) / 2), rel=1e-9)


@pytest.mark.parametrize(("error", "square"), [(1e-200, 0.0), (1e200, 1e140)])
def test_losses_that_are_too_small_or_too_large_to_be_squared(ledger: Ledger, story: Story, error: float, square: float) -> None:
    """They are told all the same, and so is a square."""
    story.keep_champion(ledger)
    story.keep_night(ledger, 0)
    moments = pa.array([day(0)], pa.timestamp("us", "UTC"))
    ledger.publish(story.batch(0), [pa.record_batch({"entity": ["a"], "event_at": moments, "prediction": [0.0]})])
    labels = pa.record_batch({"entity": ["a"], "event_at": moments, "value": [error], "available_at": moments})
    ledger.record_outcomes(story.model, "all", [labels])
    (found,) = losses(ledger, story)
    assert (found.loss, found.square) == (error, square)


def test_a_night_without_labels_has_no_loss(ready: Ledger, story: Story) -> None:
    """It is there all the same, with what was predicted."""
    ready.record_outcomes(story.model, "all", outcomes(night(1), 2, NORTH))
    assert losses(ready, story, nights=3) == [expected(0, 0, None), expected(1, 24, 1), expected(2, 0, None)]


def test_only_the_labelled_part_counts(ready: Ledger, story: Story) -> None:
    """Of 24 predictions, the first six hours have labels."""
    interval = type(night(0))(day(0), day(0.25))
    ready.record_outcomes(story.model, "all", outcomes(interval, 3, NORTH))
    assert losses(ready, story) == [expected(0, 6, 2)]


def test_labels_from_after_the_cutoff_are_not_used(ready: Ledger, story: Story) -> None:
    """A label of hour h is known at h + 24 h; exactly at the cut-off is known."""
    ready.record_outcomes(story.model, "all", outcomes(night(0), 3, NORTH))
    found = [losses(ready, story, as_of=as_of)[0].labelled for as_of in (0.9, 1, 1.5, 2)]
    assert found == [0, 1, 13, 24]


def test_the_latest_revision_that_was_known_counts(ready: Ledger, story: Story) -> None:
    """Whatever the order of delivery."""
    ready.record_outcomes(story.model, "all", outcomes(night(0), 11, NORTH, available_at=day(7)))
    ready.record_outcomes(story.model, "all", outcomes(night(0), 3, NORTH, available_at=day(2)))
    found = [losses(ready, story, as_of=as_of)[0].loss for as_of in (1.9, 2, 6.9, 7)]
    assert found == [None, 2, 2, 10]


def test_events_that_have_not_matured_are_left_out(ready: Ledger, story: Story) -> None:
    """Even if some of their labels came early: those are not like the rest."""
    ready.record_outcomes(story.model, "all", outcomes(night(0), 3, NORTH))
    assert losses(ready, story, matured=0.5) == [expected(0, 12, 2)]


def test_only_current_batches_count(ready: Ledger, story: Story) -> None:
    """A superseded one is not scored."""
    ready.publish(story.batch(0, attempt=2), predictions(night(0), 2, NORTH))
    ready.record_outcomes(story.model, "all", outcomes(night(0), 3, NORTH))
    assert losses(ready, story) == [expected(0, 24, 1)]


def test_only_whole_batches_inside_count(ready: Ledger, story: Story) -> None:
    """A night that sticks out is left out."""
    half = timedelta(hours=12)
    within = type(night(0))(day(0) + half, day(2) + half)
    found = ready.losses(story.model, "all", loss="absolute", within=within, as_of=LATER, matured_before=LATER)
    assert found == [expected(1, 0, None)]


def test_roles_are_scored_beside_each_other(ready: Ledger, story: Story) -> None:
    """In the order of interval and role."""
    for role in (Role.SHADOW, Role.BASELINE):
        ready.publish(story.batch(0, role=role), predictions(night(0), 7, NORTH))
    ready.record_outcomes(story.model, "all", outcomes(night(0), 3, NORTH))
    found = losses(ready, story, nights=2)
    baseline, champion = expected(0, 24, 4, Role.BASELINE), expected(0, 24, 2)
    assert found == [baseline, champion, expected(0, 24, 4, Role.SHADOW), expected(1, 0, None)]


def test_labels_of_other_segments_are_not_used(ready: Ledger, story: Story) -> None:
    """Nor those of other models."""
    ready.record_outcomes(story.model, "other", outcomes(night(0), 3, NORTH))
    ready.record_outcomes("other", "all", outcomes(night(0), 3, NORTH))
    assert losses(ready, story) == [expected(0, 0, None)]


def test_an_unknown_loss_is_refused(ready: Ledger, story: Story) -> None:
    """It never becomes part of a statement."""
    with pytest.raises(RejectedError) as caught:
        losses(ready, story, "1; DROP TABLE prediction")
    assert caught.value.code == Code.STORE_REJECTED
    assert str(caught.value) == ("losses: must be one of absolute, squared, log, got '1; DROP TABLE prediction' [STORE_REJECTED]")


def test_a_delay_is_a_day(ready: Ledger, story: Story) -> None:
    """Labels of the last hour are known a day after it."""
    ready.record_outcomes(story.model, "all", outcomes(night(2), 1, NORTH))
    last = day(3) - timedelta(hours=1) + DAY
    within = night(2)
    found = [
        ready.losses(story.model, "all", loss="absolute", within=within, as_of=at, matured_before=LATER)[0].labelled
        for at in (last - timedelta(microseconds=1), last)
    ]
    assert found == [23, 24]


def known(ledger: Ledger, nights: float = 1, as_of: float = 99) -> list[tuple[object, ...]]:
    """Return the labels of the first *nights* as (entity, event_at, value)."""
    rows = pa.Table.from_batches(ledger.outcomes("m", within=Interval(day(0), day(nights)), as_of=day(as_of)), KNOWN).to_pylist()
    return [tuple(row.values()) for row in rows]


def test_labels_are_read_by_event_and_entity(ledger: Ledger) -> None:
    """Only those of the interval and of the model."""
    ledger.record_outcomes("m", "all", outcomes(night(0, 2)))
    ledger.record_outcomes("other", "all", outcomes(night(0), 50))
    hours = [part.start for part in night(0).split(timedelta(hours=1))]
    expected = [(entity, hour, 1.0 + number) for number, hour in enumerate(hours) for entity in ("north", "south")]
    assert known(ledger) == expected
    assert len(known(ledger, 0.5)) == 24


def test_the_latest_label_known_at_the_cut_off_is_read(ledger: Ledger) -> None:
    """Before the first one there is none, and a revision counts from when it was known."""
    ledger.record_outcomes("m", "all", outcomes(night(0), 1, NORTH, available_at=day(2)))
    ledger.record_outcomes("m", "all", outcomes(night(0), 5, NORTH, available_at=day(4)))
    assert known(ledger, as_of=1.5) == []
    assert [value for *_, value in known(ledger, as_of=3)][:2] == [1.0, 2.0]
    assert [value for *_, value in known(ledger, as_of=4)][:2] == [5.0, 6.0]
