"""The tasks that tell people: what of a run is told, and what is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.execution_time.context import set_current_context

from perennial import wiring
from perennial.core.interval import moment
from perennial.core.receipts import Action, Message, Publication, Purpose, Verdict
from perennial.definition.models import Definition
from perennial.orchestration import telling
from perennial.orchestration.letters import Letter
from perennial.ports import Stores
from perennial.testing import MemoryArtifacts, MemoryLedger, Story
from perennial.testing.story import day, night

MAIL = {"to": [{"arguments": {"to": "fleet@example.org"}}]}


class Task:
    """What Airflow knows of the task that runs last, and of those before it."""

    def __init__(self, flow: str, *, run_type: str, handed: dict[str, Any], states: dict[str, str]) -> None:
        """Be the last one of a run about night 1."""
        self.dag_run = SimpleNamespace(
            dag_id=f"{flow}_bikes_small",
            run_id="run 1",
            conf={},
            run_after=moment("2024-03-03T01:00"),
            run_type=run_type,
            data_interval_start=night(1).start,
            data_interval_end=night(1).end,
            triggering_user_name=None,
        )
        self.handed, self.states = handed, states
        self.task = SimpleNamespace(dag=SimpleNamespace(task_ids=["extract", "decide", "tell"]))

    def xcom_pull(self, *, task_ids: str, key: str = "return_value") -> object:
        """Return what a task handed on under a key."""
        return self.handed.get(task_ids if key == "return_value" else f"{task_ids} {key}")

    def get_task_states(self, dag_id: str, *, run_ids: list[str]) -> dict[str, dict[str, str]]:
        """Return how the others ended."""
        assert dag_id == self.dag_run.dag_id
        return dict.fromkeys(run_ids, self.states)


@pytest.fixture
def ledger() -> MemoryLedger:
    """An empty ledger."""
    return MemoryLedger()


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> list[Letter]:
    """What goes out."""
    sent: list[Letter] = []
    monkeypatch.setattr(telling, "send", lambda _, message: sent.append(message))
    return sent


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ledger: MemoryLedger) -> Callable[..., None]:
    """Run the task of a definition at the end of a run, on stores in memory."""

    @contextmanager
    def opened(**_: object) -> Iterator[Stores]:
        yield Stores(source=pytest.fail, artifacts=MemoryArtifacts(), ledger=ledger, signing_key=b"", scratch=tmp_path)

    def end(task: Callable[[], Any], flow: str = "score", *, run_type: str = "scheduled", **found: Any) -> None:
        with DAG(dag_id="any", schedule=None):
            made = task()
        ended = Task(flow, run_type=run_type, handed=found.get("handed", {}), states=found.get("states", {}))
        context: Any = {"ti": ended, "dag_run": ended.dag_run}
        with set_current_context(context):
            made.operator.python_callable()

    monkeypatch.setattr(wiring, "open_stores", opened)
    return end


@pytest.fixture
def told(small: dict[str, Any]) -> Definition:
    """A definition with somebody to tell."""
    return Definition.model_validate({**small, "messages": MAIL})


def decided(action: Action) -> dict[str, Any]:
    """Return what *decide* handed on."""
    decision = Story(model="bikes_small").decision(1).model_copy(update={"action": action})
    return {"decide": decision.model_dump(mode="json")}


def test_a_data_fault_is_told(run: Callable[..., None], told: Definition, letters: list[Letter]) -> None:
    """With the decision's sentence."""
    run(lambda: telling.tell(told), handed=decided(Action.QUARANTINE))
    assert [one.subject for one in letters] == ["Bikes: data fault"]
    assert "quarantine: Nothing moved." in letters[0].text


@pytest.mark.parametrize("action", [Action.KEEP, Action.WATCH, Action.RETRAIN])
def test_a_usual_night_and_a_retraining_to_come_are_not(
    run: Callable[..., None], told: Definition, letters: list[Letter], ledger: MemoryLedger, action: Action
) -> None:
    """The retraining tells what came of it."""
    run(lambda: telling.tell(told), handed=decided(action))
    assert (letters, ledger.history(Message, "bikes_small")) == ([], [])


def test_a_backfill_tells_nothing(run: Callable[..., None], told: Definition, letters: list[Letter]) -> None:
    """However bad the old nights were."""
    run(lambda: telling.tell(told), run_type="backfill", handed=decided(Action.QUARANTINE))
    assert letters == []


