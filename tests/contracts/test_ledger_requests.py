"""What every ledger does with retrain requests."""

from __future__ import annotations

from datetime import timedelta

import pytest

from perennial.core.errors import RejectedError
from perennial.core.receipts import RequestState, RetrainRequest
from perennial.ports import Ledger
from perennial.testing.story import DAY, Story, day

WEEK = 7 * DAY


def file(ledger: Ledger, story: Story, number: float, *, budget: int | None = None, force: bool = False) -> tuple[bool, str]:
    """File a request for a day with a cooldown of a week, and settle it; return whether it was filed and why."""
    filed, why = ledger.request_retraining(story.request(number), cooldown=WEEK, max_per_30d=budget, force=force)
    if filed is not None:
        ledger.settle_request(filed.id, "done")
    return filed is not None, why


def test_a_request_is_filed(ledger: Ledger, story: Story) -> None:
    """Open, as it was made."""
    request = story.request(1)
    assert ledger.request_retraining(request, cooldown=WEEK, max_per_30d=1) == (request, "The request was filed.")
    assert ledger.get(RetrainRequest, request.id) == request


def test_filing_again_returns_the_request_as_it_stands(ledger: Ledger, story: Story) -> None:
    """Also when it is done."""
    request = story.request(1)
    file(ledger, story, 1)
    found, why = ledger.request_retraining(request, cooldown=WEEK, max_per_30d=None)
    assert found == request.model_copy(update={"state": RequestState.DONE, "outcome": "done"})
    assert why == "The request was filed before and is done."


@pytest.mark.parametrize("force", [False, True])
def test_promise_7_only_one_request_is_open(ledger: Ledger, story: Story, *, force: bool) -> None:
    """However far apart, and whoever insists."""
    first = story.request(1)
    ledger.request_retraining(first, cooldown=WEEK, max_per_30d=None)
    found = ledger.request_retraining(story.request(90), cooldown=WEEK, max_per_30d=None, force=force)
    assert found == (None, f"Request {first.id} of 2024-03-02T00:00:00Z is open already.")


def test_promise_7_a_claimed_request_is_still_the_only_one(ledger: Ledger, story: Story) -> None:
    """Until it is settled."""
    ledger.request_retraining(story.request(1), cooldown=WEEK, max_per_30d=None)
    ledger.claim_request(story.model, "all", "run 1", at=day(1))
    assert ledger.request_retraining(story.request(90), cooldown=WEEK, max_per_30d=None)[0] is None
    ledger.settle_request(story.request(1).id, "promoted")
    assert ledger.request_retraining(story.request(90), cooldown=WEEK, max_per_30d=None)[0] is not None


@pytest.mark.parametrize(("number", "filed"), [(13.99, False), (14, True), (20, True), (0.01, False), (0, True), (-9, True)])
def test_promise_7_the_cooldown_counts_in_both_directions(ledger: Ledger, story: Story, number: float, *, filed: bool) -> None:
    """So that a backfilled older night does not get in either."""
    assert file(ledger, story, 7) == (True, "The request was filed.")
    found, why = file(ledger, story, number)
    assert found is filed
    refused = "Request bike_demand-all-request-7 of 2024-03-08T00:00:00Z is nearer than the cooldown of 7 days, 0:00:00."
    assert why == ("The request was filed." if filed else refused)


@pytest.mark.parametrize(("number", "filed"), [(0, False), (29, False), (38.9, False), (39, True), (-11, True), (-10.9, False)])
def test_promise_7_the_budget_holds_in_any_30_days(ledger: Ledger, story: Story, number: float, *, filed: bool) -> None:
    """Two requests 10 days apart use up a budget of two wherever a window of 30 days holds all three."""
    for earlier in (9, 19):
        assert file(ledger, story, earlier, budget=2)[0]
    found, why = file(ledger, story, number, budget=2)
    assert found is filed
    assert why == ("The request was filed." if filed else "The budget of 2 in 30 days is used up.")


