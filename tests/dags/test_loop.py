"""The loop under a real Airflow: nights and retrainings, reruns, requests, people, faults, and what the logs say."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import jwt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from perennial import wiring
from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.interval import Interval, iso
from perennial.core.receipts import (
    Approval,
    Decision,
    Evaluation,
    Measurement,
    Message,
    ModelVersion,
    Occasion,
    PredictionBatch,
    Promotion,
    PromotionKind,
    Publication,
    Receipt,
    RequestState,
    RetrainRequest,
    Role,
    Snapshot,
    Validation,
)
from perennial.definition.calendar import training_window
from perennial.definition.check import check
from perennial.definition.loader import load
from perennial.definition.models import Definition
from perennial.orchestration.client import Client
from perennial.orchestration.local_airflow import LocalAirflow
from perennial.orchestration.settings import load_secrets
from perennial.ports import Ledger, Stores
from perennial.simulation.bad_nights import BadNight, with_bad_nights
from perennial.simulation.load import tables
from perennial.simulation.world import world
from perennial.steps.loop import retrain, score
from perennial.stores.query import query
from perennial.stores.sql.source import write_table
from perennial.testing.mailbox import Mailbox
from perennial.testing.story import FIRST_DAY, day, night

pytestmark = [pytest.mark.dags, pytest.mark.slow, pytest.mark.timeout(900)]

ALL = "all"
FAULT = 33
"""Every row of this night is at fault."""

NIGHTS = (31, 32, FAULT)
ODD = -7777.125
"""One temperature of night 31, in degrees Celsius: it is refused, and must not be told."""

CITY = "Canaryville"
"""The entity of every row."""

Load = Callable[[str], Definition]
Projection = dict[str, Any]


@pytest.fixture(scope="module")
def stores(airflow_environment: dict[str, str]) -> Iterator[Stores]:
    """The stores that the tasks work on, over 45 days of a city whose rows are all known by two telltale values."""
    settings = wiring.Settings.of(airflow_environment)
    for name, rows in tables(
        with_bad_nights(world(seed=7, days=45, start=FIRST_DAY.date()), {BadNight.KELVIN_ZERO: FAULT})
    ).items():
        write_table(settings.connections["bikes"], name, _telltale(rows))
    with wiring.open_stores(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def definition_of(airflow_definitions: Path) -> Load:
    """Load a definition of the session's Airflow by its name."""
    return lambda name: load(airflow_definitions / f"{name}.yml")


@pytest.fixture(scope="module")
def client(airflow: LocalAirflow, stores: Stores) -> Client:  # noqa: ARG001 - the rows must be there
    """A client of the session's Airflow, over a source with rows."""
    return airflow.client


@pytest.fixture(scope="module", autouse=True)
def held_up(client: Client, stores: Stores) -> str:
    """A night whose first try found the lease taken, which is free since then. Its second try comes while other tests run."""
    client.unpause("score_by_hand")
    with stores.leased("by_hand", ALL, "score", holder="another run", ttl=timedelta(minutes=10)):
        run = client.trigger("score_by_hand", run_id="held_up", interval=night(30))
        _until(lambda: client.task_states("score_by_hand", run)["extract"] == "up_for_retry")
    return run


@pytest.fixture(scope="module")
def by_hand(client: Client) -> str:
    """A retraining that a person started, ended."""
    client.unpause("retrain_by_hand")
    run = client.trigger("retrain_by_hand", conf={"as_of": iso(day(35)), "reason": "a person wanted it"})
    assert _ended(client, "retrain_by_hand", run) == "success"
    return run


@pytest.fixture(scope="module")
def scored(client: Client, stores: Stores, definition_of: Load) -> dict[int, str]:
    """Three nights of a model with a champion, scored one after another: the runs by night. Its retraining DAG is paused."""
    assert _champion(definition_of("nights"), stores).promoted
    client.unpause("score_nights")
    runs = {number: client.trigger("score_nights", run_id=f"night_{number}", interval=night(number)) for number in NIGHTS}
    assert {_ended(client, "score_nights", run) for run in runs.values()} == {"success"}
    return runs


@pytest.fixture(scope="module")
def lacking(client: Client) -> str:
    """A night whose source lacks a column, which has failed."""
    client.unpause("score_lacking")
    run = client.trigger("score_lacking", run_id="night", interval=night(31))
    assert _ended(client, "score_lacking", run) == "failed"
    return run


