"""What a person does from the pages is done as from the command line, and stands in the ledger with name and reason."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.core.receipts import Approval, Pause, PromotionKind, Purpose, RequestState, RetrainRequest, Verdict
from perennial.definition.models import Definition
from perennial.stores.ledger import PostgresLedger
from perennial.testing.story import DAY, Story, day

MODEL = "/models/bike_demand/all"
JSON = {"content-type": "application/json"}


def waiting(ledger: PostgresLedger, *, run: str | None = None) -> Story:
    """Have a champion, and a challenger that passed beside it and waits for a person; *run* made it."""
    story = Story()
    story.keep_champion(ledger)
    request = None
    if run is not None:
        ledger.request_retraining(story.request(2), cooldown=DAY, max_per_30d=None)
        ledger.claim_request(story.model, story.segment, run, at=None)
        request = story.request(2).id
    ledger.record(story.snapshot(2, Purpose.TRAIN))
    ledger.record(story.validation(2, Purpose.TRAIN))
    ledger.record(story.version(2, request=request))
    ledger.record(story.evaluation(2, champion=story.version(0).id))
    return story


def test_a_retraining_is_asked_for(acting: Any, ledger: PostgresLedger, bells: Any) -> None:
    """A request in the person's name, up to the last complete night, and a run that answers it."""
    answer = acting.post(f"{MODEL}/retrain", {"reason": "a new station"})
    (request,) = ledger.history(RetrainRequest, "bike_demand")
    assert answer.status_code == 200
    assert (request.reason, request.origin, request.at) == ("a new station", "by hand ana 2024-03-07T00:00:00Z", day(6))
    run = f"request__{request.id}__20240307"
    conf = {"request": request.id, "as_of": "2024-03-07T00:00:00Z", "reason": "a new station"}
    assert bells.asked == [("ring", "retrain_bike_demand", run, conf, "ana")]


def test_a_retraining_that_cooldown_forbids_is_refused(acting: Any, ledger: PostgresLedger, bells: Any) -> None:
    """With the sentence that the command line says; force goes against it."""
    story = Story()
    ledger.request_retraining(story.request(5), cooldown=DAY, max_per_30d=None)
    ledger.claim_request(story.model, story.segment, "run", at=None)
    ledger.settle_request(story.request(5).id, "done")
    refused = acting.post(f"{MODEL}/retrain", {"reason": "again"})
    assert (refused.status_code, "is nearer than the cooldown" in refused.text, bells.asked) == (409, True, [])
    assert acting.post(f"{MODEL}/retrain", {"reason": "again", "force": "true"}).status_code == 200


def test_a_retired_model_is_not_retrained_from_here(acting: Any, ledger: PostgresLedger, bells: Any) -> None:
    """The answer says who retired it, and how it comes back."""
    story = Story()
    story.keep_champion(ledger)
    ledger.promote(story.promotion(2, 0, PromotionKind.RETIRE))
    answer = acting.post(f"{MODEL}/retrain", {"reason": "again"})
    assert (answer.status_code, "The model was retired by retrain" in answer.text, bells.asked) == (409, True, [])


def test_an_approval_goes_to_the_run_that_waits(acting: Any, ledger: PostgresLedger, bells: Any) -> None:
    """And to the ledger with the reason; the run publishes."""
    story, bells.waits = waiting(ledger, run="run 7"), True
    assert "A challenger waits for your answer" in acting.get(MODEL).text
    answer = acting.post(f"{MODEL}/answer", {"evaluation": story.evaluation(2).id, "verdict": "pass", "reason": "looks right"})
    (approval,) = ledger.history(Approval, "bike_demand")
    assert (approval.actor, approval.comment, approval.verdict) == ("ana", "looks right", Verdict.PASS)
    assert bells.asked == [("answer", "retrain_bike_demand", "run 7", story.version(2).id, True, "ana", "looks right")]
    assert "goes on" in answer.text
    assert ledger.champion("bike_demand").version == story.version(0).id  # type: ignore[union-attr] # there is one
    assert "A challenger waits" not in acting.get(MODEL).text


@pytest.mark.parametrize("verdict", ["pass", "fail"])
def test_who_is_not_to_answer_has_said_nothing(acting: Any, ledger: PostgresLedger, bells: Any, verdict: str) -> None:
    """Airflow knows who is assigned; the challenger waits for them still."""
    story, bells.refuses = waiting(ledger, run="run 7"), True
    answer = acting.post(f"{MODEL}/answer", {"evaluation": story.evaluation(2).id, "verdict": verdict, "reason": "me first"})
    assert (answer.status_code, "You are not assigned" in answer.text) == (409, True)
    assert ledger.history(Approval, "bike_demand") == []
    assert "A challenger waits for your answer" in acting.get(MODEL).text


def test_an_approval_that_no_run_waits_for_promotes(acting: Any, ledger: PostgresLedger) -> None:
    """As `perennial promote` does."""
    story = waiting(ledger)
    acting.post(f"{MODEL}/answer", {"evaluation": story.evaluation(2).id, "verdict": "pass", "reason": "looks right"})
    champion = ledger.champion("bike_demand")
    assert champion is not None
    assert (champion.version, champion.actor) == (story.version(2).id, "ana")


def test_a_rejection_leaves_the_champion(acting: Any, ledger: PostgresLedger) -> None:
    """And cannot be turned into an approval later."""
    story = waiting(ledger)
    said = {"evaluation": story.evaluation(2).id, "reason": "no"}
    assert acting.post(f"{MODEL}/answer", {**said, "verdict": "fail"}).status_code == 200
    assert acting.post(f"{MODEL}/answer", {**said, "verdict": "pass"}).status_code == 409
    assert ledger.champion("bike_demand").version == story.version(0).id  # type: ignore[union-attr] # there is one


