"""A model with segments under a real Airflow: batches of them, a failing one beside a good one, requests, people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from perennial import wiring
from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.interval import Interval, iso
from perennial.core.receipts import (
    Approval,
    Decision,
    Measurement,
    PredictionBatch,
    Promotion,
    RequestState,
    RetrainRequest,
    Snapshot,
    Validation,
    Verdict,
)
from perennial.definition.calendar import training_window
from perennial.definition.loader import load
from perennial.definition.models import Definition
from perennial.orchestration.client import Client
from perennial.orchestration.local_airflow import LocalAirflow
from perennial.ports import Stores
from perennial.simulation.load import tables
from perennial.simulation.world import world
from perennial.steps.loop import retrain, score
from perennial.stores.sql.source import write_table
from perennial.testing.story import FIRST_DAY, day, night

pytestmark = [pytest.mark.dags, pytest.mark.slow, pytest.mark.timeout(900)]
NIGHT = 33
STEPS = ("extract", "validate", "predict", "monitor", "decide")


@pytest.fixture(scope="module")
def stores(airflow_environment: dict[str, str]) -> Iterator[Stores]:
    """The stores that the tasks work on, over 45 days of three cities, of which the definitions name two."""
    settings = wiring.Settings.of(airflow_environment)
    made = {city: tables(world(seed=seed, days=45, start=FIRST_DAY.date())) for seed, city in enumerate(("North", "South", "West"))}
    for name in ("conditions", "rides"):
        rows = pa.concat_tables([_of_city(of_city[name], city) for city, of_city in made.items()])
        write_table(settings.connections["bikes"], f"region_{name}", rows)
    with wiring.open_stores(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def regions(airflow_definitions: Path) -> Definition:
    """The definition whose champions are soon too old."""
    return load(airflow_definitions / "regions.yml")


@pytest.fixture(scope="module")
def scored(airflow: LocalAirflow, stores: Stores, regions: Definition) -> str:
    """A night of both segments that ended; the south has predictions already that overlap it, so it cannot be published."""
    for segment in regions.segment_names:
        assert retrain(regions, training_window(regions, day(30)), stores, reason="first", actor="tests", segment=segment).promoted
    half = Interval(day(NIGHT) - timedelta(hours=12), day(NIGHT) + timedelta(hours=12))
    score(regions, half, stores, as_of=half.end, segment="south")
    for dag in ("score_regions", "retrain_regions"):
        airflow.client.unpause(dag)
    run = airflow.client.trigger("score_regions", run_id="split", interval=night(NIGHT))
    assert airflow.client.wait("score_regions", run) == "failed"
    return run


def test_a_segment_that_fails_stops_no_other(airflow: LocalAirflow, stores: Stores, scored: str) -> None:
    """Each step of the south fails from there on, and says why; the north is predicted, measured and decided."""
    client = airflow.client
    states = client.task_states("score_regions", scored)
    north, south = ([states[f"{task}[{place}]"] for task in STEPS] for place in (0, 1))
    assert (north, south) == (["success"] * 5, ["success"] * 2 + ["failed"] * 3)
    assert {states[task] for task in ("others", "ring_the_bell", "announce")} == {"success"}
    assert stores.ledger.predictions("regions", "north", within=night(NIGHT)).num_rows == 24
    assert list(client.xcom("score_regions", scored, "predict", place=0)) == ["north"]
    assert client.xcom("score_regions", scored, "predict", place=1) == {"south": None}
    said = "\n".join(client.log("score_regions", scored, "predict", place=1))
    assert "south: " in said
    assert "[INTERVAL_OVERLAP]" in said
    assert "[SEGMENT_STOPPED]" in "\n".join(client.log("score_regions", scored, "monitor", place=1))
    assert client.xcom("score_regions", scored, "others")["rows"] == 24


def test_other_dags_hear_of_each_segment(airflow: LocalAirflow, scored: str) -> None:
    """Of what was made: both were extracted, the north alone was predicted."""
    found = airflow.client.request("GET", f"/assets/events?source_dag_id=score_regions&source_run_id={scored}")["asset_events"]
    told = sorted((event["name"], event["extra"]["segment"], event["source_task_id"]) for event in found)
    assert told == [
        ("regions predictions", "north", "announce"),
        ("regions snapshot", "north", "announce"),
        ("regions snapshot", "south", "announce"),
    ]


def test_a_task_is_called_by_its_segments(airflow: LocalAirflow, scored: str) -> None:
    """In the grid a person sees whose it is."""
    found = airflow.client.request("GET", f"/dags/score_regions/dagRuns/{scored}/taskInstances?limit=100")["task_instances"]
    assert {(row["map_index"], row["rendered_map_index"]) for row in found if row["task_id"] == "predict"} == {
        (0, "north"),
        (1, "south"),
    }


def test_the_bell_is_answered_for_the_segments_that_asked(airflow: LocalAirflow, stores: Stores, scored: str) -> None:
    """Both champions are too old; the south asked before. One run answers whatever waits, a task for each batch, and settles it."""
    run = airflow.client.xcom("score_regions", scored, "ring_the_bell", "trigger_run_id")
    assert airflow.client.wait("retrain_regions", run) == "success"
    assert [list(batch) for batch in airflow.client.xcom("retrain_regions", run, "claim")] == [["north"], ["south"]]
    states = airflow.client.task_states("retrain_regions", run)
    assert {task for task in states if task.startswith("publish")} == {"publish[0]", "publish[1]"}
    for place, segment in enumerate(("north", "south")):
        [request] = [row for row in stores.ledger.history(RetrainRequest, "regions", segment) if row.claimed_by == run]
        assert request.state is RequestState.DONE
        assert request.outcome == airflow.client.xcom("retrain_regions", run, "publish", place=place)[segment]["sentence"]


def test_a_run_by_hand_is_about_the_segment_of_its_form(airflow: LocalAirflow, stores: Stores, scored: str) -> None:
    """A segment that there is not is refused before a run exists; another night of the north leaves the south out."""
    del scored
    client = airflow.client
    with pytest.raises(RejectedError) as error:
        client.trigger("score_regions", conf={"segment": "west"})
    assert error.value.code is Code.AIRFLOW_REFUSED
    run = client.trigger("score_regions", run_id="north", interval=night(NIGHT + 2), conf={"segment": "north"})
    assert client.wait("score_regions", run) == "success"
    states = client.task_states("score_regions", run)
    assert {state for task, state in states.items() if task.endswith("[1]")} == {"skipped"}
    assert stores.ledger.predictions("regions", "north", within=night(NIGHT + 2)).num_rows == 24


def test_promise_13_a_batch_that_is_cleared_alone_converges(
    airflow: LocalAirflow, stores: Stores, airflow_definitions: Path
) -> None:
    """The predictions of both are withdrawn after the night; *predict* of the south is cleared, then all of its batch.

    Nothing of the north runs again. What stands of the south is what stood before, and the north's night has its rows no more.
    """
    definition = load(airflow_definitions / "regions_cleared.yml")
    for segment in definition.segment_names:
        assert retrain(
            definition, training_window(definition, day(30)), stores, reason="first", actor="tests", segment=segment
        ).promoted
    client, dag = airflow.client, "score_regions_cleared"
    client.unpause(dag)
    run = client.trigger(dag, run_id="cleared", interval=night(NIGHT))
    assert client.wait(dag, run) == "success"
    before = {segment: _standing(stores, definition.name, segment) for segment in definition.segment_names}
    for segment in definition.segment_names:
        assert stores.ledger.withdraw(definition.name, segment, within=night(NIGHT)) > 0

    _clear(client, dag, run, "predict")
    assert {task for task, tries in _tries(client, dag, run).items() if tries > 1} == {"predict[1]"}
    assert _standing(stores, definition.name, "south") == before["south"]
    _clear(client, dag, run, *STEPS)
    assert {task for task, tries in _tries(client, dag, run).items() if tries > 1} == {f"{step}[1]" for step in STEPS}

    assert _standing(stores, definition.name, "south") == before["south"]
    assert _standing(stores, definition.name, "north") == {**before["north"], "predictions": []}
    assert len(before["north"]["predictions"]) == len(before["south"]["predictions"]) == 24


def test_a_person_answers_for_each_segment(airflow: LocalAirflow, stores: Stores) -> None:
    """One challenger is approved, the other refused."""
    client = airflow.client
    client.unpause("retrain_regions_asked")
    run = client.trigger("retrain_regions_asked", conf={"as_of": iso(day(30))})
    heard = "TaskInstance Finished: dag_id=retrain_regions_asked, task_id=approve,"
    _until(lambda: (airflow.logs / "scheduler.log").read_text(errors="replace").count(heard) >= 2, 400)
    claimed = [next(iter(batch)) for batch in client.xcom("retrain_regions_asked", run, "claim")]
    for place, option in enumerate(("Approve", "Reject")):
        client.answer("retrain_regions_asked", run, "approve", option, place=place)
    assert client.wait("retrain_regions_asked", run) == "success"
    champions = [stores.ledger.history(Promotion, "regions_asked", segment) for segment in claimed]
    assert [len(rows) for rows in champions] == [1, 0]
    approvals = [stores.ledger.history(Approval, "regions_asked", segment) for segment in claimed]
    assert [[row.verdict for row in rows] for rows in approvals] == [[Verdict.PASS], [Verdict.FAIL]]


def _clear(client: Client, dag: str, run: str, *tasks: str) -> None:
    """Clear the second of each of some mapped tasks, and wait until the run has ended again."""
    body = {"dry_run": False, "dag_run_id": run, "only_failed": False, "reset_dag_runs": True}
    client.request("POST", f"/dags/{dag}/clearTaskInstances", {**body, "task_ids": [[task, 1] for task in tasks]})
    assert client.wait(dag, run) == "success"


def _tries(client: Client, dag: str, run: str) -> dict[str, int]:
    """Return how often each task of a run was tried; a mapped one is ``task[place]``."""
    rows = client.request("GET", f"/dags/{dag}/dagRuns/{run}/taskInstances?limit=100")["task_instances"]
    return {f"{row['task_id']}[{row['map_index']}]": row["try_number"] for row in rows}


def _standing(stores: Stores, model: str, segment: str) -> dict[str, list[Any]]:
    """Return what stands in the ledger of a segment, without when it was written."""
    kinds = (Snapshot, Validation, PredictionBatch, Measurement, Decision, RetrainRequest, Promotion)
    rows = {kind.__name__: stores.ledger.history(kind, model, segment) for kind in kinds}
    return {**rows, "predictions": stores.ledger.predictions(model, segment, within=night(NIGHT)).to_pylist()}


def _of_city(table: pa.Table, city: str) -> pa.Table:
    return table.set_column(table.schema.get_field_index("city"), "city", pa.array([city] * table.num_rows, pa.string()))


def _until(met: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.5)