@pytest.fixture(scope="module")
def asked(airflow: LocalAirflow, client: Client) -> dict[str, str]:
    """Retrainings of different models that wait for a person: the runs by model.

    An answer that comes before the scheduler has heard that the task's process ended makes it a task that was killed.
    """
    runs = {}
    for name in ("approved", "rejected", "answered"):
        client.unpause(f"retrain_{name}")
        runs[name] = client.trigger(f"retrain_{name}", conf={"as_of": iso(day(30))})
    for name in runs:
        heard = f"TaskInstance Finished: dag_id=retrain_{name}, task_id=approve,"
        _until(lambda heard=heard: heard in (airflow.logs / "scheduler.log").read_text(errors="replace"), timeout_s=300)  # type: ignore[misc]
    return runs


def test_a_retraining_by_hand_ends_with_a_champion(client: Client, stores: Stores, definition_of: Load, by_hand: str) -> None:
    """Its version carries the person's reason, its promotion the person, and the request that was filed for it is settled."""
    version = ModelVersion.model_validate(client.xcom("retrain_by_hand", by_hand, "train"))
    champion = stores.ledger.champion("by_hand")
    [request] = stores.ledger.history(RetrainRequest, "by_hand")

    assert set(client.task_states("retrain_by_hand", by_hand).values()) == {"success"}
    assert stores.ledger.get(ModelVersion, version.id) == version
    assert (version.reason, version.request, version.as_of) == ("a person wanted it", request.id, day(35))
    assert version.interval == training_window(definition_of("by_hand"), day(35))
    assert champion is not None
    assert (champion.version, champion.actor, champion.effective_from) == (version.id, "admin", day(35))
    assert (request.state, request.claimed_by) == (RequestState.DONE, by_hand)


def test_receipts_travel_as_small_json(client: Client, by_hand: str, stores: Stores) -> None:
    """Each is what the ledger holds, and none is larger than a page of text."""
    handed = {
        task: client.xcom("retrain_by_hand", by_hand, task) for task in ("extract", "validate", "train", "evaluate", "publish")
    }
    kinds: dict[str, type[Receipt]] = {"extract": Snapshot, "validate": Validation, "train": ModelVersion, "evaluate": Evaluation}

    for task, kind in kinds.items():
        assert stores.ledger.get(kind, handed[task]["digest" if kind is Snapshot else "id"]) == kind.model_validate(handed[task])
    assert Publication.model_validate(handed["publish"]).promoted
    assert max(len(json.dumps(value)) for value in handed.values()) < 8192


def test_promise_13_clears_and_backfills_converge(
    client: Client, stores: Stores, definition_of: Load, scored: dict[int, str], ledger_url: str
) -> None:
    """Three nights, one of them cleared, all of them backfilled in reverse, and all of them without Airflow: the same ledger."""
    first = _standing(stores.ledger, "nights")
    _clear(client, "score_nights", scored[32])
    after_clear = _standing(stores.ledger, "nights")
    _backfill(client, "score_nights", night(31).start, night(FAULT).start)
    after_backfill = _standing(stores.ledger, "nights")
    tries = {number: _tries(client, "score_nights", run, "extract") for number, run in scored.items()}

    assert tries == {31: 2, 32: 3, FAULT: 2}
    assert [first["decisions"][night(number)].action for number in NIGHTS] == ["keep", "retrain", "quarantine"]
    assert len(first["predictions"]) == 23 + 24
    assert after_clear == first
    assert after_backfill == first
    assert _without_airflow(definition_of("nights"), stores, ledger_url) == first


