"""What every ledger does with leases: one holder at a time, and a fence around whoever held it before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from perennial.core.errors import ConflictError, UnavailableError
from perennial.core.interval import moment
from perennial.core.receipts import PredictionBatch, Promotion, RequestState, Snapshot
from perennial.ports import Ledger
from perennial.testing.story import DAY, Story, day, night, outcomes, predictions

HOUR = timedelta(hours=1)
LOST = "bike_demand/all/score: a later attempt has taken over; this one may not write any more [LEASE_LOST]"
WRITES: dict[str, Callable[[Ledger, Story], object]] = {
    "record": lambda ledger, story: ledger.record(story.snapshot(2)),
    "promote": lambda ledger, story: ledger.promote(story.promotion(2, 1)),
    "publish": lambda ledger, story: ledger.publish(story.batch(0), predictions(night(0))),
    "record_outcomes": lambda ledger, story: ledger.record_outcomes(story.model, "all", outcomes(night(0))),
    "request": lambda ledger, story: ledger.request_retraining(story.request(9), cooldown=HOUR, max_per_30d=None),
    "claim": lambda ledger, story: ledger.claim_request(story.model, "all", "zombie", at=day(9)),
    "settle": lambda ledger, story: ledger.settle_request(story.request(1).id, "zombie"),
    "expire": lambda ledger, story: ledger.expire_predictions({(story.model, "all"): day(9)}),
}


@pytest.fixture
def ready(ledger: Ledger, story: Story) -> Ledger:
    """A ledger with a champion, a challenger, a night and a request."""
    story.keep_champion(ledger)
    story.keep_version(ledger, 1)
    story.keep_night(ledger, 0)
    ledger.request_retraining(story.request(1), cooldown=DAY, max_per_30d=None)
    return ledger


def picture(ledger: Ledger, story: Story) -> list[object]:
    """Return all that the writes above would change."""
    kinds = (Snapshot, Promotion, PredictionBatch, type(story.request(1)))
    return [*(ledger.history(kind, story.model) for kind in kinds), ledger.predictions(story.model, within=night(0)).num_rows]


def test_a_holder_writes(ready: Ledger, story: Story) -> None:
    """Every kind of write goes through."""
    with ready.lease(story.model, "all", "score", "run 1", HOUR) as leased:
        for write in WRITES.values():
            write(leased, story)
    assert ready.champion(story.model) == story.promotion(2, 1)


def test_another_holder_has_to_wait(ready: Ledger, story: Story) -> None:
    """Until the release."""
    with ready.lease(story.model, "all", "score", "run 1", HOUR):
        with (
            pytest.raises(UnavailableError) as caught,
            ready.lease(story.model, "all", "score", "run 2", HOUR),
        ):
            raise AssertionError
        said = re.fullmatch(
            r"bike_demand/all/score: another run holds it, until (\S+) at the latest; try again when that has ended \[LEASE_HELD\]",
            str(caught.value),
        )
        assert said is not None
        assert timedelta(minutes=58) < moment(said[1]) - datetime.now(UTC) <= HOUR
    with ready.lease(story.model, "all", "score", "run 2", HOUR) as leased:
        leased.record(story.snapshot(2))


def test_a_lease_is_released_after_an_error(ready: Ledger, story: Story) -> None:
    """Which goes on to whoever waits for it."""
    with pytest.raises(ZeroDivisionError), ready.lease(story.model, "all", "score", "run 1", HOUR):
        raise ZeroDivisionError
    with ready.lease(story.model, "all", "score", "run 2", HOUR) as leased:
        leased.record(story.snapshot(2))


def test_leases_are_by_model_segment_and_flow(ready: Ledger, story: Story) -> None:
    """Others go on at the same time."""
    with (
        ready.lease(story.model, "all", "score", "run 1", HOUR),
        ready.lease(story.model, "all", "retrain", "run 2", HOUR),
        ready.lease(story.model, "north", "score", "run 3", HOUR),
        ready.lease("other", "all", "score", "run 4", HOUR) as leased,
    ):
        assert leased.record(story.snapshot(2)) == story.snapshot(2)


def test_an_expired_lease_goes_to_another_holder(ready: Ledger, story: Story) -> None:
    """Whoever held it is fenced off."""
    with (
        ready.lease(story.model, "all", "score", "run 1", timedelta(0)) as slow,
        ready.lease(story.model, "all", "score", "run 2", HOUR) as quick,
    ):
        quick.record(story.snapshot(2))
        with pytest.raises(ConflictError) as caught:
            slow.record(story.snapshot(3))
    assert str(caught.value) == LOST


def test_a_holder_writes_after_its_time_as_long_as_nobody_took_over(ready: Ledger, story: Story) -> None:
    """A call that takes longer than it thought is not lost."""
    with ready.lease(story.model, "all", "score", "run 1", timedelta(0)) as slow:
        assert slow.record(story.snapshot(2)) == story.snapshot(2)


@pytest.mark.parametrize("name", WRITES)
def test_promise_6_a_superseded_attempt_cannot_write(ready: Ledger, story: Story, name: str) -> None:
    """A zombie task and its successor have one holder's name; the successor takes over at once."""
    before = picture(ready, story)
    with (
        ready.lease(story.model, "all", "score", "run 1", HOUR) as zombie,
        ready.lease(story.model, "all", "score", "run 1", HOUR),
    ):
        with pytest.raises(ConflictError) as caught:
            WRITES[name](zombie, story)
        assert str(caught.value) == LOST
    assert picture(ready, story) == before


