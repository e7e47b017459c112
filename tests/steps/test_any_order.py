"""The whole loop in any order, with what may come in between, against a plain model of the ledger, in two ledgers at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from perennial.core.codes import Code
from perennial.core.digest import digest_bytes, digest_json
from perennial.core.errors import ConflictError, PerennialError, RejectedError
from perennial.core.interval import Interval
from perennial.core.receipts import (
    ALL,
    Action,
    Approval,
    Decision,
    Evaluation,
    Measurement,
    ModelVersion,
    PredictionBatch,
    Promotion,
    PromotionKind,
    Publication,
    Purpose,
    Receipt,
    RequestState,
    RetrainRequest,
    Role,
    Snapshot,
    Validation,
    Verdict,
)
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Ledger, Stores
from perennial.simulation.bad_nights import BadNight, with_bad_nights
from perennial.simulation.load import tables as named
from perennial.simulation.world import World
from perennial.steps.approve import approve
from perennial.steps.assign import Person, by_hand, on_request, on_schedule
from perennial.steps.audit import audit
from perennial.steps.champion import champion_of
from perennial.steps.collect import GRACE, collect
from perennial.steps.decide import decide
from perennial.steps.evaluate import evaluate
from perennial.steps.extract import extract
from perennial.steps.fulfil import fulfil
from perennial.steps.monitor import monitor
from perennial.steps.predict import predict
from perennial.steps.predict_again import predict_again
from perennial.steps.promote import promote
from perennial.steps.publish import publish
from perennial.steps.retire import retire
from perennial.steps.rollback import rollback
from perennial.steps.train import train
from perennial.steps.validate import validate
from perennial.stores.ledger import PostgresLedger
from perennial.stores.tables import metadata
from perennial.testing import MemoryArtifacts, MemoryLedger, MemorySource
from perennial.testing.interruptions import Interruption, go_away, interrupted
from perennial.testing.story import day, night
from perennial.testing.workshop import InlineWorkshop
from perennial.workshop.done import Done

NAME = "bikes_small"
KEY = b"0123456789abcdef0123456789abcdef"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COOLDOWN, RETENTION, MAX_AGE = 2 * DAY, 8 * DAY, 2 * DAY
PHASES = (Phase.explicit, Phase.generate)  # a failing example is told as it was found: to shrink it would take many minutes
NIGHTS = (30, 31, 32, 33, 34)
FAULTY_NIGHT = 32
DIGEST = re.compile(rb"[0-9a-f]{64}")
# It predicts a night in a tenth of the time that a pipeline takes, and there are hundreds of nights.
TREE = {"path": "sklearn.tree:DecisionTreeRegressor", "parameters": {"max_depth": 6, "random_state": 0}}
VARIANTS: dict[str, dict[str, Any]] = {
    "usual": {},
    "aging": {"retraining": {"max_age": "2d"}, "publish": {"shadow": "first_champion"}},
    "human": {"publish": {"approval": "human"}},
    "worthless": {"estimator": {"path": "sklearn.dummy:DummyRegressor", "parameters": {"strategy": "constant", "constant": 0.0}}},
    "strict": {"evaluation": {"gates": {"champion": {"rule": "superior"}}}},
    "forgetful": {"publish": {"retention": "8d"}},
}
Define = Callable[..., Definition]
Requests = dict[str, RetrainRequest]


# --- the model


class Row(NamedTuple):
    """A promotion."""

    epoch: int
    version: str | None
    kind: PromotionKind
    since: datetime
    evaluation: str | None


class Batch(NamedTuple):
    """Whose predictions a night has in one role."""

    version: str
    epoch: int


@dataclass
class Plain:
    """What the ledger should say, in lists and dictionaries; nothing of the product is asked."""

    rows: list[Row] = field(default_factory=list)
    batches: dict[tuple[int, Role], Batch] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)

    def validated(self, number: int, *, good: bool) -> None:
        """Withdraw what was predicted of a night that is a data fault, and remember what was said last."""
        if good:
            self.refused.discard(number)
            return
        self.refused.add(number)
        self.batches = {key: batch for key, batch in self.batches.items() if key[0] != number}

    def reigning(self, before: datetime) -> Row | None:
        """Return who is champion just before a moment."""
        known = [row for row in self.rows if row.since < before]
        return known[-1] if known and known[-1].version else None

    def first(self, before: datetime) -> Row | None:
        """Return who was the first champion since the last retirement, as of just before a moment."""
        found = None
        for row in self.rows:
            if row.since < before:
                found = None if row.version is None else found or row
        return found

    def append(self, version: str | None, kind: PromotionKind, since: datetime, evaluation: str | None = None) -> None:
        """Append the next epoch."""
        self.rows.append(Row(len(self.rows) + 1, version, kind, since, evaluation))

    def score(self, number: int, *, shadow: bool) -> None:
        """Let a night be predicted, unless it is a data fault."""
        if number in self.refused:
            return
        champion, first = self.reigning(day(number + 1)), self.first(day(number + 1))
        if champion is None or champion.version is None:
            return
        for role in (Role.CHAMPION, Role.BASELINE):
            self.batches[number, role] = Batch(champion.version, champion.epoch)
        if shadow and first is not None and first.version is not None:
            self.batches[number, Role.SHADOW] = Batch(first.version, first.epoch)

    def retired(self, at: datetime) -> bool:
        """Return whether the model is retired at a moment."""
        known = [row for row in self.rows if row.since <= at]
        return bool(known) and known[-1].version is None

    def publish(self, judged: Evaluation, *, allowed: bool, person: bool = False) -> Row | Code | None:
        """Let a challenger become champion: return its row, a conflict, or None where it is refused.

        One that a *person* wants may also have been compared with the champion that was retired since.
        """
        done = [row for row in self.rows if (row.evaluation, row.kind) == (judged.id, PromotionKind.PROMOTE)]
        if done:
            return done[0]
        since, newest = max(judged.interval.end, judged.as_of), self.rows[-1] if self.rows else None
        if judged.verdict is not Verdict.PASS or not allowed:
            return None
        if person and newest is not None and newest.version is None and judged.champion is not None:
            stands: str | None = [row.version for row in self.rows if row.version][-1]
            since = max(since, newest.since)
        else:
            stands = newest.version if newest else None
        if newest is not None and newest.since > since:
            return None
        if judged.champion != stands:
            return Code.PROMOTE_CONFLICT
        self.append(judged.challenger, PromotionKind.PROMOTE, since, judged.id)
        return self.rows[-1]

    def expire(self, before: datetime) -> None:
        """Forget the predictions of nights that ended by then."""
        self.batches = {key: batch for key, batch in self.batches.items() if day(key[0]) >= before}


# --- what is seen


def seen_rows(ledger: Ledger) -> list[Row]:
    """Return the promotions."""
    found = ledger.history(Promotion, NAME)
    return [Row(row.epoch, row.version, row.kind, row.effective_from, row.evaluation) for row in found]


def seen_batches(ledger: Ledger) -> dict[tuple[int, Role], Batch]:
    """Return whose predictions there are, and make sure that each night has all rows of one batch of a role, or none."""
    always = Interval(day(0), day(60))
    known = {batch.id: batch for batch in ledger.history(PredictionBatch, NAME)}
    found: dict[tuple[int, Role], Batch] = {}
    for role in Role:
        rows = ledger.predictions(NAME, role=role, within=always).select(["batch", "event_at"]).to_pylist()
        events = {(row["batch"], row["event_at"]) for row in rows}
        for name in {row["batch"] for row in rows}:
            batch = known[name]
            number = (batch.interval.start - day(0)).days
            assert (batch.role, batch.interval) == (role, night(number))
            assert {at for of, at in events if of == name} == {day(number) + hour * HOUR for hour in range(24)}
            assert (number, role) not in found, "two current batches of one night"
            found[number, role] = Batch(batch.version, batch.epoch)
        assert len(events) == len(rows)
    return found


def _refused(ledger: Ledger, number: int) -> bool:
    """Return whether what was said last of a night is that it is a data fault."""
    said = [row for row in ledger.history(Validation, NAME, within=night(number)) if row.interval == night(number)]
    return bool(said) and said[-1].verdict is not Verdict.PASS


def seen_requests(ledger: Ledger) -> Requests:
    """Return the requests by id."""
    return {request.id: request for request in ledger.history(RetrainRequest, NAME)}


def standing(stores: Stores) -> dict[str, Any]:
    """Return all that stands in the ledger, without when it was written."""
    ledger, always = stores.ledger, Interval(day(0), day(60))
    nights = {decision.interval: decision for decision in ledger.history(Decision, NAME)}
    return {
        "snapshots": {row.digest: row for row in ledger.history(Snapshot, NAME)},
        "validations": {(row.purpose, row.interval, row.as_of): row for row in ledger.history(Validation, NAME)},
        "versions": {row.id: row for row in ledger.history(ModelVersion, NAME)},
        "evaluations": {row.id: row for row in ledger.history(Evaluation, NAME)},
        "approvals": {row.id: row for row in ledger.history(Approval, NAME)},
        "promotions": ledger.history(Promotion, NAME),
        "predictions": {role: ledger.predictions(NAME, role=role, within=always).to_pylist() for role in Role},
        "decisions": nights,
        "measurements": {at: ledger.get(Measurement, decision.measurement) for at, decision in nights.items()},
        "losses": ledger.losses(NAME, ALL, loss="absolute", within=always, as_of=day(60), matured_before=day(60)),
        "requests": ledger.history(RetrainRequest, NAME),
    }


def reachable(stores: Stores) -> set[str]:
    """Return every digest that a receipt names, and every digest that the bytes under such a digest name, and so on."""
    kinds: tuple[type[Receipt], ...] = (Snapshot, Validation, ModelVersion, Evaluation, Measurement)
    receipts = [receipt for kind in kinds for receipt in stores.ledger.history(kind, NAME)]
    todo = {digest.decode() for receipt in receipts for digest in DIGEST.findall(receipt.model_dump_json().encode())}
    found: set[str] = set()
    contents = contents_of(stores)
    while todo:
        found |= todo
        todo = {name.decode() for digest in todo for name in DIGEST.findall(contents.get(digest, b""))} - found
    return found


def contents_of(stores: Stores) -> dict[str, bytes]:
    """Return the artifacts."""
    assert isinstance(stores.artifacts, MemoryArtifacts)
    return stores.artifacts.contents


# --- what is done


class Night(NamedTuple):
    """The receipts of a night."""

    number: int
    snapshot: Snapshot
    validation: Validation
    predicted: Any
    measurement: Measurement
    decision: Decision


class Training(NamedTuple):
    """The receipts of a retraining."""

    window: Interval
    snapshot: Snapshot
    validation: Validation
    version: ModelVersion
    evaluation: Evaluation
    publication: Publication


def score_night(definition: Definition, number: int, stores: Stores) -> Night:
    """Run a night, step after step."""
    at = night(number)
    snapshot = extract(definition, at, stores, purpose=Purpose.SCORE, as_of=at.end)
    validation = validate(definition, at, stores, snapshot=snapshot)
    predicted = predict(definition, at, stores, snapshot=snapshot, validation=validation)
    measurement = monitor(definition, at, stores, snapshot=snapshot, validation=validation, predicted=predicted)
    decision = decide(definition, at, stores, measurement=measurement, validation=validation)
    return Night(number, snapshot, validation, predicted, measurement, decision)


def train_window(definition: Definition, end: int, stores: Stores) -> Training:
    """Run a retraining, step after step."""
    window = training_window(definition, day(end))
    snapshot = extract(definition, window, stores, purpose=Purpose.TRAIN, as_of=window.end)
    validation = validate(definition, window, stores, snapshot=snapshot)
    version = train(definition, window, stores, snapshot=snapshot, validation=validation, reason="any order")
    evaluation = evaluate(definition, window, stores, snapshot=snapshot, validation=validation, version=version)
    publication = publish(definition, window, stores, evaluation=evaluation, actor="tests")
    return Training(window, snapshot, validation, version, evaluation, publication)


def score_step(definition: Definition, done: Night, step: str, stores: Stores) -> Receipt:
    """Run one step of a night again, with the receipts of the steps before it."""
    at = night(done.number)
    seen: dict[str, Any] = {"snapshot": done.snapshot, "validation": done.validation}
    if step == "extract":
        return extract(definition, at, stores, purpose=Purpose.SCORE, as_of=at.end)
    if step == "validate":
        return validate(definition, at, stores, snapshot=done.snapshot)
    if step == "predict":
        return predict(definition, at, stores, **seen)
    if step == "monitor":
        return monitor(definition, at, stores, **seen, predicted=done.predicted)
    return decide(definition, at, stores, measurement=done.measurement, validation=done.validation)


def train_step(definition: Definition, done: Training, step: str, stores: Stores) -> Receipt:
    """Run one step of a retraining again, with the receipts of the steps before it."""
    at = done.window
    seen: dict[str, Any] = {"snapshot": done.snapshot, "validation": done.validation}
    if step == "extract":
        return extract(definition, at, stores, purpose=Purpose.TRAIN, as_of=at.end)
    if step == "validate":
        return validate(definition, at, stores, snapshot=done.snapshot)
    if step == "train":
        return train(definition, at, stores, **seen, reason="any order")
    if step == "evaluate":
        return evaluate(definition, at, stores, **seen, version=done.version)
    return publish(definition, at, stores, evaluation=done.evaluation, actor="tests")


def reject(definition: Definition, done: Training, stores: Stores) -> Publication:
    """Let a person refuse a challenger."""
    refused = approve(done.evaluation, stores, verdict=Verdict.FAIL, actor="ana", comment="not before Easter")
    return publish(definition, done.window, stores, evaluation=done.evaluation, approval=refused, actor="ana")


@dataclass(frozen=True)
class Asked:
    """A retraining that goes through the queue."""

    how: str
    at: int
    force: bool
    run: str

    def do(self, definition: Definition, stores: Stores) -> Publication | None:
        """Claim what waits or file a request, and answer it; None where nothing is to be done."""
        cut_off = day(self.at)
        if self.how == "hand":
            person = Person(name="ana", cut_off=cut_off, reason="any order", force=self.force)
            job, _ = by_hand(definition, stores.ledger, person, claimed_by=self.run)
        elif self.how == "schedule":
            job, _ = on_schedule(definition, stores.ledger, cut_off, claimed_by=self.run)
        else:
            job = on_request(definition, stores.ledger, cut_off, claimed_by=self.run)
        return None if job is None else fulfil(definition, job, stores, claimed_by=self.run, actor="tests")


def slip_in(stores: Stores) -> None:
    """Let somebody retire the model, or bring its first champion back, at this very moment."""
    rows = seen_rows(stores.ledger)
    if rows:
        back = rows[-1].version is None
        stores.ledger.promote(
            Promotion(
                model=NAME,
                epoch=len(rows) + 1,
                version=rows[0].version if back else None,
                kind=PromotionKind.ROLLBACK if back else PromotionKind.RETIRE,
                effective_from=rows[-1].since,
                reason="slipped in",
                actor="somebody",
            )
        )


def take_over(stores: Stores) -> None:
    """Let a later attempt of the same run begin and end at this very moment."""
    with stores.leased(NAME, ALL, "any", holder="a run", ttl=HOUR):
        pass


class Blow(NamedTuple):
    """What happens during a command: at which call of the stores, before it or after it."""

    kind: str
    at: int
    after: bool


BLOWS = st.builds(Blow, st.sampled_from(["away", "gone", "fenced", "slip"]), st.integers(1, 45), st.booleans())
MAYBE = st.integers(0, 3).flatmap(lambda drawn: BLOWS if drawn == 3 else st.none())  # three of four commands run undisturbed


@dataclass(frozen=True)
class Command:
    """What is done, and what the model says of its outcome.

    Attributes:
        do: What is done, on any stores.
        expect: Tells the model, and compares.
        nights: Whose predictions may change.
        again: Whether doing it twice is doing it once.
        force: Whether cooldowns do not count.
    """

    do: Callable[[Stores], object]
    expect: Callable[[object, Requests], None]
    nights: frozenset[int] = frozenset()
    again: bool = True
    force: bool = False


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        """Start when the nights are over."""
        self.at = day(36)

    def __call__(self) -> datetime:
        """Return the moment."""
        return self.at


class Steady(InlineWorkshop):
    """A workshop in which everything takes a second, so that two runs say the same; what was done before is not done again."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._done: dict[str, tuple[Done, dict[str, bytes]]] = {}

    def run(self, job: str, ask: Mapping[str, Any], folder: Path, *, memory: int, seconds: float) -> Done:
        """Run a job, or write what it wrote when it was asked the same before."""
        given = {path.name: path.read_bytes() for path in folder.iterdir()}
        key = digest_json([job, ask, {name: digest_bytes(content) for name, content in given.items()}])
        if key not in self._done:
            done = super().run(job, ask, folder, memory=memory, seconds=seconds)
            value = {name: 1.0 if name.endswith("seconds") else found for name, found in done.value.items()}
            written = {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in given}
            self._done[key] = replace(done, value=value, seconds=1.0, cpu_seconds=1.0), written
        done, written = self._done[key]
        for name, content in written.items():
            (folder / name).write_bytes(content)
        return replace(done, value=dict(done.value))