def test_a_decision_to_retrain_starts_one_run(client: Client, stores: Stores, definition_of: Load) -> None:
    """Its id has the request and the night; it claims and settles the request. Ringing again, before and after, starts none."""
    assert _champion(definition_of("bell"), stores).promoted
    client.unpause("score_bell")
    client.trigger("score_bell", run_id="night", interval=night(32))
    assert _ended(client, "score_bell", "night") == "success"
    [asked] = stores.ledger.history(RetrainRequest, "bell")
    assert asked.state is RequestState.OPEN
    run = f"request__{asked.id}__{day(33):%Y%m%d}"
    assert client.runs("retrain_bell") == {run: "queued"}

    _clear(client, "score_bell", "night", "ring_the_bell")
    assert client.task_states("score_bell", "night")["ring_the_bell"] == "skipped"
    assert _link(client, "score_bell", "night").endswith(f"/dags/retrain_bell/runs/{run}")
    client.unpause("retrain_bell")
    assert _ended(client, "retrain_bell", run) == "success"
    _clear(client, "score_bell", "night", "decide", "ring_the_bell")

    assert _link(client, "score_bell", "night") == ""
    [version] = [row for row in stores.ledger.history(ModelVersion, "bell") if row.request]
    [settled] = stores.ledger.history(RetrainRequest, "bell")
    assert client.runs("retrain_bell") == {run: "success"}
    assert (version.request, version.as_of, version.reason) == (asked.id, day(33), asked.reason)
    assert (settled.state, settled.claimed_by) == (RequestState.DONE, run)
    assert settled.outcome == client.xcom("retrain_bell", run, "publish")["sentence"]
    assert [row.version for row in stores.ledger.history(Promotion, "bell")][-1] == version.id


def test_a_person_approves(airflow: LocalAirflow, client: Client, stores: Stores, asked: dict[str, str]) -> None:
    """Who is to answer sees the evaluation and may comment; the promotion names the approval, which names the person."""
    run = asked["approved"]
    path = f"/dags/retrain_approved/dagRuns/{run}/taskInstances/approve/-1/hitlDetails"
    [evaluation] = stores.ledger.history(Evaluation, "approved")
    question = client.request("GET", path)
    refused = _status("PATCH", f"{airflow.address}/api/v2{path}", _token_of(airflow, "eve"), {"chosen_options": ["Approve"]})

    assert question["subject"] == f"Approved: make {evaluation.challenger} champion?"
    assert f"{airflow.address}/perennial/models/approved/all" in question["body"]
    assert all(gate.gate in question["body"] for gate in evaluation.gates)
    assert (question["assigned_users"], refused) == ([{"id": "admin", "name": "admin"}], 403)
    assert _answered(client, "retrain_approved", run, "Approve", comment="it looks right") == "success"
    [promotion] = stores.ledger.history(Promotion, "approved")
    approval = stores.ledger.get(Approval, promotion.approval or "")
    assert (approval.evaluation, approval.verdict) == (promotion.evaluation, "pass")
    assert (approval.actor, approval.comment) == ("admin", "it looks right")


def test_silence_is_an_answer_and_a_late_one_is_refused(client: Client, stores: Stores) -> None:
    """Nobody answers in time, which counts as approval here; but another version becomes champion meanwhile."""
    client.unpause("retrain_silent")
    run = client.trigger("retrain_silent", conf={"as_of": iso(day(30))})
    _until(lambda: bool(stores.ledger.history(Evaluation, "silent")))
    [evaluation] = stores.ledger.history(Evaluation, "silent")
    other = Promotion(
        model="silent",
        epoch=1,
        version=evaluation.challenger,
        kind=PromotionKind.ROLLBACK,
        effective_from=day(20),
        reason="another one",
        actor="ana",
    )
    stores.ledger.promote(other)

    assert _ended(client, "retrain_silent", run) == "success"
    [approval] = stores.ledger.history(Approval, "silent")
    [request] = stores.ledger.history(RetrainRequest, "silent")
    assert (approval.verdict, approval.actor, approval.comment) == ("pass", "airflow", "nobody answered within 20s")
    assert stores.ledger.history(Promotion, "silent") == [other]
    assert (request.state, "was approved by airflow too late" in str(request.outcome)) == (RequestState.DONE, True)


def test_a_person_answers_on_the_page_of_the_model(
    airflow: LocalAirflow, client: Client, stores: Stores, asked: dict[str, str]
) -> None:
    """The run that waits goes on, and the promotion names one approval, with the reason."""
    standing = stores.ledger.history(Evaluation, "answered")[-1]
    body = {"evaluation": standing.id, "verdict": "pass", "reason": "it looks right"}
    done = _posted(f"{airflow.address}/perennial/models/answered/all/answer", client.token, body)

    assert done["sentence"].endswith(f"the run {asked['answered']} of retrain_answered goes on.")
    assert _ended(client, "retrain_answered", asked["answered"]) == "success"
    [promotion] = stores.ledger.history(Promotion, "answered")
    [approval] = stores.ledger.history(Approval, "answered")
    assert (approval.id, approval.actor, approval.comment) == (promotion.approval, "admin", "it looks right")