def test_promise_6_a_takeover_in_the_middle_of_a_copy_leaves_nothing(ready: Ledger, story: Story) -> None:
    """The token is checked again after the last row."""
    before = picture(ready, story)

    def interrupted() -> Iterator[pa.RecordBatch]:
        first, second = predictions(night(0))
        yield first
        with ready.lease(story.model, "all", "score", "run 1", HOUR):
            yield second

    with ready.lease(story.model, "all", "score", "run 1", HOUR) as zombie:
        with pytest.raises(ConflictError) as caught:
            zombie.publish(story.batch(0), interrupted())
        assert str(caught.value) == LOST
    assert picture(ready, story) == before


def test_a_zombie_does_not_release_its_successor(ready: Ledger, story: Story) -> None:
    """Its exit changes nothing."""
    first = ready.lease(story.model, "all", "score", "run 1", HOUR)
    first.__enter__()
    with ready.lease(story.model, "all", "score", "run 1", HOUR) as successor:
        first.__exit__(None, None, None)
        successor.record(story.snapshot(2))
        with pytest.raises(UnavailableError), ready.lease(story.model, "all", "score", "run 2", HOUR):
            raise AssertionError


def test_a_ledger_does_not_write_after_its_lease(ready: Ledger, story: Story) -> None:
    """Even if nobody else has taken it."""
    with ready.lease(story.model, "all", "score", "run 1", HOUR) as leased:
        pass
    with pytest.raises(ConflictError):
        leased.record(story.snapshot(2))


def test_a_zombie_still_reads(ready: Ledger, story: Story) -> None:
    """Only writes are fenced."""
    with (
        ready.lease(story.model, "all", "score", "run 1", HOUR) as zombie,
        ready.lease(story.model, "all", "score", "run 1", HOUR),
    ):
        assert zombie.champion(story.model) == story.promotion(1, 0)


def test_a_lease_inside_a_lease_checks_both(ready: Ledger, story: Story) -> None:
    """Whichever is lost first."""
    with (
        ready.lease(story.model, "all", "retrain", "run 1", HOUR) as outer,
        outer.lease(story.model, "all", "score", "run 1", HOUR) as inner,
        ready.lease(story.model, "all", "retrain", "run 1", HOUR),
    ):
        with pytest.raises(ConflictError) as caught:
            inner.settle_request(story.request(1).id, "x", RequestState.DONE)
        assert caught.value.where == "bike_demand/all/retrain"