@dataclass
class Bench:
    """What a machine runs on, and what was done in all."""

    definitions: dict[str, Definition]
    good: dict[str, pa.Table]
    bad: dict[str, pa.Table]
    ledgers: Callable[[], list[Ledger]]
    scratch: Path
    workshop: Steady
    commands: int = 0
    blows: int = 0

    def stores(self, tables: dict[str, pa.Table], clock: Clock) -> list[Stores]:
        """Return empty stores, one for each ledger."""
        source = MemorySource(tables)
        return [
            Stores(
                source=lambda _: source,
                artifacts=MemoryArtifacts(clock),
                ledger=ledger,
                signing_key=KEY,
                scratch=self.scratch,
                workshop=self.workshop,
            )
            for ledger in self.ledgers()
        ]


class AnyOrder(RuleBasedStateMachine):
    """Does anything in any order to stores with the real ledger or a fake, or to both, and to the model."""

    def __init__(self, bench: Bench) -> None:
        """Start with an empty ledger."""
        super().__init__()
        self.bench, self.clock, self.plain = bench, Clock(), Plain()
        self.tables = dict(bench.good)
        self.worlds = bench.stores(self.tables, self.clock)
        self.nights: list[Night] = []
        self.trainings: list[Training] = []
        self.last: Command | None = None
        self.runs, self.forgotten = 0, False

    # --- how a command is run

    @property
    def ledger(self) -> Ledger:
        """Any ledger, as all say the same."""
        return self.worlds[0].ledger

    def run(self, command: Command, blow: Blow | None = None) -> None:
        """Do it everywhere, and see that all say the same and that the model agrees."""
        before = seen_requests(self.ledger)
        told = [self.attempt(command, stores, blow) for stores in self.worlds]
        outcome, struck = told[0]
        for other, hit in told[1:]:
            assert (hit, type(other), _said(other)) == (struck, type(outcome), _said(outcome))
        self.bench.commands += 1
        self.bench.blows += struck
        if struck:
            self.resync(command)
        else:
            command.expect(outcome, before)
        self.lawful_requests(before, force=command.force)
        self.last = command if command.again else None

    def attempt(self, command: Command, stores: Stores, blow: Blow | None) -> tuple[object, bool]:
        """Return the outcome, an error among them, and whether something came in between."""
        if blow is None:
            return _outcome(command, stores), False
        happens = {"slip": partial(slip_in, stores), "fenced": partial(take_over, stores)}.get(blow.kind, go_away)
        interruption = Interruption(blow.at, after=blow.after, for_good=blow.kind == "gone", happens=happens)
        with stores.leased(NAME, ALL, "any", holder="a run", ttl=HOUR) as held:
            return _outcome(command, interrupted(held, interruption)), interruption.struck

    def resync(self, command: Command) -> None:
        """Take over what a disturbed command left, which is all or nothing of each part, and lawful."""
        rows, batches = seen_rows(self.ledger), seen_batches(self.ledger)
        assert rows[: len(self.plain.rows)] == self.plain.rows
        self.plain.rows = rows
        changed = {key for key in batches.keys() | self.plain.batches.keys() if batches.get(key) != self.plain.batches.get(key)}
        assert {number for number, _ in changed} <= command.nights
        self.plain.refused = {number for number in NIGHTS if _refused(self.ledger, number)}
        assert self.plain.refused.isdisjoint(number for number, _ in batches)
        for number, role in changed & batches.keys():
            by = rows[batches[number, role].epoch - 1]
            assert by.since < day(number + 1)
            assert by.version == batches[number, role].version
        self.plain.batches = batches

    def lawful_requests(self, before: Requests, *, force: bool) -> None:
        """Promise 7: one request at a time, no nearer than the cooldown; what is done stays done."""
        after = seen_requests(self.ledger)
        assert before.keys() <= after.keys()
        assert sum(request.state is not RequestState.DONE for request in after.values()) <= 1
        assert all(after[name].state is RequestState.DONE for name, was in before.items() if was.state is RequestState.DONE)
        new = [request for name, request in after.items() if name not in before]
        assert len(new) <= 1
        assert force or all(abs(one.at - other.at) >= COOLDOWN for one in new for other in before.values())

    # --- nights

    @initialize(ends=st.sampled_from([(28,), (28, 30), (28, 30, 32), ()]), first=st.sampled_from((*NIGHTS, None)))
    def begin(self, ends: tuple[int, ...], first: int | None) -> None:
        """With some champions and nights, mostly."""
        for end in ends:
            self.retrain_now(end, "usual", None)
        if first is not None:
            self.nights_in_a_row(first, "usual")

    @rule(first=st.sampled_from(NIGHTS), variant=st.sampled_from(["usual", "aging"]))
    def some_nights(self, first: int, variant: str) -> None:
        """As the scheduler does."""
        self.nights_in_a_row(first, variant)

    def nights_in_a_row(self, first: int, variant: str) -> None:
        """Score all nights from one on."""
        for number in NIGHTS[NIGHTS.index(first) :]:
            self.run(self.scoring(number, variant))

    @rule(number=st.sampled_from(NIGHTS), variant=st.sampled_from(["usual", "aging"]), blow=MAYBE)
    def night(self, number: int, variant: str, blow: Blow | None) -> None:
        """A night, any night, for the first time or again."""
        self.run(self.scoring(number, variant), blow)

    def scoring(self, number: int, variant: str) -> Command:
        """Return the command that scores a night."""
        definition = self.bench.definitions[variant]

        def expect(outcome: object, before: Requests) -> None:
            assert isinstance(outcome, Night), outcome
            fault = self.faulty and number == FAULTY_NIGHT
            assert (outcome.validation.verdict is Verdict.FAIL) == fault
            self.plain.validated(number, good=not fault)
            self.plain.score(number, shadow=variant == "aging")
            self.expect_decision(number, variant, outcome.decision, before)
            self.nights.append(outcome)

        return Command(partial(score_night, definition, number), expect, frozenset({number}))

    @property
    def faulty(self) -> bool:
        """Whether the source delivers the rows of one night wrong at the moment."""
        return self.tables["conditions"] is self.bench.bad["conditions"]

    def expect_decision(self, number: int, variant: str, decision: Decision, before: Requests) -> None:
        """A good night with a champion that is too old asks for a retraining if the queue lets it."""
        champion = self.plain.reigning(day(number + 1))
        if champion is None or (self.faulty and number == FAULTY_NIGHT):
            assert decision.action in {Action.HOLD, Action.QUARANTINE}
            return
        refused = [row for row in self.ledger.history(Evaluation, NAME) if row.verdict is not Verdict.PASS]
        if variant != "aging" or day(number + 1) - champion.since <= MAX_AGE or refused:
            return
        own = any(request.origin == f"decision {night(number)}" for request in before.values())
        busy = any(request.state is not RequestState.DONE for request in before.values())
        near = any(abs(request.at - day(number + 1)) < COOLDOWN for request in before.values())
        assert decision.action is (Action.RETRAIN if own or not (busy or near) else Action.HOLD)

    @precondition(lambda self: self.nights)
    @rule(data=st.data(), step=st.sampled_from(["extract", "validate", "predict", "monitor", "decide"]), blow=MAYBE)
    def clear_a_task_of_a_night(self, data: st.DataObject, step: str, blow: Blow | None) -> None:
        """One step of an earlier night alone, with the receipts of then."""
        done = data.draw(st.sampled_from(self.nights))

        def expect(outcome: object, _: Requests) -> None:
            assert isinstance(outcome, Receipt), outcome
            if isinstance(outcome, Validation):
                self.plain.validated(done.number, good=outcome.verdict is Verdict.PASS)
            if step == "predict" and done.validation.verdict is Verdict.PASS:
                self.plain.score(done.number, shadow=False)

        definition = self.bench.definitions["usual"]
        self.run(Command(partial(score_step, definition, done, step), expect, frozenset({done.number})), blow)

    @precondition(lambda self: self.nights)
    @rule(order=st.permutations(NIGHTS))
    def all_nights_again(self, order: list[int]) -> None:
        """Promise 13: all nights again in any order; and once more, backwards, changes nothing."""
        known = {done.number for done in self.nights}
        order = [number for number in order if number in known]
        for number in order * (2 if self.forgotten else 1):  # the first time restores what had expired
            self.run(self.scoring(number, "usual"))
        before = [standing(stores) for stores in self.worlds]
        for number in order[::-1]:
            self.run(self.scoring(number, "usual"))
        assert [standing(stores) for stores in self.worlds] == before

    @rule()
    def the_source_glitches(self) -> None:
        """One night's rows are delivered wrong from now on, or right again."""
        self.tables.update(self.bench.good if self.faulty else self.bench.bad)

    # --- retrainings

    @rule(end=st.sampled_from((28, 30, 32, 34)), variant=st.sampled_from(["usual", "human", "worthless", "strict"]), blow=MAYBE)
    def retrain(self, end: int, variant: str, blow: Blow | None) -> None:
        """A retraining for a window, with any definition."""
        self.retrain_now(end, variant, blow)

    def retrain_now(self, end: int, variant: str, blow: Blow | None) -> None:
        """Retrain, step after step."""
        definition = self.bench.definitions[variant]

        def expect(outcome: object, _: Requests) -> None:
            assert isinstance(outcome, Training), outcome
            self.expect_evaluation(outcome.evaluation, variant)
            wanted = variant != "human" and self.may_come_back(outcome.version)
            self.expect_publication(outcome.evaluation, outcome.publication, allowed=wanted)
            self.trainings.append(outcome)

        self.run(Command(partial(train_window, definition, end), expect), blow)

    def may_come_back(self, version: ModelVersion) -> bool:
        """Return whether a model that was retired comes back by a version that no person promotes: a person had it trained."""
        requests = seen_requests(self.ledger)
        asked = [request.origin for request in requests.values() if request.at == version.as_of or request.id == version.request]
        wanted = version.request is None or any(origin.startswith("by hand") for origin in asked)
        return wanted or not self.plain.rows or self.plain.rows[-1].version is not None

    def expect_evaluation(self, judged: Evaluation, variant: str) -> None:
        """Promise 8: it is judged beside the champion that it would replace."""
        promoted = [row.evaluation for row in self.plain.rows if row.kind is PromotionKind.PROMOTE]
        since = max(judged.interval.end, judged.as_of)
        champion = self.plain.reigning(since + timedelta.resolution)
        assert judged.id in promoted or judged.champion == (champion.version if champion else None)
        assert variant != "worthless" or judged.verdict is not Verdict.PASS
        assert (judged.verdict is Verdict.PASS) == all(gate.verdict is Verdict.PASS for gate in judged.gates)

    def expect_publication(self, judged: Evaluation, outcome: object, *, allowed: bool, person: bool = False) -> None:
        """It becomes champion, is refused, or is told that another one has become it."""
        row = self.plain.publish(judged, allowed=allowed, person=person)
        if isinstance(row, Code):
            assert isinstance(outcome, ConflictError)
            assert outcome.code is row
            return
        assert isinstance(outcome, Publication), outcome
        stands = row or (self.plain.rows[-1] if self.plain.rows else None)
        told = (stands.version, stands.epoch) if stands else (None, None)
        assert (outcome.promoted, outcome.champion, outcome.epoch) == (row is not None, *told)

    @precondition(lambda self: self.trainings)
    @rule(data=st.data(), step=st.sampled_from(["extract", "validate", "train", "evaluate", "publish"]), blow=MAYBE)
    def clear_a_task_of_a_retraining(self, data: st.DataObject, step: str, blow: Blow | None) -> None:
        """One step of an earlier retraining alone, with the receipts of then, whoever is champion now."""
        done = data.draw(st.sampled_from(self.trainings))

        def expect(outcome: object, _: Requests) -> None:
            if step == "publish":
                self.expect_publication(done.evaluation, outcome, allowed=self.may_come_back(done.version))
            else:
                assert isinstance(outcome, Receipt), outcome
            if isinstance(outcome, Evaluation):
                self.expect_evaluation(outcome, "usual")

        definition = self.definition_of(done)
        if definition.publish.approval == "human" and step == "publish":
            definition = self.bench.definitions["usual"]
        self.run(Command(partial(train_step, definition, done, step), expect), blow)

    def definition_of(self, done: Training) -> Definition:
        """Return the definition under which something was trained."""
        return next(one for one in self.bench.definitions.values() if one.digest == done.version.definition_digest)

    @rule(
        how=st.sampled_from(["hand", "schedule", "request"]),
        at=st.sampled_from((30, 31, 33, 34, 36)),
        force=st.booleans(),
        variant=st.sampled_from(["usual", "worthless"]),
        blow=MAYBE,
    )
    def ask(self, how: str, at: int, force: bool, variant: str, blow: Blow | None) -> None:
        """A person, the schedule or the queue wants a retraining."""
        self.runs += 1
        asked = Asked(how, at, force, f"schedule {at}" if how == "schedule" else f"run {self.runs}")

        def expect(outcome: object, before: Requests) -> None:
            assert outcome is None or isinstance(outcome, Publication), outcome
            self.expect_answer(asked, before, outcome)  # first: it asks whether the model was retired before
            if outcome is not None:
                judged = self.ledger.get(Evaluation, outcome.evaluation)
                self.expect_evaluation(judged, variant)
                self.expect_publication(judged, outcome, allowed=True)

        replaces = how == "hand" and self.plain.retired(day(at))  # a request of the time before, whatever the cooldown says
        self.run(Command(partial(asked.do, self.bench.definitions[variant]), expect, force=force or replaces), blow)

    def expect_answer(self, asked: Asked, before: Requests, outcome: Publication | None) -> None:
        """What waits is answered; else a person, or the schedule, is answered unless the queue forbids it."""
        cut_off, by = day(asked.at), asked.how == "hand"
        unfinished = [request for request in before.values() if request.state is not RequestState.DONE]
        waiting = [
            request
            for request in unfinished
            if (by or request.at <= cut_off)
            and (request.state is RequestState.OPEN or request.claimed_by == asked.run or (by and asked.force))
        ]
        after = seen_requests(self.ledger)
        if not by and self.plain.retired(cut_off):
            assert (outcome, after) == (None, before)
            return
        settled = [name for name, request in after.items() if request != before.get(name)]
        if waiting and self.plain.retired(cut_off) and not waiting[0].origin.startswith("by hand"):
            assert waiting[0].id in settled  # closed, and another one is filed where the cooldown lets it
        elif waiting:
            assert outcome is not None
            assert settled == [waiting[0].id]
        elif unfinished or asked.how == "request":
            assert (outcome, settled) == (None, []) or self.answered_before(asked, before)
        elif (by and asked.force) or all(abs(request.at - cut_off) >= COOLDOWN for request in before.values()):
            assert outcome is not None
        assert all(after[name].state is RequestState.DONE for name in settled)

    def answered_before(self, asked: Asked, before: Requests) -> bool:
        """Return whether the same run asks again."""
        return any(request.claimed_by == asked.run for request in before.values())

    # --- people

    @precondition(lambda self: self.ledger.history(ModelVersion, NAME))
    @rule(data=st.data(), blow=MAYBE)
    def promote(self, data: st.DataObject, blow: Blow | None) -> None:
        """A person promotes a version, whatever became of it."""
        version = data.draw(st.sampled_from([row.id for row in self.ledger.history(ModelVersion, NAME)]))
        definition = self.bench.definitions["human"]
        judged = [row for row in self.ledger.history(Evaluation, NAME) if row.challenger == version]

        def expect(outcome: object, _: Requests) -> None:
            used = bool(judged) and judged[-1].id in {row.evaluation for row in self.plain.rows}
            refused = not judged or judged[-1].verdict is not Verdict.PASS
            if refused or (used and self.plain.rows[-1].version != version):
                assert isinstance(outcome, RejectedError), outcome
                assert outcome.code is Code.PROMOTE_REFUSED
            else:
                self.expect_publication(judged[-1], outcome, allowed=True, person=True)

        do = partial(promote, definition, version=version, reason="looks right", actor="ana")
        self.run(Command(lambda stores: do(stores=stores), expect), blow)

    @precondition(lambda self: self.trainings)
    @rule(data=st.data(), blow=MAYBE)
    def reject(self, data: st.DataObject, blow: Blow | None) -> None:
        """A person refuses a challenger. What is champion already stays it."""
        done = data.draw(st.sampled_from(self.trainings))
        definition = self.definition_of(done)

        def expect(outcome: object, _: Requests) -> None:
            self.expect_publication(done.evaluation, outcome, allowed=False)

        self.run(Command(partial(reject, definition, done), expect), blow)

    @precondition(lambda self: self.plain.rows)
    @rule(data=st.data(), since=st.sampled_from((28, 31, 33)), again=st.booleans(), blow=MAYBE)
    def rollback(self, data: st.DataObject, since: int, again: bool, blow: Blow | None) -> None:
        """A person goes back, to a champion or to the one before; perhaps for nights of the past, too, which are predicted anew."""
        versions = [row.version for row in self.plain.rows if row.version]
        to = data.draw(st.sampled_from([None, *dict.fromkeys(versions), "nobody"]))
        definition = self.bench.definitions["usual"]

        def do(stores: Stores) -> Promotion:
            last, past = (day(35), day(since)) if again else (day(since), None)
            row = rollback(definition, ALL, stores, effective_from=last, reason="worse", actor="ana", to=to, since=past)
            if again:
                assert not any(found.failed for found in predict_again(definition, ALL, stores, since=day(since)))
            return row

        def expect(outcome: object, _: Requests) -> None:
            code = self.go_back(to, day(since), again=again)
            if code:
                assert isinstance(outcome, RejectedError), outcome
                assert outcome.code is code
                return
            assert isinstance(outcome, Promotion), outcome
            for number in self.good_nights(after=since) if again else []:
                self.plain.score(number, shadow=False)

        self.run(Command(do, expect, frozenset(NIGHTS) if again else frozenset(), again=False), blow)

    def go_back(self, to: str | None, since: datetime, *, again: bool) -> Code | None:
        """Append the row of a rollback, unless it stands; or return why there is none."""
        newest = self.plain.rows[-1] if self.plain.rows else None
        if newest is None:
            return Code.NO_CHAMPION
        version = to or self.back_to()
        if version is None or version not in {row.version for row in self.plain.rows}:
            return Code.MODEL_UNKNOWN
        if not again and version == newest.version:
            return Code.MODEL_UNKNOWN
        made = self.ledger.get(ModelVersion, version)
        known = max(made.interval.end, made.as_of)
        if again:
            if since < known:
                return Code.PROMOTE_REFUSED
            if (newest.kind, newest.version, newest.since) == (PromotionKind.ROLLBACK, version, since):
                return None
        self.plain.append(version, PromotionKind.ROLLBACK, since if again else max(newest.since, since, known))
        return None

    def good_nights(self, *, after: int) -> list[int]:
        """Return the nights that end after the start of a day and whose last verdict is a pass."""
        last = {row.interval: row for row in self.ledger.history(Validation, NAME) if row.purpose is Purpose.SCORE}
        return [
            number for number in NIGHTS if number >= after and night(number) in last and last[night(number)].verdict is Verdict.PASS
        ]

    def back_to(self) -> str | None:
        """Return the champion that the present one's version once replaced; under a retirement, the last one."""
        versions = [row.version for row in self.plain.rows]
        first = versions.index(versions[-1]) if versions and versions[-1] else len(versions)
        before = [version for version in versions[:first] if version]
        return before[-1] if before else None

    @precondition(lambda self: self.plain.rows and self.plain.rows[-1].version)
    @rule(since=st.sampled_from((28, 31, 33)), blow=MAYBE)
    def retire(self, since: int, blow: Blow | None) -> None:
        """A person wants no champion any more."""

        def expect(outcome: object, _: Requests) -> None:
            assert isinstance(outcome, Promotion), outcome
            self.plain.append(None, PromotionKind.RETIRE, max(self.plain.rows[-1].since, day(since)))

        do = partial(retire, self.bench.definitions["usual"], ALL, effective_from=day(since), reason="over", actor="ana")
        self.run(Command(lambda stores: do(stores=stores), expect, again=False), blow)

    # --- care

    @precondition(lambda self: self.last)
    @rule()
    def again(self) -> None:
        """Promise 13: what was done last is done again, undisturbed; and done once more it changes nothing."""
        assert self.last is not None
        self.run(self.last)
        assert self.last is not None
        before = [standing(stores) for stores in self.worlds]
        self.run(self.last)
        assert [standing(stores) for stores in self.worlds] == before

    @precondition(lambda self: self.nights)
    @rule(days=st.sampled_from((0, 1, 2, 4)), variant=st.sampled_from(["usual", "forgetful"]), blow=MAYBE)
    def collect(self, days: int, variant: str, blow: Blow | None) -> None:
        """Promise 17: what nobody names goes after a day, and nothing else; old predictions go where the definition says so."""
        self.clock.at += days * DAY
        definition, now = self.bench.definitions[variant], self.clock.at
        stored = [dict(stores.artifacts.digests()) for stores in self.worlds]
        kept = [reachable(stores) for stores in self.worlds]

        def expect(_: object, __: Requests) -> None:
            if variant == "forgetful":
                self.plain.expire(now - RETENTION)
                self.forgotten = True
            for stores, was, named_by in zip(self.worlds, stored, kept, strict=True):
                gone = {digest for digest, at in was.items() if digest not in named_by and at < now - GRACE}
                assert was.keys() - contents_of(stores).keys() == gone

        do = Command(lambda stores: collect([definition], stores, now=now), expect, frozenset(NIGHTS), again=False)
        self.run(do, None if variant == "forgetful" else blow)

    # --- what always holds

    @invariant()
    def all_is_well(self) -> None:
        """The ledger says what the model says, promotions are lawful, no promise is broken, and all ledgers say the same."""
        self.the_ledger_says_what_the_model_says()
        self.promotions_are_lawful()
        self.no_promise_is_broken()
        for one, other in combinations(map(standing, self.worlds), 2):
            assert one == other

    def the_ledger_says_what_the_model_says(self) -> None:
        """Who is champion, now and at each night's end; whose predictions each night has."""
        for stores in self.worlds:
            assert seen_rows(stores.ledger) == self.plain.rows
            assert seen_batches(stores.ledger) == self.plain.batches
            for number in NIGHTS:
                found, row = champion_of(stores, NAME, ALL, night(number)), self.plain.reigning(day(number + 1))
                assert (found.epoch if found else None) == (row.epoch if row else None)

    def promotions_are_lawful(self) -> None:
        """Promise 8: whoever became champion passed, beside the champion of before."""
        evaluations = {row.id: row for row in self.ledger.history(Evaluation, NAME)}
        for number, row in enumerate(self.plain.rows, start=1):
            before = self.plain.rows[number - 2] if number > 1 else None
            assert (row.epoch, row.version is None) == (number, row.kind is PromotionKind.RETIRE)
            assert before is None or row.since >= before.since or PromotionKind.ROLLBACK in {row.kind, before.kind}
            if row.kind is PromotionKind.PROMOTE:
                judged = evaluations[row.evaluation or ""]
                assert (judged.verdict, judged.challenger) == (Verdict.PASS, row.version)
                assert judged.champion in {before.version if before else None, self.retired_by(before)}

    def retired_by(self, row: Row | None) -> str | None:
        """Return the champion that a row retired; None where it is no retirement."""
        if row is None or row.version is not None:
            return None
        return [known.version for known in self.plain.rows[: row.epoch] if known.version][-1]

    def no_promise_is_broken(self) -> None:
        """As the audit sees it."""
        for stores in self.worlds:
            assert audit(stores) == []
            assert stores.ledger.referenced() <= contents_of(stores).keys()


