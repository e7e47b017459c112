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


def test_slices_come_by_name_and_night(ready: Ledger, story: Story) -> None:
    """Without what was measured of whole nights, and without what later nights measured."""
    first = [sliced(story, 0, name, 1.0) for name in ("b=1", "a=Ü", "a=1", None)]
    second = [sliced(story, 1, name, 2.0) for name in ("a=1", "b=1")]
    keep(ready, story, 1, second)
    keep(ready, story, 0, first)
    keep(ready, story, 2, [sliced(story, 2, "a=1", 9.0)])
    found = ready.slice_losses(story.model, story.segment, version=story.version(0).id, before=day(2))
    assert found == [first[2], second[0], first[1], first[0], second[1]]


def test_what_was_said_last_of_a_slice_and_a_night_stands(ready: Ledger, story: Story) -> None:
    """By the same night measured again, and again as it was."""
    keep(ready, story, 1, [sliced(story, 0, "a=1", 1.0)])
    keep(ready, story, 1, [sliced(story, 0, "a=1", 2.0)], again="b")
    version = story.version(0).id
    assert [loss.loss for loss in ready.slice_losses(story.model, story.segment, version=version, before=day(9))] == [2.0]
    keep(ready, story, 1, [sliced(story, 0, "a=1", 1.0)])
    assert [loss.loss for loss in ready.slice_losses(story.model, story.segment, version=version, before=day(9))] == [1.0]


def test_other_versions_and_models_have_slices_of_their_own(ready: Ledger, story: Story) -> None:
    """Nothing of one is said of another."""
    keep(ready, story, 1, [sliced(story, 0, "a=1", 1.0)])
    assert ready.slice_losses(story.model, story.segment, version="another", before=day(9)) == []
    assert ready.slice_losses("another", story.segment, version=story.version(0).id, before=day(9)) == []
