"""Segments in batches: how they are cut, and what becomes of those that cannot be done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.context import OutletEventAccessors, set_current_context

from perennial import wiring
from perennial.core.codes import Code
from perennial.core.errors import DataError, PerennialError, RejectedError, TerminalError, TransientError, UnavailableError
from perennial.core.interval import moment
from perennial.core.receipts import Publication, Purpose, Receipt, RequestState, RetrainRequest
from perennial.definition.models import Definition
from perennial.orchestration.batches import batches, done, every_night, found_in, largest_batch
from perennial.orchestration.claiming import claim, settle
from perennial.orchestration.window import Run, segments, window
from perennial.ports import Stores
from perennial.testing import MemoryArtifacts, MemoryLedger

AT = "2024-06-10T02:00:00Z"
Split = Callable[..., Definition]


@pytest.fixture
def split(bikes: dict[str, Any]) -> Split:
    """Return the function that gives the definition these segments."""

    def made(*names: str, **changes: Any) -> Definition:
        segments = {"column": "region", "values": {name: name.title() for name in names}}
        return Definition.model_validate({**bikes, "segments": segments, **changes})

    return made


def receipt(segment: str) -> Receipt:
    """Return what a step gives."""
    return Publication(
        model="bikes", segment=segment, evaluation="e", promoted=True, champion="v", epoch=1, sentence=f"{segment} is done"
    )


class Task:
    """What Airflow knows of a task that runs; what it hands on is kept."""

    def __init__(self, dag_id: str, conf: dict[str, Any], *, last: bool = True) -> None:
        """Run in the DAG *dag_id*; its *last* try or not."""
        self.dag_run = SimpleNamespace(
            dag_id=dag_id,
            run_id="run 1",
            conf=conf,
            run_after=moment("2024-06-12T09:00"),
            run_type="manual",
            data_interval_start=None,
            data_interval_end=None,
            triggering_user_name="maria",
        )
        self.try_number, self.max_tries = (5, 4) if last else (1, 4)
        self.pushed: dict[str, Any] = {}
        self.pulled: dict[str, Any] = {}

    def xcom_push(self, *, key: str, value: object) -> None:
        """Keep what is handed on."""
        self.pushed[key] = value

    def xcom_pull(self, *, task_ids: str) -> object:
        """Return what a task handed on."""
        return self.pulled.get(task_ids)


@pytest.fixture
def ledger() -> MemoryLedger:
    """An empty ledger."""
    return MemoryLedger()


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, ledger: MemoryLedger) -> Callable[..., Any]:
    """Run what follows as a task, on stores in memory."""

    @contextmanager
    def opened(**_: object) -> Iterator[Stores]:
        yield Stores(source=pytest.fail, artifacts=MemoryArtifacts(), ledger=ledger, signing_key=b"", scratch=tmp_path)

    @contextmanager
    def run(dag_id: str = "score_bikes", conf: dict[str, Any] | None = None, *, last: bool = True) -> Iterator[Task]:
        task = Task(dag_id, conf or {}, last=last)
        context: Any = {"ti": task, "dag_run": task.dag_run, "outlet_events": OutletEventAccessors()}
        with set_current_context(context):
            yield task

    monkeypatch.setattr(wiring, "open_stores", opened)
    return run


def test_segments_are_cut_into_a_few_dozen_batches(split: Split) -> None:
    """Of nearly the same length, in order, all of them; few have one each."""
    for number in (1, 2, 24, 25, 100, 500):
        found = batches(list(range(number)))
        assert [one for batch in found for one in batch] == list(range(number))
        assert len(found) <= 24
        assert max(map(len, found)) == -(-number // 24) == largest_batch(split(*(f"s{one}" for one in range(number))))
    assert batches([]) == []


def test_a_model_without_segments_has_no_batches(split: Split, bikes: dict[str, Any]) -> None:
    """Its DAG is as it always was."""
    assert every_night(Definition.model_validate(bikes)) is None
    assert every_night(split("north", "south")) == [{"north": {}}, {"south": {}}]


def test_receipts_are_found_however_they_were_pulled() -> None:
    """Of one task, of a mapped one, of one with a single place; what could not be done is left out."""
    one, two = {"segment": "north", "request": "a"}, {"segment": "south", "request": "b"}
    for pulled in (one, {"north": one}, [{"north": one}, {"west": None}], [[one]]):
        assert list(found_in(pulled, "request")) == [one]
    assert list(found_in([{"north": one}, {"south": two}], "request")) == [one, two]
    assert list(found_in({"request": one, "model": None}, "request")) == [one]  # a segment may be called as a field is
    assert [list(found_in(pulled, "request")) for pulled in (None, [], "request", [None])] == [[]] * 4


def test_a_run_is_about_the_segment_of_its_parameters(split: Split, bikes: dict[str, Any]) -> None:
    """Of one, or of all; a model without segments knows no such parameter, and one that there is not is refused."""
    definition = split("north", "south")
    night = {"interval_start": "2024-06-10", "interval_end": "2024-06-11"}
    for named, expected in (
        ("north", ("north",)),
        ("all", ("north", "south")),
        ("", ("north", "south")),
        (None, ("north", "south")),
    ):
        run = Run(conf={**night, "segment": named})
        assert segments(definition, run) == expected
        assert window(definition, run, Purpose.SCORE).as_of == moment("2024-06-11")
    with pytest.raises(RejectedError, match="did you mean north"):
        segments(definition, Run(conf={"segment": "nort"}))
    with pytest.raises(DataError, match="RUN_UNKNOWN_KEY"):
        window(Definition.model_validate(bikes), Run(conf={**night, "segment": "north"}), Purpose.SCORE)


def test_every_segment_of_a_batch_is_done(split: Split, running: Callable[..., Any]) -> None:
    """In turn, each with its part of what the tasks before handed over."""
    seen = []

    def run(stores: Stores, segment: str, *parts: object) -> Receipt:
        assert stores.ledger is not None
        seen.append((segment, parts))
        return receipt(segment)

    with running():
        found = done(split("north", "south"), run, {"north": {"a": 1}, "south": {"a": 2}}, {"south": {"b": 2}, "north": {"b": 1}})
    assert seen == [("north", ({"a": 1}, {"b": 1})), ("south", ({"a": 2}, {"b": 2}))]
    assert {segment: one["sentence"] for segment, one in found.items()} == {"north": "north is done", "south": "south is done"}


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        (DataError(Code.DATA_EMPTY, "there are no rows", where="demand"), TerminalError, "demand: there are no rows [DATA_EMPTY]"),
        (UnavailableError(Code.STORE_UNAVAILABLE, "no answer"), TransientError, "no answer [STORE_UNAVAILABLE]"),
        (ZeroDivisionError("a value"), TransientError, "was ended by ZeroDivisionError; the log says where [SEGMENT_STOPPED]"),
    ],
)
def test_what_one_segment_cannot_do_stops_no_other(
    split: Split, running: Callable[..., Any], raised: Exception, kind: type[PerennialError], said: str
) -> None:
    """The task fails when it has tried them all, names each, and hands on what was done. A retry may help where it may help one."""

    def run(_stores: Stores, segment: str, _part: object) -> Receipt:
        if segment in ("b", "c"):
            raise raised
        return receipt(segment)

    with running() as task, pytest.raises(PerennialError) as error:
        done(split("a", "b", "c", "d"), run, {name: {} for name in "abcd"})
    assert isinstance(error.value, kind)
    assert str(error.value).splitlines() == [f"{name}: {said}" for name in "bc"]
    assert {segment: one and one["sentence"] for segment, one in task.pushed["return_value"].items()} == {
        "a": "a is done",
        "b": None,
        "c": None,
        "d": "d is done",
    }


def test_what_was_not_done_before_is_not_done_now(split: Split, running: Callable[..., Any]) -> None:
    """The next task names the segment again, and a retry cannot help; the others go on."""
    with running() as task, pytest.raises(TerminalError) as error:
        done(split("a", "b"), lambda _stores, segment, *_: receipt(segment), {"a": {}, "b": None}, {"a": {}})
    assert str(error.value) == "b: could not be done by a task before, which says why [SEGMENT_STOPPED]"
    assert [segment for segment, one in task.pushed["return_value"].items() if one] == ["a"]
    with running(), pytest.raises(TerminalError, match="the task before was ended"):
        done(split("a", "b"), lambda _stores, segment, *_: receipt(segment), None)


def test_another_run_at_one_segment_leaves_the_others(split: Split, running: Callable[..., Any], ledger: MemoryLedger) -> None:
    """A lease is of a segment."""
    with running(), ledger.lease("bikes", "a", "score", "another", timedelta(hours=1)), pytest.raises(TransientError) as error:
        done(split("a", "b"), lambda _stores, segment, *_: receipt(segment), {"a": {}, "b": {}})
    assert [(fault.code, fault.where) for fault in error.value.faults] == [(Code.LEASE_HELD, "a: bikes/a/score")]


def _ask(ledger: MemoryLedger, *segments: str) -> None:
    for segment in segments:
        asked = RetrainRequest(
            id=f"of_{segment}", model="bikes", segment=segment, at=moment(AT), reason=f"{segment} rose", origin="decision"
        )
        assert ledger.request_retraining(asked, cooldown=timedelta(days=7), max_per_30d=None)[0]


def _claimed(definition: Definition) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = claim(definition).operator.python_callable()
    return found


def test_a_rung_run_claims_whatever_waits(split: Split, running: Callable[..., Any], ledger: MemoryLedger) -> None:
    """Segments without a request are left out; where none waits there are no batches."""
    _ask(ledger, "b", "d")
    with running("retrain_bikes", {"request": "waiting"}):
        first = _claimed(split(*"abcd"))
        again = _claimed(split(*"abcd"))
        assert _claimed(split("a", "c")) == []
    assert first == again
    assert [{segment: job["request"] for segment, job in batch.items()} for batch in first] == [{"b": "of_b"}, {"d": "of_d"}]


def test_a_run_by_hand_claims_for_its_segments(split: Split, running: Callable[..., Any], ledger: MemoryLedger) -> None:
    """The one that the form says, else all of them; a person is asked about each by itself."""
    many = [f"s{number}" for number in range(30)]
    with running("retrain_bikes", {"segment": "s7", "reason": "a look"}):
        [[(segment, job)]] = [list(batch.items()) for batch in _claimed(split(*many))]
    assert (segment, job["segment"], job["reason"]) == ("s7", "s7", "a look")
    with running("retrain_bikes", {"segment": "all", "force": True}):
        assert sorted(map(len, _claimed(split(*many)))) == [2] * 15
        assert len(_claimed(split(*many, publish={"approval": "human"}))) == 30
    assert len(ledger.history(RetrainRequest, "bikes", "s7")) == 1  # one run, one request


def test_a_segment_that_cannot_be_claimed_waits_for_a_retry_or_is_told(
    split: Split, running: Callable[..., Any], ledger: MemoryLedger
) -> None:
    """Another try may find its lease free; after the last one the next task tells of it, and the others are retrained."""
    definition = split("a", "b")
    _ask(ledger, "a", "b")
    with ledger.lease("bikes", "a", "retrain", "another", timedelta(hours=1)):
        with running("retrain_bikes", {"request": "waiting"}, last=False), pytest.raises(TransientError, match="LEASE_HELD"):
            _claimed(definition)
        with running("retrain_bikes", {"request": "waiting"}):
            found = _claimed(definition)
    assert [[*batch] for batch in found] == [["a"], ["b"]]
    assert (found[0]["a"], found[1]["b"]["request"]) == (None, "of_b")


def test_what_became_of_each_request_is_settled(split: Split, running: Callable[..., Any], ledger: MemoryLedger) -> None:
    """Also of a segment whose retraining did not end."""
    definition = split("a", "b")
    _ask(ledger, "a", "b")
    with running("retrain_bikes", {"request": "waiting"}) as task:
        task.pulled = {"claim": _claimed(definition), "publish": [{"a": receipt("a").model_dump(mode="json")}, {"b": None}]}
        settle(definition).operator.python_callable()
    rows = [ledger.history(RetrainRequest, "bikes", segment)[0] for segment in ("a", "b")]
    assert [(row.state, row.outcome) for row in rows] == [
        (RequestState.DONE, "a is done"),
        (RequestState.DONE, "the retraining did not end; see run run 1"),
    ]