def _said(outcome: object) -> object:
    return str(outcome) if isinstance(outcome, PerennialError) else outcome


def _outcome(command: Command, stores: Stores) -> object:
    try:
        return command.do(stores)
    except PerennialError as error:
        return error


# --- the tests


@pytest.fixture(scope="module")
def steady() -> Steady:
    """A workshop for all tests here: what it remembers is named by what was asked."""
    return Steady()


@pytest.fixture
def bench(define: Define, simulated: World, steady: Steady, tmp_path: Path) -> Callable[[Callable[[], list[Ledger]]], Bench]:
    """Make what a machine runs on, with ledgers that are empty whenever they are asked for."""
    bad = with_bad_nights(simulated, {BadNight.KELVIN_ZERO: FAULTY_NIGHT})
    definitions = {name: define(**{"estimator": TREE, **changes}) for name, changes in VARIANTS.items()}
    return lambda ledgers: Bench(definitions, named(simulated), named(bad), ledgers, tmp_path, steady)


@pytest.fixture
def examine(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Callable[[Bench, int, int], None]:
    """Run so many examples of so many commands, the same ones every time; ``--hypothesis-seed`` gives others."""

    def run(bench: Bench, examples: int, steps: int) -> None:
        def machine() -> AnyOrder:
            return AnyOrder(bench)

        given = request.config.getoption("--hypothesis-seed")
        seeded = seed(int(given) if given else 4)(machine)
        run_state_machine_as_test(
            seeded,  # type: ignore[arg-type]  # any function that returns a machine will do, the documentation says
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=PHASES,
            ),
        )
        record_property(request.node.name, f"{bench.commands} commands, {bench.blows} of them disturbed")

    return run