def test_tasks_that_failed_are_told_of_once_with_their_error(
    run: Callable[..., None], told: Definition, letters: list[Letter]
) -> None:
    """Of mapped ones the one id that they share; those that were not reached are no news."""
    states = {"extract_0": "failed", "extract_1": "failed", "decide": "upstream_failed", "tell": "running"}
    run(lambda: telling.tell(told), states=states, handed={"extract why": [{"why": "north: no rows [DATA_EMPTY]"}]})
    assert [line for line in letters[0].text.splitlines() if line.startswith("-")] == [
        "- a task failed, as of 2024-03-03 00:00Z: extract failed: north: no rows [DATA_EMPTY]"
    ]


def test_a_retraining_tells_what_came_of_it_and_why(run: Callable[..., None], told: Definition, letters: list[Letter]) -> None:
    """About the night whose decision asked for it."""
    claimed = {"segment": "all", "request": "r", "as_of": "2024-03-03T00:00:00Z", "reason": "the loss rose"}
    made = Publication(model="bikes_small", evaluation="e", promoted=False, champion="v", epoch=1, sentence="it was refused")
    run(lambda: telling.tell(told), "retrain", handed={"claim": claimed, "publish": made.model_dump(mode="json")})
    run(lambda: telling.tell(told), handed=decided(Action.QUARANTINE))
    assert [one.subject for one in letters] == ["Bikes: challenger refused"]
    assert "as of 2024-03-03 00:00Z: it was refused; retrained because: the loss rose" in letters[0].text


@pytest.mark.parametrize(("refused", "expected"), [(3, ["challenger refused", "retraining stopped"]), (2, ["challenger refused"])])
def test_a_refusal_that_trips_the_breaker_is_told(
    run: Callable[..., None],
    small: dict[str, Any],
    letters: list[Letter],
    ledger: MemoryLedger,
    refused: int,
    expected: list[str],
) -> None:
    """Also where the schedule asked: no night may ask for one for weeks, and then it is too late."""
    told = Definition.model_validate({**small, "messages": MAIL, "retraining": {**small["retraining"], "breaker": 3}})
    story = Story(model=told.name)
    story.keep_champion(ledger, -9)
    for number in range(2 - refused, 2):
        ledger.record(story.snapshot(number, Purpose.TRAIN))
        ledger.record(story.validation(number, Purpose.TRAIN))
        ledger.record(story.version(number))
        ledger.record(story.evaluation(number, verdict=Verdict.FAIL))
    claimed = {"segment": "all", "request": "r", "as_of": "2024-03-03T00:00:00Z", "reason": "scheduled"}
    made = Publication(model="bikes_small", evaluation="e", promoted=False, champion="v", epoch=1, sentence="it was refused")
    run(lambda: telling.tell(told), "retrain", handed={"claim": claimed, "publish": made.model_dump(mode="json")})
    (letter,) = letters
    assert [what for what in ("challenger refused", "retraining stopped") if what in letter.text] == expected
    assert ("3 challengers in a row were refused, after 3 none is asked for any more" in letter.text) is (refused == 3)


def test_a_fleet_is_told_of_once_a_day(
    run: Callable[..., None],
    small: dict[str, Any],
    letters: list[Letter],
    ledger: MemoryLedger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Models with the same channels in one message, one with others by itself; one without a digest tells at once."""
    other = {"to": [{"arguments": {"to": "other@example.org"}}]}
    fleet = {"north": MAIL, "south": MAIL, "east": other}
    for name, messages in fleet.items():
        (tmp_path / f"{name}.yml").write_text(json.dumps({**small, "name": name, "messages": {**messages, "digest": True}}))
        ledger.record(Story(model=name).message(1).model_copy(update={"told": False, "carries": ()}))
    (tmp_path / "at_once.yml").write_text(json.dumps({**small, "name": "at_once", "messages": MAIL}))
    monkeypatch.setattr(wiring, "definitions_folder", lambda: tmp_path)

    run(telling.tell_digests)
    run(telling.tell_digests)
    assert sorted(one.subject for one in letters) == ["2 models: challenger refused", "Bikes: challenger refused"]
    assert [message.told for message in ledger.history(Message, "north")] == [False, True]
    assert ledger.history(Message, "north")[-1].at == day(2) + (moment("2024-03-03T01:00") - day(2))