def test_a_stale_approval_is_refused(acting: Any, ledger: PostgresLedger, bells: Any) -> None:
    """The champion is another one than the challenger was compared with; nothing is recorded."""
    story = waiting(ledger)
    story.keep_version(ledger, 1)
    ledger.promote(story.promotion(2, 1))
    answer = acting.post(f"{MODEL}/answer", {"evaluation": story.evaluation(2).id, "verdict": "pass", "reason": "late"})
    assert (answer.status_code, "PROMOTE_CONFLICT" in answer.text) == (409, True)
    assert (ledger.history(Approval, "bike_demand"), bells.asked) == ([], [])


def test_who_is_not_to_answer_is_refused(acting: Any, ledger: PostgresLedger, definition: Definition) -> None:
    """Where the definition names who may; nothing is recorded, however the run asks."""
    story = waiting(ledger)
    publish = definition.publish.model_copy(update={"approvers": ("ben",)})
    acting.app.state.site.definitions.found["bike_demand"] = definition.model_copy(update={"publish": publish})
    said = {"evaluation": story.evaluation(2).id, "verdict": "pass", "reason": "looks right"}
    assert acting.post(f"{MODEL}/answer", said).status_code == 403
    assert ledger.history(Approval, "bike_demand") == []
    assert acting.as_("ben").post(f"{MODEL}/answer", said).status_code == 200


def test_an_evaluation_of_another_model_is_not_there(acting: Any, ledger: PostgresLedger) -> None:
    """However its id is known."""
    waiting(ledger)
    other = Story(model="other")
    other.keep_version(ledger, 0)
    said = {"evaluation": other.evaluation(0).id, "verdict": "pass", "reason": "mine"}
    assert acting.post(f"{MODEL}/answer", said).status_code == 404
    assert ledger.history(Approval, "other") == []


@pytest.mark.parametrize("verdict", ["", "perhaps", "inconclusive"])
def test_an_answer_is_yes_or_no(acting: Any, ledger: PostgresLedger, verdict: str) -> None:
    """Nothing in between."""
    story = waiting(ledger)
    said = {"evaluation": story.evaluation(2).id, "verdict": verdict, "reason": "well"}
    assert acting.post(f"{MODEL}/answer", said).status_code == 422


def test_a_rollback_that_cannot_be_loaded_is_refused(acting: Any, ledger: PostgresLedger) -> None:
    """As on the command line: it looks before it leaps."""
    story = Story()
    story.keep_champion(ledger)
    story.keep_champion(ledger, 1, epoch=2)
    answer = acting.post(f"{MODEL}/rollback", {"reason": "too low"})
    assert (answer.status_code, "ARTIFACT_MISSING" in answer.text) == (410, True)
    assert ledger.champion("bike_demand").version == story.version(1).id  # type: ignore[union-attr] # there is one


@pytest.mark.parametrize("paused", [True, False])
def test_a_model_is_paused_and_resumed(acting: Any, ledger: PostgresLedger, bells: Any, paused: bool) -> None:
    """Both DAGs; the ledger knows who and why."""
    answer = acting.send(
        "POST", f"{MODEL}/pause", json={"reason": "the source moves", "paused": paused}, headers={"authorization": "Bearer x"}
    )
    (said,) = ledger.history(Pause, "bike_demand")
    assert (said.actor, said.reason, said.paused) == ("ana", "the source moves", paused)
    assert bells.asked == [("pause", "score_bike_demand", paused, "ana"), ("pause", "retrain_bike_demand", paused, "ana")]
    assert answer.json()["sentence"].startswith("Both DAGs of bike_demand are")


def test_a_pause_that_airflow_refuses_is_not_recorded(acting: Any, ledger: PostgresLedger, bells: Any) -> None:
    """The ledger says what is so."""
    bells.refuses = True
    assert acting.post(f"{MODEL}/pause", {"reason": "the source moves", "paused": "true"}).status_code == 409
    assert ledger.history(Pause, "bike_demand") == []


def test_nothing_is_read_from_a_broken_request(acting: Any) -> None:
    """Neither a list, nor bytes, nor a mountain of brackets."""
    for content in (b"[1]", b"\xff\xfe", b"[" * 9_000, b"null"):
        answer = acting.send("POST", f"{MODEL}/pause", content=content, headers={**JSON, "authorization": "Bearer x"})
        assert answer.status_code == 422


def test_a_request_stays_open_where_nobody_hears_the_bell(acting: Any, ledger: PostgresLedger, bells: Any) -> None:
    """It only saves waiting, and the answer says so."""
    bells.refuses = True
    answer = acting.post(f"{MODEL}/retrain", {"reason": "a new station"})
    assert (answer.status_code, "the next night rings again" in answer.text) == (409, True)
    assert [row.state for row in ledger.history(RetrainRequest, "bike_demand")] == [RequestState.OPEN]
    assert "request open" in acting.get("/").text


def test_a_segment_that_the_definition_does_not_name_is_not_retrained(acting: Any, ledger: PostgresLedger, bells: Any) -> None:
    """However it is spelt; nothing is filed."""
    answer = acting.post("/models/bike_demand/north/retrain", {"reason": "a new station"})
    assert (answer.status_code, "SEGMENT_UNKNOWN" in answer.text) == (409, True)
    assert (ledger.history(RetrainRequest, "bike_demand", "north"), bells.asked) == ([], [])