@pytest.fixture
def both(postgres_ledger: PostgresLedger) -> Callable[[], list[Ledger]]:
    """Return an empty fake and the emptied real ledger."""

    def fresh() -> list[Ledger]:
        with postgres_ledger.engine.begin() as connection:
            # Neither foreign keys nor the append-only trigger.
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for table in metadata.sorted_tables:
                connection.execute(table.delete())
        return [MemoryLedger(), postgres_ledger]

    return fresh


@pytest.mark.slow
def test_any_order_agrees_with_a_plain_model(bench: Any, examine: Any) -> None:
    """Nights, retrainings, people, collections, in any order and disturbed, in memory."""
    examine(bench(lambda: [MemoryLedger()]), 4, 18)


@pytest.mark.slow
def test_the_fake_and_the_real_ledger_say_the_same_in_any_order(bench: Any, examine: Any, both: Any) -> None:
    """The same commands on both, and the model."""
    examine(bench(both), 1, 18)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_any_order_agrees_with_a_plain_model_for_long(bench: Any, examine: Any) -> None:
    """Many more of them."""
    examine(bench(lambda: [MemoryLedger()]), 20, 30)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_the_fake_and_the_real_ledger_say_the_same_for_long(bench: Any, examine: Any, both: Any) -> None:
    """Many more of them."""
    examine(bench(both), 6, 25)