def test_a_person_rejects(client: Client, stores: Stores, asked: dict[str, str], airflow_environment: dict[str, str]) -> None:
    """Nothing is promoted; the rejection is a row, and the run ends well and says so."""
    assert _answered(client, "retrain_rejected", asked["rejected"], "Reject") == "success"

    publication = Publication.model_validate(client.xcom("retrain_rejected", asked["rejected"], "publish"))
    [evaluation] = stores.ledger.history(Evaluation, "rejected")
    said = "SELECT verdict, actor FROM perennial.approval WHERE evaluation = :evaluation"
    approvals = query(airflow_environment["PERENNIAL_DATABASE_URL"], said, {"evaluation": evaluation.id})
    [request] = stores.ledger.history(RetrainRequest, "rejected")
    assert stores.ledger.history(Promotion, "rejected") == []
    assert approvals == [("fail", "admin")]
    assert publication.sentence == f"{evaluation.challenger} was refused by admin: in Airflow"
    assert (request.state, request.outcome) == (RequestState.DONE, publication.sentence)


def test_a_terminal_error_fails_at_once(client: Client, lacking: str) -> None:
    """A source that lacks a column has it neither a minute later."""
    assert (client.task_states("score_lacking", lacking)["extract"], _tries(client, "score_lacking", lacking, "extract")) == (
        "failed",
        1,
    )
    assert "DataError: conditions: wind: must be there, is not [SCHEMA_MISSING]" in client.log("score_lacking", "night", "extract")


def test_people_are_told_once_a_night_and_why(
    airflow: LocalAirflow, stores: Stores, scored: dict[int, str], mails: Mailbox
) -> None:
    """Of the night that was held back, by mail, with the reason and a link; of a retraining the run tells that answers it."""
    _until(lambda: bool(mails.about("Nights")))
    decision = stores.ledger.history(Decision, "nights", within=night(FAULT))[-1]
    [told] = mails.about("Nights")

    assert escape(decision.sentence) in told
    assert f"{airflow.address}/perennial/models/nights/all" in told
    assert FAULT in scored
    [message] = stores.ledger.history(Message, "nights")
    assert [(one.occasion, one.at, message.told) for one in message.news] == [("data_fault", day(FAULT + 1), True)]


def test_a_failure_and_a_missed_deadline_are_one_message(stores: Stores, lacking: str, mails: Mailbox) -> None:
    """Whichever comes first goes out, the other is kept for the next night's message; each says why."""
    _until(lambda: len(stores.ledger.history(Message, "lacking")) == 2)
    told = {one.occasion: one.sentence for message in stores.ledger.history(Message, "lacking") for one in message.news}

    assert lacking == "night"
    assert sorted(message.told for message in stores.ledger.history(Message, "lacking")) == [False, True]
    assert len(mails.about("Lacking")) == 1
    assert told == {
        Occasion.FAILURE: "extract failed: conditions: wind: must be there, is not [SCHEMA_MISSING]",
        Occasion.LATE: "the predictions of the night are not there within 1s after its end",
    }


def test_who_is_asked_is_told_that_it_waits(stores: Stores, asked: dict[str, str], mails: Mailbox) -> None:
    """Before anybody has answered."""
    [evaluation] = stores.ledger.history(Evaluation, "approved")
    assert sorted(asked) == ["answered", "approved", "rejected"]
    assert f"{evaluation.challenger} passed and waits for admin: " in mails.about("Approved")[0]


def test_a_dag_of_one_s_own_and_one_that_waits_for_it(
    client: Client, stores: Stores, definition_of: Load, airflow_environment: dict[str, str]
) -> None:
    """The examples of the documents: a view before the night, a file after it, and another DAG that is told of the batch."""
    definition = definition_of("composed")
    before_there_is_a_view = definition.source.model_copy(update={"table": "conditions"})
    assert _champion(definition.model_copy(update={"source": before_there_is_a_view}), stores).promoted
    client.unpause("after_predictions")
    client.unpause("composed_night")
    assert _ended(client, "composed_night", client.trigger("composed_night", interval=night(31))) == "success"
    _until(lambda: list(client.runs("after_predictions").values()) == ["success"])

    exported = pq.read_table(f"{airflow_environment['EXPORTS']}/{day(31):%Y-%m-%d}.parquet")
    [run] = client.runs("after_predictions")
    [told] = client.xcom("after_predictions", run, "plan_the_vans")
    [batch] = [row for row in stores.ledger.history(PredictionBatch, "composed", within=night(31)) if row.role is Role.CHAMPION]
    assert (exported.num_rows, told["rows"], told["batch"]) == (batch.rows, batch.rows, batch.id)
    assert (told["interval_start"], told["version"]) == (iso(day(31)), batch.version)