def test_force_skips_cooldown_and_budget(ledger: Ledger, story: Story) -> None:
    """A person may insist."""
    assert file(ledger, story, 1, budget=1)[0]
    assert not file(ledger, story, 2, budget=1)[0]
    assert file(ledger, story, 2, budget=1, force=True)[0]


def test_models_and_segments_do_not_share_a_cooldown(ledger: Ledger) -> None:
    """Each has its own."""
    for story in (Story(), Story(segment="north"), Story(model="other")):
        assert file(ledger, story, 1, budget=1)[0]


def test_a_request_is_claimed_once(ledger: Ledger, story: Story) -> None:
    """By whoever comes first; asking again gives the same one."""
    request = story.request(1)
    ledger.request_retraining(request, cooldown=WEEK, max_per_30d=None)
    claimed = request.model_copy(update={"state": RequestState.CLAIMED, "claimed_by": "run 1"})
    assert ledger.claim_request(story.model, "all", "run 1", at=day(1)) == claimed
    assert ledger.claim_request(story.model, "all", "run 2", at=day(1)) is None
    assert ledger.claim_request(story.model, "all", "run 1", at=day(1)) == claimed


def test_a_cleared_run_gets_its_settled_request_again(ledger: Ledger, story: Story) -> None:
    """So that it does the same again."""
    ledger.request_retraining(story.request(1), cooldown=WEEK, max_per_30d=None)
    ledger.claim_request(story.model, "all", "run 1", at=day(1.5))
    ledger.settle_request(story.request(1).id, "promoted")
    found = ledger.claim_request(story.model, "all", "run 1", at=day(1.5))
    assert found is not None
    assert (found.state, found.outcome) == (RequestState.DONE, "promoted")


def test_a_later_run_of_the_same_name_does_not_get_a_settled_request(ledger: Ledger, story: Story) -> None:
    """It would retrain for the same reason again and again."""
    ledger.request_retraining(story.request(1), cooldown=WEEK, max_per_30d=None)
    ledger.claim_request(story.model, "all", "replay", at=day(1))
    ledger.settle_request(story.request(1).id, "promoted")
    assert ledger.claim_request(story.model, "all", "replay", at=day(2)) is None


def test_a_request_from_the_future_is_not_claimed(ledger: Ledger, story: Story) -> None:
    """A backfilled run must not know of it."""
    ledger.request_retraining(story.request(5), cooldown=WEEK, max_per_30d=None)
    assert ledger.claim_request(story.model, "all", "run 1", at=day(5) - timedelta(microseconds=1)) is None
    assert ledger.claim_request(story.model, "other", "run 1", at=day(5)) is None
    assert ledger.claim_request(story.model, "all", "run 1", at=day(5)) is not None


def test_nothing_is_claimed_where_nothing_is_open(ledger: Ledger, story: Story) -> None:
    """A scheduled run has no request."""
    assert ledger.claim_request(story.model, "all", "run 1", at=day(1)) is None


def test_any_request_is_claimed_where_no_cut_off_is_given(ledger: Ledger, story: Story) -> None:
    """A person takes whatever waits, and gets it again when the run is cleared."""
    ledger.request_retraining(story.request(5), cooldown=WEEK, max_per_30d=None)
    first = ledger.claim_request(story.model, "all", "run 1", at=None)
    ledger.settle_request(story.request(5).id, "promoted")
    again = ledger.claim_request(story.model, "all", "run 1", at=None)
    assert first == story.request(5).model_copy(update={"state": RequestState.CLAIMED, "claimed_by": "run 1"})
    assert again is not None
    assert again.outcome == "promoted"
    assert ledger.claim_request(story.model, "all", "run 2", at=None) is None


