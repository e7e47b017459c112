"""What every ledger does with promotions."""

from __future__ import annotations

import pytest

from perennial.core.codes import Code
from perennial.core.errors import ConflictError, RejectedError
from perennial.core.receipts import Promotion, PromotionKind
from perennial.ports import Ledger
from perennial.testing.story import Story, day


def test_there_is_no_champion_at_first(ledger: Ledger, story: Story) -> None:
    """An empty ledger has none."""
    assert ledger.champion(story.model) is None


def test_the_champion_is_the_newest_promotion(ledger: Ledger, story: Story) -> None:
    """By epoch."""
    story.keep_champion(ledger, 0, epoch=1)
    second = story.keep_champion(ledger, 5, epoch=2)
    assert ledger.champion(story.model) == second
    assert ledger.champion(story.model, "other") is None


def test_the_champion_of_a_moment_is_the_one_in_force_then(ledger: Ledger, story: Story) -> None:
    """So that a night predicted late gets the model it would have had."""
    first = story.keep_champion(ledger, 0, epoch=1)
    second = story.keep_champion(ledger, 5, epoch=2)
    found = [ledger.champion(story.model, at=day(at)) for at in (0.9, 1, 5.9, 6)]
    assert found == [None, first, first, second]


def test_a_retired_model_has_no_champion(ledger: Ledger, story: Story) -> None:
    """From its retirement on."""
    first = story.keep_champion(ledger, 0, epoch=1)
    ledger.promote(story.promotion(2, 5, PromotionKind.RETIRE))
    assert ledger.champion(story.model) is None
    assert ledger.champion(story.model, at=day(5)) == first


def test_a_rollback_is_a_row_of_its_own(ledger: Ledger, story: Story) -> None:
    """An earlier version becomes champion again, under the next epoch."""
    story.keep_champion(ledger, 0, epoch=1)
    story.keep_champion(ledger, 5, epoch=2)
    back = story.promotion(3, 0, PromotionKind.ROLLBACK)
    ledger.promote(back)
    assert ledger.champion(story.model) == back
    assert [promotion.epoch for promotion in ledger.history(Promotion, story.model)] == [1, 2, 3]


@pytest.mark.parametrize("epoch", [0, 1, 3])
def test_promise_5_promotion_is_compare_and_set(ledger: Ledger, story: Story, epoch: int) -> None:
    """Only the epoch after the newest may be appended."""
    first = story.keep_champion(ledger, 0, epoch=1)
    story.keep_version(ledger, 5)
    with pytest.raises(ConflictError) as caught:
        ledger.promote(story.promotion(epoch, 5))
    message = f"the champion changed in the meantime: epoch {epoch} is not the next one"
    assert str(caught.value) == f"bike_demand/all: {message} [PROMOTE_CONFLICT]"
    assert ledger.history(Promotion, story.model) == [first]


def test_promoting_an_evaluation_again_returns_its_promotion(ledger: Ledger, story: Story) -> None:
    """Also when others were promoted since, and whatever epoch is asked for."""
    first = story.keep_champion(ledger, 0, epoch=1)
    story.keep_champion(ledger, 5, epoch=2)
    assert ledger.promote(story.promotion(3, 0)) == first
    assert len(ledger.history(Promotion, story.model)) == 2


def test_the_same_rollback_twice_is_one(ledger: Ledger, story: Story) -> None:
    """A lost answer can be asked for again."""
    story.keep_champion(ledger, 0, epoch=1)
    back = story.promotion(2, 0, PromotionKind.ROLLBACK)
    assert ledger.promote(back) == ledger.promote(back)
    with pytest.raises(ConflictError):
        ledger.promote(back.model_copy(update={"actor": "somebody else"}))


def test_only_a_version_that_is_there_is_promoted(ledger: Ledger, story: Story) -> None:
    """The version and the evaluation are foreign keys."""
    with pytest.raises(RejectedError) as caught:
        ledger.promote(story.promotion(1, 0))
    assert caught.value.code == Code.STORE_REJECTED
    assert ledger.champion(story.model) is None


def test_segments_have_their_own_epochs(ledger: Ledger) -> None:
    """Each begins with 1."""
    for story in (Story(segment="north"), Story(segment="south")):
        assert story.keep_champion(ledger).epoch == 1


@pytest.mark.parametrize("kind", [PromotionKind.RETIRE, PromotionKind.ROLLBACK])
def test_only_a_retirement_has_no_version(ledger: Ledger, story: Story, kind: PromotionKind) -> None:
    """A promotion without one, or a retirement with one, says nothing."""
    first = story.keep_champion(ledger)
    version = first.version if kind is PromotionKind.RETIRE else None
    with pytest.raises(RejectedError) as caught:
        ledger.promote(story.promotion(2, 0, kind).model_copy(update={"version": version}))
    assert caught.value.code == Code.STORE_REJECTED
    assert ledger.champion(story.model) == first