def test_an_unknown_parameter_fails_at_once(client: Client) -> None:
    """Airflow takes any; the first task refuses it, and says what was meant."""
    client.unpause("score_lacking")
    client.trigger("score_lacking", run_id="mistyped", conf={"intervall_start": "2024-04-01T00:00:00Z"})
    assert _ended(client, "score_lacking", "mistyped") == "failed"

    said = "lacking: 'intervall_start' is not a parameter of this run, did you mean 'interval_start'? [RUN_UNKNOWN_KEY]"
    assert _tries(client, "score_lacking", "mistyped", "extract") == 1
    assert f"DataError: {said}" in client.log("score_lacking", "mistyped", "extract")


def test_a_form_refuses_a_wrong_value_before_there_is_a_run(client: Client) -> None:
    """And names the field and what was given."""
    client.unpause("retrain_lacking")
    for field, value in (("as_of", "yesterday"), ("request", "the last one"), ("force", "yes")):
        with pytest.raises(RejectedError, match=value) as caught:
            client.trigger("retrain_lacking", conf={field: value})
        assert caught.value.code is Code.AIRFLOW_REFUSED
    assert client.runs("retrain_lacking") == {}


def test_a_transient_error_is_retried(client: Client, held_up: str) -> None:
    """While another run holds the lease the task waits for its next try, which succeeds when the lease is free."""
    assert _ended(client, "score_by_hand", held_up) == "success"

    said = re.compile(
        r"UnavailableError: by_hand/all/score: another run holds it, until \S+Z at the latest; try again .*\[LEASE_HELD\]"
    )
    assert _tries(client, "score_by_hand", held_up, "extract") == 2
    assert any(said.fullmatch(line) for line in client.log("score_by_hand", held_up, "extract"))


