"""What every ledger does with receipts: record once, give back exactly, keep order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.receipts import (
    Approval,
    Decision,
    Evaluation,
    Measurement,
    Message,
    ModelVersion,
    Pause,
    PredictionBatch,
    Promotion,
    Purpose,
    Receipt,
    Release,
    RetrainRequest,
    Snapshot,
    Validation,
)
from perennial.ports import Ledger
from perennial.testing.story import DAY, Story, day, night, predictions

RECEIPTS: dict[str, Callable[[Story], Receipt]] = {
    "snapshot": lambda story: story.snapshot(1),
    "validation": lambda story: story.validation(1).model_copy(update={"usual": "a digest", "release": story.release(1).id}),
    "release": lambda story: story.release(1),
    "version": lambda story: story.version(2, request="bike_demand-all-request-1"),
    "evaluation": lambda story: story.evaluation(0, champion="bike_demand-all-version-0"),
    "approval": lambda story: story.approval(0),
    "measurement": lambda story: story.measurement(0),
    "decision": lambda story: story.decision(0, request="bike_demand-all-request-1"),
    "pause": lambda story: story.pause(1),
    "message": lambda story: story.message(1),
}


def prepare(ledger: Ledger, story: Story) -> None:
    """Record what the receipts above name, but not themselves."""
    ledger.request_retraining(story.request(1), cooldown=DAY, max_per_30d=None)
    ledger.record(story.snapshot(0, Purpose.TRAIN))
    ledger.record(story.validation(0, Purpose.TRAIN))
    ledger.record(story.version(0))
    for purpose in Purpose:
        ledger.record(story.snapshot(2, purpose))
        ledger.record(story.validation(2, purpose))


def key_of(receipt: Receipt) -> str:
    """Return the id of *receipt*."""
    key: str = receipt.digest if isinstance(receipt, Snapshot) else getattr(receipt, "id")  # noqa: B009 - not on every receipt
    return key


def fill(ledger: Ledger, story: Story, name: str) -> None:
    """Record everything that the receipt called *name* refers to."""
    prepare(ledger, story)
    needs: dict[str, list[Receipt]] = {
        "validation": [story.snapshot(1), story.release(1)],
        "release": [story.snapshot(1)],
        "approval": [story.evaluation(0)],
        "measurement": [story.snapshot(0), story.validation(0)],
        "decision": [story.snapshot(0), story.validation(0), story.measurement(0)],
    }
    for receipt in needs.get(name, []):
        ledger.record(receipt)


@pytest.mark.parametrize("name", RECEIPTS)
def test_a_receipt_comes_back_exactly_as_it_was_recorded(ledger: Ledger, story: Story, name: str) -> None:
    """Infinite figures, missing ends, lists and intervals included."""
    fill(ledger, story, name)
    receipt = RECEIPTS[name](story)
    assert ledger.record(receipt) == receipt
    assert ledger.get(type(receipt), key_of(receipt)) == receipt


@pytest.mark.parametrize("name", RECEIPTS)
def test_recording_again_returns_the_record_that_stands(ledger: Ledger, story: Story, name: str) -> None:
    """The first record of an id stays as it is."""
    fill(ledger, story, name)
    first = RECEIPTS[name](story)
    changed = {"sentence": "x", "reason": "x", "comment": "x", "rows": 7, "signals": (), "drift": (), "news": ()}
    second = first.model_copy(update={field: value for field, value in changed.items() if field in type(first).model_fields})
    ledger.record(first)
    assert second != first
    assert ledger.record(second) == first
    assert ledger.get(type(first), key_of(first)) == first


@pytest.mark.parametrize(
    "kind",
    [
        Snapshot,
        Release,
        Validation,
        ModelVersion,
        Evaluation,
        Approval,
        Measurement,
        Decision,
        PredictionBatch,
        RetrainRequest,
        Pause,
        Message,
    ],
)
def test_what_is_not_there_is_said_to_be_unknown(ledger: Ledger, kind: type[Receipt]) -> None:
    """The message names the kind and the key."""
    with pytest.raises(RejectedError) as caught:
        ledger.get(kind, "nothing")
    assert str(caught.value) == f"ledger: there is no {kind.__name__} 'nothing' [MODEL_UNKNOWN]"


@pytest.mark.parametrize("name", ["validation", "release", "version", "approval", "decision"])
def test_a_receipt_may_not_name_what_is_not_there(ledger: Ledger, story: Story, name: str) -> None:
    """Every reference is a foreign key."""
    receipt = RECEIPTS[name](story)
    with pytest.raises(RejectedError) as caught:
        ledger.record(receipt)
    assert caught.value.code == Code.STORE_REJECTED
    with pytest.raises(RejectedError):
        ledger.get(type(receipt), key_of(receipt))


def test_a_training_run_has_one_version(ledger: Ledger, story: Story) -> None:
    """A rerun that comes out with other bytes gets the version that stands."""
    prepare(ledger, story)
    other = story.version(0).model_copy(update={"id": "another", "artifact": "other bytes"})
    assert ledger.record(other) == story.version(0)
    assert ledger.history(ModelVersion, story.model) == [story.version(0)]


def test_history_is_in_the_order_of_intervals(ledger: Ledger, story: Story) -> None:
    """Whatever the order of writing."""
    for number in (2, 0, 1):
        ledger.record(story.snapshot(number))
    assert ledger.history(Snapshot, story.model) == [story.snapshot(number) for number in (0, 1, 2)]


def test_history_has_only_the_newest_where_asked(ledger: Ledger, story: Story) -> None:
    """From the end, still in order; none are none."""
    for number in (2, 0, 1):
        ledger.record(story.snapshot(number))
    assert ledger.history(Snapshot, story.model, newest=2) == [story.snapshot(1), story.snapshot(2)]
    assert ledger.history(Snapshot, story.model, newest=9) == [story.snapshot(number) for number in (0, 1, 2)]
    assert ledger.history(Snapshot, story.model, newest=0) == []


def test_history_is_bounded_by_where_an_interval_starts(ledger: Ledger, story: Story) -> None:
    """The start is included, the end is not."""
    for number in range(4):
        ledger.record(story.snapshot(number))
    assert ledger.history(Snapshot, story.model, within=night(1, 2)) == [story.snapshot(1), story.snapshot(2)]


def test_history_knows_one_model_and_segment(ledger: Ledger) -> None:
    """Others are left out."""
    north, south, other = Story(segment="north"), Story(segment="south"), Story(model="other", segment="north")
    for each in (north, south, other):
        ledger.record(each.snapshot(0))
    assert ledger.history(Snapshot, north.model, "north") == [north.snapshot(0)]


def test_history_of_every_kind(ledger: Ledger, story: Story) -> None:
    """Each kind that the port lists, and approvals by their evaluation."""
    ledger.request_retraining(story.request(1), cooldown=DAY, max_per_30d=None)
    promotion = story.keep_champion(ledger)
    story.keep_night(ledger, 0)
    batch = ledger.publish(story.batch(0), predictions(night(0)))
    kept = [ledger.record(made) for made in (story.approval(0), story.measurement(0), story.decision(0))]
    expected = [*kept, promotion, batch, story.request(1), story.version(0), story.evaluation(0)]
    assert [ledger.history(type(receipt), story.model)[-1] for receipt in expected] == expected


def test_requests_are_bounded_by_their_cutoff(ledger: Ledger, story: Story) -> None:
    """A request has no interval, but a moment."""
    for number in (1, 2, 3):
        ledger.request_retraining(story.request(number), cooldown=DAY, max_per_30d=None)
        ledger.settle_request(story.request(number).id, "done")
    found = ledger.history(RetrainRequest, story.model, within=night(2))
    assert [day(2)] == [request.at for request in found]


def test_promotions_and_batches_are_not_recorded_by_themselves(ledger: Ledger, story: Story) -> None:
    """They are written by what gives them their meaning."""
    for receipt in (story.promotion(1, 0), story.batch(0), story.request(0)):
        with pytest.raises(RejectedError) as caught:
            ledger.record(receipt)
        assert str(caught.value) == f"ledger: {type(receipt).__name__} is not recorded by itself [STORE_REJECTED]"


def test_a_promotion_has_no_id(ledger: Ledger) -> None:
    """It is found through its model's history."""
    with pytest.raises(RejectedError) as caught:
        ledger.get(Promotion, "1")
    assert str(caught.value) == "ledger: Promotion has no id; ask for its history [STORE_REJECTED]"