def test_an_abandoned_claim_is_taken_over(ledger: Ledger, story: Story) -> None:
    """By anyone, when it is old enough by the ledger's clock; whoever had it before settles nothing any more."""
    ledger.request_retraining(story.request(1), cooldown=WEEK, max_per_30d=None)
    ledger.claim_request(story.model, "all", "dead", at=day(1))
    assert ledger.claim_request(story.model, "all", "run 2", at=day(1), abandoned_after=timedelta(minutes=1)) is None

    taken = ledger.claim_request(story.model, "all", "run 2", at=day(1), abandoned_after=timedelta(0))
    assert taken == story.request(1).model_copy(update={"state": RequestState.CLAIMED, "claimed_by": "run 2"})
    ledger.settle_request(story.request(1).id, "dead", claimed_by="dead")
    assert ledger.get(RetrainRequest, story.request(1).id) == taken
    ledger.settle_request(story.request(1).id, "promoted", claimed_by="run 2")
    assert ledger.get(RetrainRequest, story.request(1).id).outcome == "promoted"


def test_what_is_done_is_not_taken_over(ledger: Ledger, story: Story) -> None:
    """However old it is."""
    ledger.request_retraining(story.request(1), cooldown=WEEK, max_per_30d=None)
    ledger.claim_request(story.model, "all", "run 1", at=day(1))
    ledger.settle_request(story.request(1).id, "promoted")
    assert ledger.claim_request(story.model, "all", "run 2", at=day(1), abandoned_after=timedelta(0)) is None


def test_a_claim_lives_on_when_it_is_asked_for_again(ledger: Ledger, story: Story) -> None:
    """A run that tries again is not dead."""
    ledger.request_retraining(story.request(1), cooldown=WEEK, max_per_30d=None)
    for _ in range(2):
        assert ledger.claim_request(story.model, "all", "run 1", at=day(1)) is not None
    assert ledger.claim_request(story.model, "all", "run 2", at=day(1)) is None


def test_a_request_that_is_put_back_waits_again(ledger: Ledger, story: Story) -> None:
    """For anyone, and no other one is filed meanwhile."""
    ledger.request_retraining(story.request(1), cooldown=WEEK, max_per_30d=None)
    ledger.claim_request(story.model, "all", "run 1", at=day(1))
    ledger.settle_request(story.request(1).id, "the source was away", RequestState.OPEN, claimed_by="run 1")
    assert ledger.request_retraining(story.request(90), cooldown=WEEK, max_per_30d=None)[0] is None
    taken = ledger.claim_request(story.model, "all", "run 2", at=day(1))
    assert taken is not None
    assert (taken.state, taken.claimed_by) == (RequestState.CLAIMED, "run 2")


def test_the_first_outcome_stands(ledger: Ledger, story: Story) -> None:
    """Settling again changes nothing."""
    ledger.request_retraining(story.request(1), cooldown=WEEK, max_per_30d=None)
    for outcome in ("promoted", "failed"):
        ledger.settle_request(story.request(1).id, outcome)
    assert ledger.get(RetrainRequest, story.request(1).id).outcome == "promoted"


def test_a_cleared_run_says_anew_what_became_of_its_request(ledger: Ledger, story: Story) -> None:
    """Its first attempt failed, the second one promoted; nobody else may say so."""
    ledger.request_retraining(story.request(1), cooldown=WEEK, max_per_30d=None)
    ledger.claim_request(story.model, story.segment, "a run", at=story.request(1).at)
    ledger.settle_request(story.request(1).id, "failed", claimed_by="a run")
    ledger.settle_request(story.request(1).id, "promoted", claimed_by="a run")
    ledger.settle_request(story.request(1).id, "a stranger's", claimed_by="another run")
    found = ledger.get(RetrainRequest, story.request(1).id)
    assert (found.state, found.outcome) == (RequestState.DONE, "promoted")


def test_an_unknown_request_is_not_settled(ledger: Ledger) -> None:
    """It is said to be unknown."""
    with pytest.raises(RejectedError) as caught:
        ledger.settle_request("nothing", "done")
    assert str(caught.value) == "ledger: there is no RetrainRequest 'nothing' [MODEL_UNKNOWN]"