def test_a_broken_definition_shows_as_an_import_error(
    client: Client, airflow_definitions: Path, airflow_dags: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the words of ``perennial check``, and no DAG of the good ones is missing."""
    monkeypatch.syspath_prepend(airflow_dags)  # a notifier of the tests lies there, where Airflow finds it
    _until(lambda: bool(client.import_errors()))
    faults = [str(fault) for error in check(airflow_definitions).errors for fault in error.faults]
    [(file, text)] = client.import_errors().items()
    names = (
        "answered",
        "approved",
        "bell",
        "by_hand",
        "composed",
        "fleet_one",
        "fleet_two",
        "lacking",
        "looked_at",
        "nights",
        "regions",
        "regions_asked",
        "regions_cleared",
        "rejected",
        "silent",
        "walked",
    )

    assert file.endswith("config_errors.py")
    assert len(faults) == 2
    assert text.endswith("\n".join(faults) + "\n")
    assert sorted(client.dags()) == sorted(
        [
            "after_predictions",
            "composed_night",
            "five_tasks",
            "perennial_digest",
            *(f"{flow}_{name}" for flow in ("retrain", "score") for name in names),
        ]
    )


def test_task_logs_read_well(client: Client, stores: Stores, by_hand: str, scored: dict[int, str]) -> None:
    """Each task says in a sentence what came out: counts, ids and the sentences of the receipts."""
    history = stores.ledger.history
    [version], [request] = history(ModelVersion, "by_hand"), history(RetrainRequest, "by_hand")
    evaluated = history(Evaluation, "by_hand")[-1].sentence
    promoted = f"{version.id} became champion at epoch 1: {evaluated}"
    decision = history(Decision, "nights", within=night(31))[-1]
    signals = stores.ledger.get(Measurement, decision.measurement).signals

    assert _said(client, "retrain_by_hand", by_hand) == {
        "claim": ["a person wanted it: 2024-03-15T00:00:00Z/2024-04-05T00:00:00Z, as of 2024-04-05T00:00:00Z"],
        "extract": ["504 rows, 475 labels: 2024-03-15T00:00:00Z/2024-04-05T00:00:00Z, as of 2024-04-05T00:00:00Z"],
        "validate": ["temperature: 21 of 475 rows are outside -25 .. 35", "pass: 475 rows, 21 in quarantine"],
        "train": [f"{version.id}: trained on {version.rows} rows of 2024-03-15T00:00:00Z/2024-04-01T00:00:00Z"],
        "evaluate": [f"pass: {evaluated}"],
        "publish": [promoted],
        "settle": [f"request {request.id}: {promoted}"],
    }
    assert _said(client, "score_nights", scored[31]) == {
        "extract": ["24 rows, 0 labels: 2024-04-01T00:00:00Z/2024-04-02T00:00:00Z, as of 2024-04-02T00:00:00Z"],
        "validate": [
            "temperature: 1 of 24 rows is outside -25 .. 35",
            "temperature: 1 of 24 rows is further than 100 times the usual range away from it",
            "pass: 24 rows, 1 in quarantine",
        ],
        "predict": [f"23 rows predicted by {history(ModelVersion, 'nights')[-1].id}"],
        "monitor": [f"{signal.state}: {signal.name}: {signal.sentence}" for signal in signals],
        "decide": [f"keep: {decision.sentence}"],
        "ring_the_bell": [],
        "tell": ["there is nothing to tell"],
    }


def test_a_task_that_succeeds_is_quiet(client: Client, by_hand: str, scored: dict[int, str]) -> None:
    """It warns of nothing, dumps no receipt, and the libraries below say nothing."""
    noise = ("Returned value was", "Context impl", "transactional DDL", "datasources")
    for dag, run in _ended_runs(by_hand, scored):
        for task in client.task_states(dag, run):
            records = _records(client, dag, run, task)
            assert {record["level"] for record in records if record.get("level")} == {"info"}
            assert [record["event"] for record in records if any(word in record["event"] for word in noise)] == []


def test_promise_15_no_row_value_and_no_secret_leaves_the_stores(
    client: Client, airflow: LocalAirflow, airflow_environment: dict[str, str], by_hand: str, scored: dict[int, str]
) -> None:
    """Not in a log, not in XCom, not in a component's log: neither an entity, nor the refused temperature, nor a key."""
    told = [path.read_text(errors="replace") for path in airflow.logs.rglob("*.log")]
    for dag, run in _ended_runs(by_hand, scored):
        told += [json.dumps(value) for task in client.task_states(dag, run) for _, value in _xcoms(client, dag, run, task)]
    forbidden = [CITY, str(ODD)[1:], airflow_environment["PERENNIAL_SIGNING_KEY"], airflow.login.password]

    assert len(told) > 20
    assert [word for word in forbidden if any(word in text for text in told)] == []


def _telltale(rows: pa.Table) -> pa.Table:
    """Return *rows* of another city, with one odd temperature."""
    rows = rows.set_column(0, "city", pa.array([CITY] * rows.num_rows))
    if "temperature" not in rows.column_names:
        return rows
    odd = pc.equal(rows["event_at"], pa.scalar(day(31) + timedelta(hours=5), rows.schema.field("event_at").type))
    return rows.set_column(rows.column_names.index("temperature"), "temperature", pc.if_else(odd, ODD, rows["temperature"]))


def _champion(definition: Definition, stores: Stores) -> Publication:
    return retrain(definition, training_window(definition, day(30)), stores, reason="a test", actor="tests")


def _without_airflow(definition: Definition, stores: Stores, ledger_url: str) -> Projection:
    with wiring.open_ledger(ledger_url) as ledger:
        own = Stores(
            source=stores.source, artifacts=stores.artifacts, ledger=ledger, signing_key=stores.signing_key, scratch=stores.scratch
        )
        _champion(definition, own)
        for number in NIGHTS:
            score(definition, night(number), own, as_of=day(number + 1))
        return _standing(ledger, definition.name)


def _standing(ledger: Ledger, model: str) -> Projection:
    """Return what stands in the ledger, without when it was written."""
    decisions = {decision.interval: decision for decision in ledger.history(Decision, model)}
    return {
        "snapshots": {row.digest: row for row in ledger.history(Snapshot, model)},
        "validations": {(row.purpose, row.interval): row for row in ledger.history(Validation, model)},
        "predictions": ledger.predictions(model, role=Role.CHAMPION, within=Interval(day(0), day(60))).to_pylist(),
        "decisions": decisions,
        "measurements": {night: ledger.get(Measurement, row.measurement) for night, row in decisions.items()},
        "requests": ledger.history(RetrainRequest, model),
        "promotions": ledger.history(Promotion, model),
    }


def _clear(client: Client, dag: str, run: str, *tasks: str) -> None:
    """Clear a run, or some of its tasks, and wait until it has run again."""
    body = {"dry_run": False, "dag_run_id": run, "only_failed": False, "reset_dag_runs": True, "task_ids": list(tasks) or None}
    client.request("POST", f"/dags/{dag}/clearTaskInstances", {key: value for key, value in body.items() if value is not None})
    assert _ended(client, dag, run) == "success"


def _backfill(client: Client, dag: str, first: datetime, last: datetime) -> None:
    """Run every night again, the last one first, and wait until they have ended."""
    body = {"dag_id": dag, "from_date": iso(first), "to_date": iso(last), "run_backwards": True, "max_active_runs": 1}
    client.request("POST", "/backfills", {**body, "reprocess_behavior": "completed"})
    assert {_ended(client, dag, run) for run in client.runs(dag)} == {"success"}


def _ended(client: Client, dag: str, run: str) -> str:
    return client.wait(dag, run, timeout_s=400)


def _answered(client: Client, dag: str, run: str, option: str, comment: str = "") -> str:
    """Answer, and return how the run ended."""
    assert client.task_states(dag, run)["approve"] == "awaiting_input"
    client.answer(dag, run, "approve", option, params={"comment": comment})
    return _ended(client, dag, run)


def _token_of(airflow: LocalAirflow, person: str) -> str:
    """Return a token of somebody else with the same rights."""
    claims: dict[str, Any] = jwt.decode(airflow.client.token, options={"verify_signature": False})
    algorithm = jwt.get_unverified_header(airflow.client.token)["alg"]
    return jwt.encode({**claims, "sub": person}, load_secrets(airflow.logs.parent).jwt, algorithm=algorithm)


def _status(method: str, address: str, token: str, body: dict[str, Any]) -> int:
    """Return with which status a request is answered."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = Request(address, json.dumps(body).encode(), headers, method=method)  # noqa: S310 - http, on loopback
    try:
        with urlopen(request, timeout=300) as answer:  # noqa: S310 - the same
            return int(answer.status)
    except HTTPError as error:
        return error.code


def _posted(address: str, token: str, body: dict[str, str]) -> Any:
    """Send JSON to a page with a token, and return its answer."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = Request(address, json.dumps(body).encode(), headers)  # noqa: S310 - http, on loopback
    with urlopen(request, timeout=300) as answer:  # noqa: S310 - the same
        return json.load(answer)


def _tries(client: Client, dag: str, run: str, task: str) -> int:
    return int(client.request("GET", f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}")["try_number"])


def _xcoms(client: Client, dag: str, run: str, task: str) -> list[tuple[str, Any]]:
    """Return all that a task handed over, by key."""
    path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries"
    keys = [entry["key"] for entry in client.request("GET", path)["xcom_entries"]]
    return [(key, client.request("GET", f"{path}/{key}")["value"]) for key in keys]


def _link(client: Client, dag: str, run: str) -> str:
    """Return where the button of the doorbell leads."""
    return str(dict(_xcoms(client, dag, run, "ring_the_bell")).get("_link_TriggerDagRunLink", ""))


def _records(client: Client, dag: str, run: str, task: str) -> list[dict[str, Any]]:
    """Return what a task's first try logged."""
    rows = client.request("GET", f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/1")["content"]
    return [row for row in rows if isinstance(row, dict)]


def _said(client: Client, dag: str, run: str) -> dict[str, list[str]]:
    """Return what our own code logged, by task."""
    return {
        task: [row["event"] for row in _records(client, dag, run, task) if str(row.get("logger")).startswith("perennial")]
        for task in client.task_states(dag, run)
    }


def _ended_runs(by_hand: str, scored: Mapping[int, str]) -> list[tuple[str, str]]:
    return [("retrain_by_hand", by_hand), *(("score_nights", run) for run in scored.values())]


def _until(done: Callable[[], bool], timeout_s: float = 300.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.2)
