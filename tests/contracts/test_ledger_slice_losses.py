"""What every ledger says of the losses by slice that nights were measured with."""

from __future__ import annotations

import pytest

from perennial.core.receipts import Measurement, NightLoss, Role
from perennial.ports import Ledger
from perennial.testing.story import Story, day, night


def sliced(story: Story, number: int, name: str | None, loss: float) -> NightLoss:
    """Return the loss of a slice on night *number*."""
    return NightLoss(
        interval=night(number),
        role=Role.CHAMPION,
        version=story.version(0).id,
        predicted=9,
        labelled=8,
        loss=loss,
        square=loss**2,
        slice=name,
    )


def keep(ledger: Ledger, story: Story, number: int, losses: list[NightLoss], again: str = "") -> Measurement:
    """Record the measurement of night *number* with these losses."""
    made = story.measurement(number)
    return ledger.record(made.model_copy(update={"id": f"{made.id}{again}", "losses": tuple(losses)}))


@pytest.fixture
def ready(ledger: Ledger, story: Story) -> Ledger:
    """A ledger with a champion and three nights."""
    story.keep_champion(ledger)
    for number in range(3):
        story.keep_night(ledger, number)
    return ledger


def told(ledger: Ledger, story: Story, *, before: int = 9, as_of: int = 9) -> list[NightLoss]:
    """Return what the ledger says of the story's version."""
    return ledger.slice_losses(story.model, story.segment, version=story.version(0).id, before=day(before), as_of=day(as_of))


def test_slices_come_by_name_and_night(ready: Ledger, story: Story) -> None:
    """After the whole of a night; without nights of which no slice was measured, other roles, and what later nights measured."""
    first = [sliced(story, 0, name, 1.0) for name in ("b=1", "a=Ü", "a=1", None)]
    second = [sliced(story, 1, name, 2.0) for name in ("a=1", "b=1")]
    shadow = first[3].model_copy(update={"role": Role.SHADOW})
    keep(ready, story, 1, [*second, sliced(story, 2, None, 3.0)])
    keep(ready, story, 0, [*first, shadow])
    keep(ready, story, 2, [sliced(story, 2, "a=1", 9.0)])
    assert told(ready, story, before=2) == [first[3], first[2], second[0], first[1], first[0], second[1]]


def test_what_the_last_night_measured_stands(ready: Ledger, story: Story) -> None:
    """All of it: what was measured on a night before is not mixed with it."""
    revised = [sliced(story, 0, name, 2.0) for name in (None, "a=1")]
    keep(ready, story, 2, revised)
    keep(ready, story, 1, [sliced(story, 0, name, 1.0) for name in (None, "a=1", "b=1")])
    assert told(ready, story) == revised


def test_what_was_said_last_of_a_slice_and_a_night_stands(ready: Ledger, story: Story) -> None:
    """By the same night measured again, again as it was, and without that slice."""
    keep(ready, story, 1, [sliced(story, 0, "a=1", 1.0)])
    keep(ready, story, 1, [sliced(story, 0, "a=1", 2.0)], again="b")
    assert [loss.loss for loss in told(ready, story)] == [2.0]
    keep(ready, story, 1, [sliced(story, 0, "a=1", 1.0)])
    assert [loss.loss for loss in told(ready, story)] == [1.0]
    keep(ready, story, 1, [], again="c")
    assert told(ready, story) == []


def test_what_was_measured_with_a_later_cut_off_is_not_told(ready: Ledger, story: Story) -> None:
    """Night 1 was measured as of day 2; run again as of day 5, it knows what a night of day 4 could not know."""
    keep(ready, story, 1, [sliced(story, 0, "a=1", 1.0)])
    assert [loss.loss for loss in told(ready, story, as_of=2)] == [1.0]
    made = story.measurement(1)
    late = {"id": "late", "as_of": day(5), "losses": (sliced(story, 0, "a=1", 2.0),)}
    ready.record(made.model_copy(update=late))
    assert (told(ready, story, as_of=4), [loss.loss for loss in told(ready, story, as_of=5)]) == ([], [2.0])


def test_other_versions_and_models_have_slices_of_their_own(ready: Ledger, story: Story) -> None:
    """Nothing of one is said of another."""
    keep(ready, story, 1, [sliced(story, 0, "a=1", 1.0)])
    known = {"before": day(9), "as_of": day(9)}
    assert ready.slice_losses(story.model, story.segment, version="another", **known) == []
    assert ready.slice_losses("another", story.segment, version=story.version(0).id, **known) == []
